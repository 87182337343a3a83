#!/usr/bin/env bash
# Calls every operation of the API's description with what Schemathesis makes up, against a server on SQLite of its
# own, and fails on any 5xx and any answer that is not as described: tests/fuzz-api.sh [SECONDS] [ARGUMENT...]
#
# Arguments after the seconds go to `schemathesis run`, as in `--include-path-regex metrics` or `--seed 7`.
# Schemathesis comes from PyPI into target/tools/schemathesis.
set -euo pipefail

VERSION=4.32.5
TALLYGATE=${TALLYGATE:-target/debug/tallygate}
TOOL=target/tools/schemathesis
SECONDS_MOST=${1:-100}
[ $# -eq 0 ] || shift

say() { printf '\033[2m  %s\033[0m\n' "$*" >&2; }
fail() { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }

[ -x "$TALLYGATE" ] || fail "$TALLYGATE is missing: cargo build -p tallygate"
if [ "$("$TOOL/bin/schemathesis" --version 2>/dev/null | awk '{print $NF}')" != "$VERSION" ]; then
  say "Schemathesis $VERSION: installing from PyPI"
  rm -rf "$TOOL"
  python3 -m venv "$TOOL"
  "$TOOL/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
fi

dir=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$dir"
}
trap finish EXIT

# Two ports that are free now.
read -r admin portal < <(python3 - <<'PORTS'
import socket
sockets = [socket.socket() for _ in range(2)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))
PORTS
)
export TALLYGATE_DATABASE_URL="sqlite://$dir/tallygate.db"
# The provider key: no call of the API takes it away.
key=$("$TALLYGATE" provider create --name Acme --email api@acme.example | awk '$1 == "provider" && $2 == "key" {print $3}')
"$TALLYGATE" serve --admin-listen "127.0.0.1:$admin" --portal-listen "127.0.0.1:$portal" >"$dir/server.log" 2>&1 &
server=$!
url="http://127.0.0.1:$admin"
for _ in $(seq 100); do
  if curl -fsS "$url/readyz" >/dev/null 2>&1; then break; fi
  kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; fail "the server did not start"; }
  sleep 0.1
done

# Something of everything, so that calls meet rows.
call() { curl -fsS -u ":$key" "$url$1" "${@:2}" >/dev/null; }
call /admin/api/services.json -d name=Mail -d backend_version=2
call /admin/api/services.json -d name=Maps -d backend_version=1
call /admin/api/services/1/metrics.json -d friendly_name=Mails -d unit=mail
call /admin/api/services/1/metrics/1/methods.json -d friendly_name=Send
call /admin/api/services/1/application_plans.json -d name=Bronze
plan=$(curl -fsS -u ":$key" "$url/admin/api/application_plans.json" | python3 -c 'import json, sys; print(json.load(sys.stdin)["plans"][0]["application_plan"]["id"])')
call "/admin/api/application_plans/$plan/metrics/1/limits.json" -d period=minute -d value=600
call /admin/api/signup.json -d org_name=Customer -d username=ann -d email=ann@customer.example -d password=correct-horse \
  -d "application_plan_id=$plan"
call /admin/api/services/1/proxy.json -X PATCH -d endpoint=https://api.example.com -d api_backend=https://origin.example.com
call /admin/api/services/1/proxy/deploy.json -X POST
call /admin/api/backend_apis.json -d name=Origin -d private_endpoint=https://origin.example.com
call /admin/api/services/2/backend_usages.json -d backend_api_id=1 -d path=/
call /admin/api/gateways.json -d name=eu-1 -d environment=production

say "Schemathesis, $SECONDS_MOST seconds"
status=0
(cd "$dir" && NO_COLOR=1 "$OLDPWD/$TOOL/bin/schemathesis" run "$url/docs/openapi.json" \
  --auth "$key:x" --max-time "$SECONDS_MOST" --phases examples,coverage,fuzzing,stateful \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
  --suppress-health-check all --request-timeout 20 --warnings off "$@") >"$dir/report.txt" 2>&1 || status=$?
if [ "$status" != 0 ]; then
  cat "$dir/report.txt" >&2
  grep -i "error" "$dir/server.log" | tail -n 20 >&2 || true
  fail "the API does not keep what its description promises"
fi
grep -E "passed|API probing|Operations|generated|Summary|seed" "$dir/report.txt" | tail -n 12 >&2 || true
