#!/usr/bin/env bash
# The unit and plugin tests under Address- and ThreadSanitizer, the C runtime under both too.
set -eu -o pipefail
cd "$(dirname "$0")/.."
export SWIFT_BACKTRACE=enable=no
for sanitizer in address thread; do
  scratch=.build/$sanitizer
  extra=()
  # Plugins find the sanitizer's functions in the program that loads them.
  [ "$sanitizer" = thread ] && extra=(-Xlinker --export-dynamic)
  swift build --build-tests --scratch-path "$scratch" --sanitize="$sanitizer" "${extra[@]}"
  make --no-print-directory bundles OUT="$scratch/debug"
  Tests/Fixtures/build.sh "$scratch/debug/fixtures"
  swift test --scratch-path "$scratch" --skip-build --sanitize="$sanitizer" --disable-xctest "${extra[@]}"
  SANITIZE=$sanitizer Tests/PluginRuntimeTests/run.sh
done
