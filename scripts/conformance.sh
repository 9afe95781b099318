#!/usr/bin/env bash
# Runs the ChatKit conformance suite that lies beside the repository (../shared/conformance) against the real server, in both
# plugin modes, and with the same client what a plugin can emit (Tests/Conformance). Arguments: pytest's selection for the suite.
set -eu -o pipefail
cd "$(dirname "$0")/.."
suite=$(cd .. && pwd)/shared/conformance
if [ ! -d "$suite" ]; then
  echo "############################################################################"
  echo "# NOT RUN: the conformance suite ../shared/conformance is absent here.     #"
  echo "############################################################################"
  exit 0
fi
scripts/install-packages.sh python3 python3-venv
work=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true; rm -rf "$work"; }
trap cleanup EXIT
venv=.build/conformance-venv
[ -x "$venv/bin/pytest" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet openai-chatkit==1.6.5 httpx pytest; }

Tests/Fixtures/build.sh .build/release/fixtures
plugins=$PWD/.build/release/plugins:$PWD/.build/release/fixtures
selection=("$@")
run() { # trusted plugins, agent for the protocol tests, how the agent is chosen
  rm -f "$work"/chatkit.db*
  AGENTHOST_TRUSTED=$1 CHATKIT_SERVER_PORT=0 CHATKIT_DB_URL="sqlite:///$work/chatkit.db" AGENTHOST_CACHE="$work/cache" \
    AGENTHOST_PLUGINS=$plugins \
    .build/release/host-server serve >"$work/out" 2>"$work/log" &
  server=$!
  for _ in $(seq 100); do grep -q 'http://' "$work/out" && break; sleep 0.1; done
  url=$(grep -oE 'http://[0-9.:]+' "$work/out" | head -1) || { cat "$work/log" >&2; exit 1; }
  echo "conformance: trusted='$1' protocol agent=$2 chosen by $3"
  (cd "$suite" && CHATKIT_URL="$url/chatkit" STRICT_HTTP=1 AGENT_PROTOCOL=$2 AGENT_SELECT=$3 PYTHONDONTWRITEBYTECODE=1 \
    "$OLDPWD/$venv/bin/python" -m pytest -q -p no:cacheprovider "${selection[@]}") ||
    { tail -20 "$work/log" >&2; exit 1; }
  CHATKIT_URL="$url/chatkit" AGENT_SELECT=$3 PYTHONPATH=$suite PYTHONDONTWRITEBYTECODE=1 \
    "$venv/bin/python" -m pytest -q -p no:cacheprovider Tests/Conformance || { tail -20 "$work/log" >&2; exit 1; }
  kill "$server"
  wait "$server" || { echo "the server did not stop cleanly" >&2; exit 1; }
  server=
}
run "" echo metadata
run "*" TodoTasks metadata
run "" TodoTasks header
