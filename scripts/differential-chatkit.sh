#!/usr/bin/env bash
# Holds the same conversations with the reference server of ChatKit and with ours and compares the answers
# (docs/chatkit-compatibility.md). Arguments: names of conversations, if not all are wanted. PROGRAMS names a folder with
# another build of the server than the release build, which is made first.
set -eu -o pipefail
cd "$(dirname "$0")/.."
scripts/install-packages.sh python3 python3-venv
programs=${PROGRAMS:-.build/release}
[ -n "${PROGRAMS:-}" ] || make --no-print-directory build
Tests/Fixtures/build.sh .build/differential-chatkit
venv=.build/differential-chatkit-venv
[ -x "$venv/bin/uvicorn" ] || {
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet openai-chatkit==1.6.5 starlette==1.10.0 uvicorn==0.54.0
}
python3 -B Tests/ChatKitDifferential/check_page.py
exec "$venv/bin/python" -B Tests/ChatKitDifferential/compare.py "$programs/host-server" .build/differential-chatkit "$@"
