#!/usr/bin/env bash
# Every test under Address- and ThreadSanitizer; the plugin runtime in C under both, and under UBSan.
set -eu -o pipefail
cd "$(dirname "$0")/.."
export SWIFT_BACKTRACE=enable=no
for sanitizer in ${*:-address thread}; do
  Tests/PluginRuntimeTests/run.sh "$sanitizer"
  scratch=.build/$sanitizer
  flags=(--scratch-path "$scratch" --sanitize="$sanitizer")
  # Plugins find the sanitizer's functions in the program that loads them; SanitizedMutex.swift says why it is told.
  [ "$sanitizer" = thread ] && flags+=(-Xlinker --export-dynamic -Xswiftc -DTSAN_LOCKS)
  swift build --build-tests "${flags[@]}"
  make --no-print-directory bundles OUT="$scratch/debug"
  Tests/Fixtures/build.sh "$scratch/debug/fixtures"
  swift test --skip-build --disable-xctest "${flags[@]}"
done
