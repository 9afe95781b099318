#!/usr/bin/env bash
# Hurts a real server in every way that docs/testing.md, "Faults", lists, and looks at what its clients got.
#
#   scripts/faults.sh [part[=size] ...]      e.g. kill=500  kill=500,7 (with that seed)  disk  descriptors  clients  workers  upgrades=200
#                                    containment  crashes=1000
#
# Without arguments: each part in its short form, some minutes. Uses the release build if there is one, else the debug build; PRODUCTS=<folder>
# names another.
set -eu -o pipefail
cd "$(dirname "$0")/.."
products=${PRODUCTS:-}
if [ -z "$products" ]; then
  for products in .build/release .build/debug; do [ -x "$products/host-server" ] && break; done
fi
[ -x "$products/host-server" ] || { echo "there is no $products/host-server; run make build" >&2; exit 2; }
parts=("$@")
[ "${#parts[@]}" -gt 0 ] || parts=(kill=40 disk descriptors clients workers upgrades=30 containment crashes=200)
exec python3 -B Tests/Faults "$products" "${parts[@]}"
