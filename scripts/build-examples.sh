#!/usr/bin/env bash
# build-examples.sh [outdir] - builds the examples: the same plugin in each language, and two more, each with the one command its author would use. Without a Rust
# compiler (1.63 or later) those in Rust are left out, and said so.
set -eu -o pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-.build/debug/examples}"
out=$(cd "${1:-.build/debug/examples}" && pwd)
umask 022 # the host refuses what others may write to
chmod go-w "$out"
make -s -C Examples/c "OUT=$out" "CFLAGS=-Werror ${CFLAGS:-}"
make -s -C Examples/units "OUT=$out" "CFLAGS=-Werror ${CFLAGS:-}"
make -s -C Examples/cpp "OUT=$out" "CXXFLAGS=-Werror ${CXXFLAGS:-}"
make -s -C Examples/swift "OUT=$out" "BUILD=$PWD/.build/examples-swift" >&2
rustc=${RUSTC:-$(command -v /usr/bin/rustc rustc | head -1 || true)}
if [ -n "$rustc" ]; then
  for example in rust counter; do make -s -C "Examples/$example" "OUT=$out" "RUSTC=$rustc" RUSTFLAGS="-D warnings"; done
else
  rm -rf "$out/HelloRust.agentplugin" "$out/Counter.agentplugin"
  printf '\n*** SKIPPED: Examples/rust and Examples/counter, because no Rust compiler is installed (apt-get install rustc) ***\n\n' >&2
fi
