#!/usr/bin/env bash
# Every test under Address- and ThreadSanitizer; the plugin runtime in C under both, and under UBSan. Arguments: address, thread.
set -eu -o pipefail
cd "$(dirname "$0")/.."
export SWIFT_BACKTRACE=enable=no
# Swift's weak references hide pointers from the leak check, and Foundation, which the tests use, leaks on its own account.
export ASAN_OPTIONS=detect_leaks=0
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
clang=$toolchain/bin/clang
# The toolchain's ThreadSanitizer knows libdispatch and wants it at hand.
libraries=$toolchain/lib/swift/linux
dispatch="-L$libraries -Wl,-rpath,$libraries -Wl,--no-as-needed -ldispatch -lBlocksRuntime"
for sanitizer in ${*:-address thread}; do
  Tests/PluginRuntimeTests/run.sh "$sanitizer"
  scratch=.build/$sanitizer
  flags=(--scratch-path "$scratch" --sanitize="$sanitizer")
  # SanitizedMutex.swift says why ThreadSanitizer gets other locks.
  [ "$sanitizer" = thread ] && flags+=(-Xlinker --export-dynamic -Xswiftc -DTSAN_LOCKS)
  swift build --build-tests "${flags[@]}"
  # Plugins find the sanitizer's functions in the program that loads them, so the worker is built by the same compiler.
  worker="-fsanitize=$sanitizer -rdynamic"
  [ "$sanitizer" = thread ] && worker+=" $dispatch"
  make --no-print-directory bundles OUT="$scratch/debug" WORKER_CC="$clang" WORKER_FLAGS="$worker"
  Tests/Fixtures/build.sh "$scratch/debug/fixtures"
  swift test --skip-build --disable-xctest --skip HostServerTests "${flags[@]}"
  swift test --skip-build --disable-xctest --filter HostServerTests "${flags[@]}"
done
