#!/bin/bash
# tokens.sh - what the host adds to the tokens of a model: the same server, asked directly, through a relay in C that only forwards bytes (the
# floor), and through the host, in one run. Release build first (`make build`). docs/performance.md explains the figures.
#
# IN_STEP=1: all streams speak at the same time, in bursts. Relay and host run on core 0; the model's server and the clients on core 1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
release=${RELEASE:-$here/../.build/release}
seconds=${SECONDS_EACH:-5}
base=${BENCH_PORT:-18180}
work=$(mktemp -d)
pids=()
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done; pids=(); }
trap 'stop; rm -rf "$work"' EXIT
ulimit -n "$(ulimit -Hn)"

cc -std=c11 -O2 -o "$work/load" "$here/load.c"
cc -std=c11 -O2 -o "$work/tokens" "$here/tokens.c"
cc -std=c11 -O2 -o "$work/relay" "$here/relay.c"
printf '{"model":"bench","stream":true,"messages":[{"role":"user","content":"go"}]}' > "$work/direct.json"
printf '{"type":"threads.create","params":{"input":{"content":[{"type":"input_text","text":"go"}],"attachments":[],"inference_options":{}}},"metadata":{"agent":"TodoTasks"}}' > "$work/host.json"

await() { # <port>
    for ((i = 0; i < 5000; i++)); do
        if (: < /dev/tcp/127.0.0.1/"$1") 2>/dev/null; then return 0; fi
        sleep 0.001
    done
    echo "nothing listens on port $1" >&2
    cat "$work"/*.log >&2
    exit 1
}
value() { sed -n "s/.*\b$1=\([0-9.-]*\).*/\1/p" <<< "$2"; }

format='%-24s %10s %11s %10s %11s %10s %10s %11s %8s %10s %7s\n'
printf "$format" "p50, p99 in us" "direct p50" "relay added" "host added" "added ratio" "host p99" "relay CPU" "host us CPU" "ratio" "tokens/s" "busy %"
port=$base
for shape in ${SHAPES:-10x50 100x50 1000x20}; do
    streams=${shape%x*} rate=${shape#*x}
    taskset -c 1 "$work/tokens" "$port" "$rate" ${IN_STEP:+step} &
    pids+=($!)
    model=$!
    await "$port"
    direct=$(taskset -c 1 "$work/load" tickers "$port" /v1/chat/completions "$work/direct.json" "$streams" "$seconds" "$model")
    taskset -c 0 "$work/relay" $((port + 2)) "$port" &
    pids+=($!)
    relay=$!
    await $((port + 2))
    floor=$(taskset -c 1 "$work/load" tickers $((port + 2)) /v1/chat/completions "$work/direct.json" "$streams" "$seconds" "$relay")
    rm -f "$work"/chat.db*
    env CHATKIT_SERVER_PORT=$((port + 1)) CHATKIT_DB_URL="sqlite:///$work/chat.db" AGENTHOST_CACHE="$work/cache" \
        OPENAI_BASE_URL="http://127.0.0.1:$port/v1" CHATKIT_MODEL=bench AGENTHOST_PLUGINS="$release/plugins" \
        taskset -c 0 "$release/host-server" serve > "$work/host.log" 2>&1 &
    pids+=($!)
    host=$!
    await $((port + 1))
    through=$(taskset -c 1 "$work/load" tickers $((port + 1)) /chatkit "$work/host.json" "$streams" "$seconds" "$host")
    direct_us=$(value p50_us "$direct") least=$(($(value p50_us "$floor") - direct_us)) added=$(($(value p50_us "$through") - direct_us))
    ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "-" }'; }
    printf "$format" "$streams streams, $rate/s" "$direct_us" "$least" "$added" "$(ratio "$added" "$least")" "$(value p99_us "$through")" \
        "$(value cpu_us "$floor")" "$(value cpu_us "$through")" "$(ratio "$(value cpu_us "$through")" "$(value cpu_us "$floor")")" \
        "$(value per_second "$through")" "$(value busy "$through")"
    [ "$(value failures "$through")" = 0 ] || { echo "failures: $through" >&2; exit 1; }
    stop
    port=$((port + 3))
done
