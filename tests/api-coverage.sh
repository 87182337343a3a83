#!/usr/bin/env bash
# Says which operations of the API's description no route test has seen succeed, on either database; fails when there
# are any. The tests leave what they saw in target/tmp/operations: run all of them first, with that folder empty.
set -euo pipefail

TALLYGATE=${TALLYGATE:-target/debug/tallygate}
SEEN=target/tmp/operations

"$TALLYGATE" openapi | python3 -c '
import json, pathlib, sys

document = json.load(sys.stdin)
operations = {f"{verb} {path}" for path, item in document["paths"].items() for verb in item}
missing = 0
for database in ("sqlite", "postgres"):
    seen = set()
    for file in pathlib.Path(sys.argv[1]).glob(f"{database}-*"):
        seen.update(file.read_text().splitlines())
    # One handler answers both.
    seen |= {one.replace("patch ", "put ", 1) for one in seen} | {one.replace("put ", "patch ", 1) for one in seen}
    for operation in sorted(operations - seen):
        missing += 1
        print(f"no test on {database} saw this succeed: {operation}", file=sys.stderr)
print(f"{len(operations)} operations, each seen to succeed on both databases" if not missing else f"{missing} missing")
sys.exit(missing > 0)
' "$SEEN"
