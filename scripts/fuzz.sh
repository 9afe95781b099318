#!/usr/bin/env bash
# Fuzzes every door for hostile bytes under AddressSanitizer (docs/testing.md).
#
#   scripts/fuzz.sh [seconds for each target, 60] [target ...]
#
# Starts from the seeds in Tests/Fuzz/Corpus and from what earlier runs found worth keeping (.build/fuzz/corpus). A finding fails the
# run and is left in .build/fuzz/findings; mended, it is added to the seeds.
set -eu -o pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(http json frames manifest elf schema completion)
# A crash ends at once: the Swift runtime's own backtrace may hang beside the sanitizer's.
export SWIFT_BACKTRACE=enable=no
work=.build/fuzz
tests=Tests/Fuzz
bin=$(dirname "$(readlink -f "$(command -v swiftc)")")

# -enable-testing opens the rooms to the targets; release, because a debug build tries a tenth as many inputs.
AGENTHOST_HOSTILE_INPUT=1 swift build --quiet -j 2 -c release --scratch-path "$work" --product FuzzTargets \
  --sanitize=address -Xswiftc -enable-testing -Xswiftc -sanitize=fuzzer -Xcc -fsanitize=fuzzer-no-link

mkdir -p "$work/findings"
failed=()
for target in "${targets[@]}"; do
  [ -d "$tests/Corpus/$target" ] || { echo "there is no target $target in $tests/Corpus" >&2; exit 2; }
  "$bin/clang" -c -o "$work/$target.o" "-DTARGET=fuzz_$target" "$tests/Entry/entry.c"
  swiftc -use-ld=lld -sanitize=fuzzer,address -o "$work/fuzz-$target" "$work/$target.o" "$work/release/libFuzzTargets.a" \
    -lsimdjson -lsqlite3 -lcrypto -lcurl -lstdc++
  mkdir -p "$work/corpus/$target"
  flags=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1
    -artifact_prefix="$work/findings/$target-")
  # Frames and ELF files hide bugs behind lengths, not in length; a request has 8 KB lines.
  case $target in http) flags+=(-max_len=20000) ;; *) flags+=(-max_len=8192) ;; esac
  [ -f "$tests/Dictionaries/$target.dict" ] && flags+=(-dict="$tests/Dictionaries/$target.dict")
  log=$work/$target.log
  if "$work/fuzz-$target" "${flags[@]}" "$work/corpus/$target" "$tests/Corpus/$target" >"$log" 2>&1; then
    tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
    echo "fuzz $target: $tried inputs in $seconds s, $edges, $(find "$work/corpus/$target" -type f | wc -l) inputs kept, no finding"
  else
    failed+=("$target")
    echo "fuzz $target: FINDING, see $log and $work/findings" >&2
    grep -E 'Fatal error|ERROR: |SUMMARY|Test unit written' "$log" >&2 || tail -5 "$log" >&2
  fi
done
[ "${#failed[@]}" -eq 0 ]
