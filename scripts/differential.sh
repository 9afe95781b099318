#!/usr/bin/env bash
# Compares the HTTP parser with llhttp (httptools) and h11 on generated and mutated requests (docs/testing.md).
#
#   scripts/differential.sh [requests, 150000] [seed, 1]
set -eu -o pipefail
cd "$(dirname "$0")/.."
scripts/install-packages.sh python3 python3-venv
scratch=.build/differential
venv=.build/differential-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import h11, httptools' 2>/dev/null || "$venv/bin/pip" install --quiet httptools==0.9.0 h11==0.16.0
AGENTHOST_HOSTILE_INPUT=1 swift build --quiet -j 2 -c release --scratch-path "$scratch" --product http-verdicts \
  -Xswiftc -enable-testing
exec "$venv/bin/python" -B Tests/Differential/compare.py "$scratch/release/http-verdicts" "${1:-150000}" "${2:-1}"
