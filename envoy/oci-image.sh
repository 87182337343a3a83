#!/usr/bin/env bash
# Packs the filter as an OCI image, for Istio's WasmPlugin (`url: oci://…`) and whoever else pulls WebAssembly from a
# registry. Needs neither Docker nor root: tar, gzip and sha256sum.
#
#   envoy/oci-image.sh [FILTER.wasm] [FOLDER] [TAG]
#
# FOLDER becomes an OCI image layout: one layer with `plugin.wasm`, which is what Envoy's and Istio's fetchers look for.
# The same filter gives the same bytes, hence the same digest, which is printed. To push it:
#
#   skopeo copy oci:FOLDER:TAG docker://registry.example.com/tallygate-filter:TAG      # or crane push, oras cp
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
wasm=${1:-$root/target/wasm32-wasip1/wasm/tallygate_filter.wasm}
folder=${2:-$root/target/oci/tallygate-filter}
tag=${3:-$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)}

fail() { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }

[ -f "$wasm" ] || fail "$wasm is not there: build it with \`make filter\`"
[ "$(head -c 4 "$wasm" | od -An -tx1 | tr -d ' ')" = 0061736d ] || fail "$wasm is not WebAssembly"
[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]] || fail "\`$tag\` is no tag: letters, digits, dots, dashes"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/blobs/sha256" "$work/layer"

# Puts a file among the blobs, and says its descriptor: media type, digest, size.
blob() {
  local digest size
  digest=$(sha256sum "$2" | cut -d ' ' -f 1)
  size=$(wc -c < "$2" | tr -d ' ')
  mv "$2" "$work/blobs/sha256/$digest"
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$1" "$digest" "$size"
}

# Nothing in it depends on when and by whom it is packed.
cp "$wasm" "$work/layer/plugin.wasm"
chmod 644 "$work/layer/plugin.wasm"
tar --create --file "$work/layer.tar" --directory "$work/layer" --format ustar \
  --mtime '@0' --owner 0 --group 0 --numeric-owner plugin.wasm
diff_id=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
gzip --no-name --best "$work/layer.tar"
layer=$(blob application/vnd.oci.image.layer.v1.tar+gzip "$work/layer.tar.gz")

printf '{"architecture":"wasm","os":"wasip1","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
  "$diff_id" > "$work/config"
config=$(blob application/vnd.oci.image.config.v1+json "$work/config")

printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s],"annotations":{%s,%s}}' \
  application/vnd.oci.image.manifest.v1+json "$config" "$layer" \
  '"org.opencontainers.image.title":"tallygate-filter"' \
  '"org.opencontainers.image.licenses":"Apache-2.0"' > "$work/manifest"
manifest=$(blob application/vnd.oci.image.manifest.v1+json "$work/manifest")

printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' application/vnd.oci.image.index.v1+json \
  "${manifest%\}},\"annotations\":{\"org.opencontainers.image.ref.name\":\"$tag\"}}" > "$work/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' > "$work/oci-layout"

rm -rf "$work/layer"
mkdir -p "$(dirname "$folder")"
rm -rf "$folder"
cp -R "$work" "$folder"
chmod 755 "$folder"
digest=${manifest#*\"digest\":\"}
printf '%s %s\n' "$folder" "${digest%%\"*}"
