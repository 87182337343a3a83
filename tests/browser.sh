#!/usr/bin/env bash
# Runs a script of tests/browser with a headless Chromium at hand: tests/browser.sh SCRIPT [ARGUMENT...]
#
#   tests/browser.sh stories/first_call.py          one story
#   tests/browser.sh check.py usage alerts          what must hold of every page, on these
#   tests/browser.sh screenshots.py                 every page as it looks, in target/screenshots
#
# The environment says where the installation is (PORTAL_URL and friends, as in `demo.env`); where it does not, the
# script starts a demo of its own. Playwright and axe come from PyPI into target/tools/browser; Chromium is the machine's.
set -euo pipefail

PLAYWRIGHT=1.65.2
AXE=0.1.8
cd "$(dirname "$0")/.."
TOOL=target/tools/browser

fail() { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }

[ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
script=tests/browser/$1
shift
[ -f "$script" ] || fail "there is no $script"

want="playwright==$PLAYWRIGHT axe-playwright-python==$AXE"
if [ "$(cat "$TOOL/installed" 2>/dev/null)" != "$want" ]; then
  printf '\033[2m  Playwright %s and axe: installing from PyPI\033[0m\n' "$PLAYWRIGHT" >&2
  rm -rf "$TOOL/"
  python3 -m venv "$TOOL"
  # shellcheck disable=SC2086 # two words on purpose
  "$TOOL/bin/pip" install --quiet --disable-pip-version-check $want
  printf '%s\n' "$want" >"$TOOL/installed"
fi

if [ -z "${CHROMIUM:-}" ]; then
  CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
fi
if [ -z "$CHROMIUM" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  printf '\033[2m  Chromium: installing from the distribution\033[0m\n' >&2
  apt-get update -qq && apt-get install -y -qq chromium >/dev/null
  CHROMIUM=$(command -v chromium || true)
fi
[ -n "$CHROMIUM" ] || fail "Chromium is missing: sudo apt-get install chromium, or name one in CHROMIUM"
export CHROMIUM

PYTHONPATH=tests/browser PYTHONDONTWRITEBYTECODE=1 exec "$TOOL/bin/python" "$script" "$@"
