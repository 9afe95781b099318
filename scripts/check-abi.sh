#!/usr/bin/env bash
# check-abi.sh [--update] - the layout lock: Sources/PluginABI/abi.lock holds what a compiled plugin depends on (names, sizes, offsets, types
# and signatures of every struct, every constant, the entry), read from the headers by the compiler. What is there may not change;
# docs/abi-compatibility.md says what to do instead. --update writes the file anew: only for additions, or with a new AP_ABI_DRAFT.
set -eu -o pipefail
cd "$(dirname "$0")/.."
clang=$(dirname "$(command -v swift)")/clang
[ -x "$clang" ] || clang=clang
lock=Sources/PluginABI/abi.lock
found=$(mktemp)
trap 'rm -f "$found"' EXIT
python3 -B scripts/abi_layout.py "$clang" Sources/PluginABI/include >"$found"
if [ "${1:-}" = --update ]; then
  cp "$found" "$lock"
  exit 0
fi
if ! diff -u "$lock" "$found"; then
  echo "the headers are not those of $lock: see docs/abi-compatibility.md; scripts/check-abi.sh --update writes it anew" >&2
  exit 1
fi
echo "abi: $(grep -c '^struct' "$lock") structs and $(grep -c '^define' "$lock") constants as locked"
