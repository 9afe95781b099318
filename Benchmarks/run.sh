#!/bin/bash
# run.sh [quick|plugins|full|gate] - measures the release build (`make build` comes first) and prints one table. docs/performance.md explains it.
#
# quick   turns, requests, start and memory (a minute)
# plugins what plugins cost: worker against in process, deltas, crashes, installing, memory (two minutes)
# full    both, and the calls of the ABI, and how late deltas are that come each 50 ms (several minutes)
# gate    turns and idle streams, and fails when a ratio is lost: for `make test-all`
#
# The servers run on core 0, the load on core 1. What counts is CPU time for each unit and its ratio to nginx in the same run.
set -eu

mode=${1:-quick}
here=$(cd "$(dirname "$0")" && pwd)
root=$here/..
release=${RELEASE:-$root/.build/release}
seconds=${SECONDS_EACH:-3}
pin="taskset -c 0"
base=${BENCH_PORT:-18080}
work=$(mktemp -d)
chmod 755 "$work" # nginx gives up root
pids=()

stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done; pids=(); }
trap 'stop; rm -rf "$work"' EXIT

cc -std=c11 -O2 -o "$work/load" "$here/load.c"
cc -std=c11 -O2 -o "$work/canned" "$here/canned.c"
"$root/Tests/Fixtures/build.sh" "$release/fixtures"
mkdir -p "$work/plugins" "$work/www"
cp -r "$release/fixtures/BenchC.agentplugin" "$work/plugins/"

# ---- requests ----

text() { head -c "$1" < <(yes 'The quick brown fox jumps over the lazy dog and runs on. ' | tr -d '\n'); }
create() { # <agent> <text>: a request that begins a thread
    printf '{"type":"threads.create","params":{"input":{"content":[{"type":"input_text","text":"%s"}],"attachments":[],"inference_options":{}}},"metadata":{"agent":"%s"}}' "$2" "$1"
}
create bench-burst "$(text 1820)" > "$work/turn.json"
create bench-silent "wait" > "$work/silent.json"
create bench-ticker "100000" > "$work/ticker.json"
create bench-calls "go" > "$work/calls.json"
create bench-flood "20000" > "$work/flood.json"
create bench-crash "now" > "$work/crash.json"
printf '{"type":"threads.list","params":{"limit":20,"order":"desc"}}' > "$work/list.json"
printf '{"type":"threads.get_by_id","params":{"thread_id":"thr_missing"}}' > "$work/missing.json"

# ---- servers ----

await() { # <port>
    local i
    for ((i = 0; i < 5000; i++)); do
        if (: < /dev/tcp/127.0.0.1/"$1") 2>/dev/null; then return 0; fi
        sleep 0.001
    done
    echo "nothing listens on port $1" >&2
    cat "$work"/*.log >&2
    exit 1
}

host() { # <port> <trusted>: sets `server`, its processes, and `started_ms`
    local begin=$EPOCHREALTIME
    rm -f "$work"/chat.db*
    env CHATKIT_SERVER_PORT="$1" AGENTHOST_PLUGINS="${plugin_folder:-$work/plugins}" AGENTHOST_TRUSTED="$2" AGENTHOST_CACHE="$work/cache" \
        CHATKIT_DB_URL="sqlite:///$work/chat.db" AGENTHOST_WORKER="$release/plugin-worker" CHATKIT_DEFAULT_AGENT=bench-burst \
        $pin "$release/host-server" serve > "$work/host.log" 2>&1 &
    pids+=($!)
    local pid=$!
    await "$1"
    started_ms=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
    server=$pid
    for child in $(cat /proc/"$pid"/task/*/children); do server=$server,$child; done
}

load() { taskset -c 1 "$work/load" "$@"; }
value() { sed -n "s/.*\b$1=\([0-9.-]*\).*/\1/p" <<< "$2"; }
lateness() { # <name>: of `line`
    printf '%-34s %7s us CPU a delta, p50/p99 late %s/%s ms, %s deltas/s, %s MB, %s MB after 10 s\n' "$1" "$(value cpu_us "$line")" \
        $(($(value p50_us "$line") / 1000)) $(($(value p99_us "$line") / 1000)) "$(value per_second "$line")" \
        $(($(value memory_kb "$line") / 1024)) $(($(value memory_end_kb "$line") / 1024))
}
row() { printf '%-46s %10s %10s %10s %10s\n' "$@"; }
verdict() { printf '%-58s %10s   target %s\n' "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b > 0 ? a / b : 0) }'; }

measure() { # <name> <port> <target> <file> <connections> <pids>: a row; sets `cpu`
    local line
    line=$(load post "$2" "$3" "$work/$4" "$5" "$seconds" "$6")
    cpu=$(value best_us "$line")
    row "$1" "$cpu" "$(value per_second "$line")" "$(value p50_us "$line")" "$(value p99_us "$line")"
    [ "$(value failures "$line")" = 0 ] || { echo "failures: $line" >&2; exit 1; }
}

if [ "$mode" = plugins ]; then
    . "$here/plugins.sh"
    exit 0
fi

row "" "CPU us *" "per s" "p50 us" "p99 us"

host "$base" "*"
in_process=$server
start_trusted=$started_ms
load once "$base" /chatkit "$work/turn.json" > "$work/www/answer"
load once "$base" /chatkit "$work/list.json" > "$work/www/list"
sleep 0.5
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$in_process/status")
sed "s#@FOLDER@#$work#; s#@PORT@#$((base + 1))#" "$here/nginx.conf.in" | sed "s#@FOLDER@#$work#g" > "$work/nginx.conf"
taskset -c 0 nginx -p "$work" -e "$work/nginx.log" -c "$work/nginx.conf" 2> /dev/null &
pids+=($!)
nginx=$!
taskset -c 0 "$work/canned" $((base + 2)) "$work/www/answer" &
pids+=($!)
canned=$!
await $((base + 1))
await $((base + 2))
nginx=$nginx,$(cat /proc/"$nginx"/task/*/children | tr -s ' ' ',' | sed 's/,$//')

for connections in 1 64; do
    measure "canned bytes in C, c=$connections" $((base + 2)) /answer turn.json $connections "$canned"
    measure "nginx, a file for a POST, c=$connections" $((base + 1)) /answer turn.json $connections "$nginx"
    nginx_cpu=$cpu
    measure "durable 50-delta turn, in process, c=$connections" "$base" /chatkit turn.json $connections "$in_process"
    turn_cpu=$cpu
done
in_process_ratio=$(ratio "$nginx_cpu" "$turn_cpu")
if [ "$mode" != gate ]; then measure "threads.list of 20 threads, c=64" "$base" /chatkit list.json 64 "$in_process"; fi
line=$(load idle "$base" /chatkit "$work/silent.json" 5000 1 "$in_process")
idle_kb=$(ratio "$(value memory_kb "$line")" 5000)
if [ "$mode" = full ]; then load once "$base" /chatkit "$work/calls.json" | grep -o 'state=[^"]*' | tail -1 > "$work/calls.in"; fi
stop

host "$base" ""
in_worker=$server
measure "durable 50-delta turn, in a worker, c=1" "$base" /chatkit turn.json 1 "$in_worker"
measure "durable 50-delta turn, in a worker, c=64" "$base" /chatkit turn.json 64 "$in_worker"
worker_ratio=$(ratio "$cpu" "$turn_cpu")
if [ "$mode" = full ]; then load once "$base" /chatkit "$work/calls.json" | grep -o 'state=[^"]*' | tail -1 > "$work/calls.out"; fi
start_worker=$started_ms
stop

echo "* of the best half second"
echo
verdict "nginx CPU / turn CPU, c=64" "$in_process_ratio" ">= 0.10"
verdict "worker turn CPU / in-process turn CPU, c=64" "$worker_ratio" "<= 1.5"
verdict "answer, bytes" "$(wc -c < "$work/www/answer")" "-"
verdict "memory of an idle open stream, KB" "$idle_kb" "<= 8"
if [ "$mode" != gate ]; then
    verdict "start to listening, in process / worker, ms" "$start_trusted/$start_worker" "<= 100"
    verdict "RSS idle, MB" "$((rss / 1024))" "<= 40"
fi
if [ "$mode" = full ]; then
    printf 'ABI, ns a call, in process: %s\n' "$(cat "$work/calls.in")"
    printf 'ABI, ns a call, in worker:  %s\n' "$(cat "$work/calls.out")"
    # Here nothing is pinned: the question is what the whole machine can keep up with.
    pin=
    ulimit -n "$(ulimit -Hn)"
    cc -std=c11 -O2 -o "$work/metronome" "$here/metronome.c"
    for streams in ${TICKERS:-2000 5000 10000}; do
        "$work/metronome" $((base + 3)) &
        floor=$!
        await $((base + 3))
        line=$("$work/load" tickers $((base + 3)) / "$work/ticker.json" "$streams" 5 "$floor,$(tr -d ' ' < /proc/"$floor"/task/"$floor"/children)")
        lateness "$streams streams, C floor"
        kill "$floor" $(cat /proc/"$floor"/task/"$floor"/children)
        for trusted in "*" ""; do
            host "$base" "$trusted"
            line=$("$work/load" tickers "$base" /chatkit "$work/ticker.json" "$streams" 10 "$server")
            lateness "$streams streams, $([ -n "$trusted" ] && echo in process || echo in a worker)"
            stop
        done
    done
fi
if [ "$mode" = full ]; then
    pin="taskset -c 0"
    . "$here/plugins.sh"
    scratch=$root/.build/benchmarks
    (cd "$root" && AGENTHOST_BENCHMARKS=1 swift build --quiet -c release --scratch-path "$scratch" --product turns-at-once \
        -Xswiftc -enable-testing)
    for turns in 5000 10000; do
        for way in in-process worker; do
            mkdir "$work/turns"
            "$scratch/release/turns-at-once" "$work/plugins" "$release/plugin-worker" "$way" "$turns" 10 "$work/turns"
            rm -rf "$work/turns"
        done
    done
fi
if [ "$mode" = gate ]; then
    # Slack: a noisy machine moves these by a fifth, a lost design by more.
    awk -v a="$in_process_ratio" -v b="$worker_ratio" 'BEGIN { exit !(a >= '"${GATE_TURN:-0.075}"' && b <= '"${GATE_WORKER:-1.6}"') }' ||
        { echo "the turn has become dearer than the gate allows" >&2; exit 1; }
    awk -v kb="$idle_kb" 'BEGIN { exit !(kb <= '"${GATE_IDLE_KB:-10}"') }' ||
        { echo "an idle stream takes more memory than the gate allows" >&2; exit 1; }
fi
