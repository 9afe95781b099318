# plugins.sh - what plugins cost. Read by run.sh, whose functions it uses: `run.sh plugins`.

rounds=${ROUNDS:-3}
export CHATKIT_ADMIN_TOKEN=benchmark-0123456789abcdef0123456789abcdef

least() { awk -v a="${1:-0}" -v b="$2" 'BEGIN { print (a == 0 || b < a) ? b : a }'; }
# <pid> <field>: kilobytes
memory() { awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/smaps_rollup"; }

# ---- worker against in process: the least of several rounds, as others' work only ever makes it dearer ----

declare -A least
for ((round = 0; round < rounds; round++)); do
    for way in in-process worker; do
        host "$base" "$([ $way = worker ] || echo '*')"
        for connections in 1 64; do
            line=$(load post "$base" /chatkit "$work/turn.json" $connections "$seconds" "$server")
            for what in best_us p50_us text_p50_us; do
                least[$way-$connections-$what]=$(least "${least[$way-$connections-$what]:-}" "$(value $what "$line")")
            done
            [ "$(value failures "$line")" = 0 ] || { echo "failures: $line" >&2; exit 1; }
        done
        for connections in 1 8; do
            line=$(load post "$base" /chatkit "$work/flood.json" $connections "$seconds" "$server")
            each=$(awk -v us="$(value best_us "$line")" 'BEGIN { printf "%.3f", us / 20000 }')
            least[$way-$connections-delta_us]=$(least "${least[$way-$connections-delta_us]:-}" "$each")
            rate=$(awk -v n="$(value per_second "$line")" -v m="${least[$way-$connections-rate]:-0}" 'BEGIN { n *= 20000; print (n > m ? n : m) }')
            least[$way-$connections-rate]=$rate
        done
        stop
    done
done
echo
row "50-delta turn, least of $rounds rounds" "CPU us *" "p50 us" "1st delta us" ""
for connections in 1 64; do
    for way in in-process worker; do
        row "  $way, c=$connections" "${least[$way-$connections-best_us]}" "${least[$way-$connections-p50_us]}" "${least[$way-$connections-text_p50_us]}" ""
    done
done
row "turns of 20,000 deltas" "CPU us *" "deltas/s" "" ""
for connections in 1 8; do
    for way in in-process worker; do
        row "  $way, c=$connections" "${least[$way-$connections-delta_us]}" "${least[$way-$connections-rate]}" "" ""
    done
done
echo "* of the best half second; of a turn, of a delta"
for connections in 1 64; do
    verdict "worker turn CPU / in-process turn CPU, c=$connections" \
        "$(ratio "${least[worker-$connections-best_us]}" "${least[in-process-$connections-best_us]}")" "<= 1.3"
    verdict "a worker adds to the first delta, c=$connections, us" \
        "$((${least[worker-$connections-text_p50_us]} - ${least[in-process-$connections-text_p50_us]}))" "<= 100"
done
for connections in 1 8; do
    verdict "worker delta CPU / in-process delta CPU, c=$connections" \
        "$(ratio "${least[worker-$connections-delta_us]}" "${least[in-process-$connections-delta_us]}")" "-"
done

# ---- crash to serving again ----

AGENTHOST_QUARANTINE_CRASHES=0 AGENTHOST_RESTART_PAUSE_SECONDS=0 host "$base" ""
line=$(load crash "$base" /chatkit "$work/crash.json" "$work/turn.json" 100)
verdict "crash to the next answer, p50 / p99 of 100, ms" \
    "$(awk -v a="$(value p50_us "$line")" -v b="$(value p99_us "$line")" 'BEGIN { printf "%.1f/%.1f", a / 1000, b / 1000 }')" "<= 20"
stop

# ---- install to first turn ----

plugin_folder=$work/installed
fresh() { # <trusted>: a host without the plugin
    rm -rf "$plugin_folder" "$work/cache"
    mkdir "$plugin_folder"
    cp -r "$work/plugins/BenchC.agentplugin" "$plugin_folder/.new"
    host "$base" "$1"
}
# <command>: milliseconds until a turn was answered
until_answered() {
    local begin=$EPOCHREALTIME
    "$@" > "$work/install.log"
    load until "$base" /chatkit "$work/turn.json" text_delta 20 > "$work/until.log"
    echo $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
}
for trusted in "*" ""; do
    way=$([ -n "$trusted" ] && echo "in process" || echo "in a worker")
    fresh "$trusted"
    verdict "bundle in the folder to first turn, $way, ms" "$(until_answered mv "$plugin_folder/.new" "$plugin_folder/BenchC.agentplugin")" "-"
    stop
    fresh "$trusted"
    verdict "plugins install to first turn, $way, ms" \
        "$(until_answered "$release/host-server" plugins install "$work/plugins/BenchC.agentplugin" --url "http://127.0.0.1:$base")" "-"
    stop
done

# ---- memory ----

# <bundle>: memory of a worker, and what each further generation costs the host
weigh() {
    local name=$1 worker trusted before after i
    rm -rf "$plugin_folder"
    mkdir "$plugin_folder"
    cp -r "$2" "$plugin_folder/"
    host "$base" ""
    sleep 0.5
    worker=${server##*,}
    verdict "worker of a plugin in $name, PSS / private, KB" "$(memory "$worker" Pss)/$(memory "$worker" Private_Dirty)" "-"
    stop
    for trusted in "*" ""; do
        rm -rf "$plugin_folder"
        mkdir "$plugin_folder"
        cp -r "$2" "$plugin_folder/"
        host "$base" "$trusted"
        server=${server%%,*}
        for ((i = 0; i < 22; i++)); do
            if [ $i = 2 ]; then before=$(memory "$server" Private_Dirty); fi
            # Other content each time: the same would be the same mapping.
            mkdir "$work/next"
            cp -r "$2" "$work/next/"
            echo "$i" > "$work/number"
            objcopy --add-section ".generation=$work/number" "$work"/next/*/*.so
            "$release/host-server" plugins install "$work/next/$(basename "$2")" --url "http://127.0.0.1:$base" > "$work/install.log"
            rm -rf "$work/next"
        done
        sleep 2
        after=$(memory "$server" Private_Dirty)
        verdict "host, each generation in $name, $([ -n "$trusted" ] && echo "in process" || echo "in a worker"), KB" "$(((after - before) / 20))" "-"
        stop
    done
}
weigh C "$work/plugins/BenchC.agentplugin"
weigh Swift "$release/plugins/TodoTasks.agentplugin"
unset plugin_folder
