private import Synchronization

/// What one instance of a plugin (a generation of it) has used and uses: for operators, in the admin API and in `/metrics`.
struct PluginMetering: Sendable, Hashable {
    var plugin: String
    var version: String
    /// Number of the generation, where there are generations.
    var generation: Int?
    var mode: PluginMode
    /// Turns, calls and completions that are open now.
    var open: Int64
    /// Begun so far, by kind.
    var begun: [WorkKind: Int64]
    var ended: Int64
    /// Ended other than wanted; those the client broke off are not counted.
    var failed: Int64
    /// Refused before they began.
    var refused: Int64
    var emittedBytes: Int64
    var laneMicroseconds: Int64
    /// Requests to host services, by extension id.
    var hostCalls: [String: Int64]
    var openRequests: Int64
    var openTimers: Int64
    var timers: Int64
    /// How often each limit was reached.
    var limitHits: [PluginLimit: Int64]
    /// Lane functions in process that do not return.
    var stuckLanes: Int64
    /// Of the worker, now; nil in process, where memory cannot be told from the host's, and while there is no worker.
    var residentBytes: Int64?
    var threads: Int64?
    /// Of all its workers so far; in process of the threads that call it.
    var cpuMilliseconds: Int64
    var restarts: Int64
    var limits: PluginLimits
}

extension PluginInstance {
    /// What it has used. What a runtime or a process tells was asked for within the last second (`timeouts.sample`).
    func metering(generation: Int? = nil) -> PluginMetering {
        state.withLock { state in
            let counters = state.counters
            let isAlive = state.channel != nil
            return PluginMetering(
                plugin: manifest.id, version: manifest.version, generation: generation, mode: mode,
                open: Int64(state.work.count), begun: counters.begun, ended: counters.ended, failed: counters.failed,
                refused: counters.refused, emittedBytes: counters.emittedBytes,
                laneMicroseconds: counters.laneMicroseconds, hostCalls: counters.hostCalls,
                openRequests: Int64(state.requests.count), openTimers: isAlive ? counters.runtime.openTimers : 0,
                timers: counters.timers, limitHits: counters.limitHits, stuckLanes: Int64(counters.stuckLanes),
                residentBytes: isAlive ? counters.process?.residentBytes : nil,
                threads: isAlive ? counters.process?.threads : nil, cpuMilliseconds: counters.cpuMilliseconds,
                restarts: counters.restarts, limits: limits)
        }
    }
}

extension PluginMetering {
    /// `{"open", "begun": {"turn", …}, …, "limits"}`; what is not known is left out.
    var json: JSON {
        var object = JSONObject(members: [
            ("plugin", .string(plugin)), ("version", .string(version)), ("mode", .string(mode.rawValue)),
        ])
        if let generation { object["generation"] = .int(Int64(generation)) }
        object["open"] = .int(open)
        object["begun"] = PluginMetering.table(WorkKind.allCases.map { ($0.rawValue, begun[$0] ?? 0) })
        for (name, value) in [
            ("ended", ended), ("failed", failed), ("refused", refused), ("emitted_bytes", emittedBytes),
            ("lane_ms", laneMicroseconds / 1_000), ("cpu_ms", cpuMilliseconds), ("open_requests", openRequests),
            ("open_timers", openTimers), ("timers", timers), ("stuck_lanes", stuckLanes), ("restarts", restarts),
        ] { object[name] = .int(value) }
        if let residentBytes { object["resident_bytes"] = .int(residentBytes) }
        if let threads { object["threads"] = .int(threads) }
        object["host_calls"] = PluginMetering.table(hostCalls.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        object["limit_hits"] = PluginMetering.table(
            PluginLimit.allCases.compactMap { limit in limitHits[limit].map { (limit.name, $0) } })
        object["limits"] = limits.json
        return .object(object)
    }

    private static func table(_ entries: [(String, Int64)]) -> JSON {
        .object(JSONObject(members: entries.map { ($0.0, .int($0.1)) }))
    }

    private var labels: [Metric.Label] {
        [.init(name: "plugin", value: plugin)]
            + (generation.map { [.init(name: "generation", value: "\($0)")] } ?? [])
    }

    /// All of them for `/metrics`: those of one name together, labelled with plugin and generation.
    static func metrics(_ plugins: [PluginMetering]) -> [Metric] {
        var metrics: [Metric] = []
        func add(
            _ name: String, _ kind: Metric.Kind, _ help: String, _ values: (PluginMetering) -> [(String?, Int64)]
        ) {
            let label = name.hasPrefix("plugin_limit") ? "limit" : name.contains("host_calls") ? "service" : "kind"
            for plugin in plugins {
                for (key, value) in values(plugin) {
                    let more = key.map { [Metric.Label(name: label, value: $0)] } ?? []
                    metrics.append(
                        Metric(name: name, kind: kind, help: help, labels: plugin.labels + more, value: value))
                }
            }
        }
        func one(_ name: String, _ kind: Metric.Kind, _ help: String, _ value: (PluginMetering) -> Int64?) {
            add(name, kind, help) { plugin in value(plugin).map { [(nil, $0)] } ?? [] }
        }
        one("plugin_open", .gauge, "Turns, calls and completions that are open.") { $0.open }
        add("plugin_begun_total", .counter, "Turns, calls and completions that have begun.") { plugin in
            WorkKind.allCases.compactMap { kind in plugin.begun[kind].map { (kind.rawValue, $0) } }
        }
        one("plugin_ended_total", .counter, "Turns, calls and completions that have ended.") { $0.ended }
        one("plugin_failed_total", .counter, "Turns, calls and completions that have failed.") { $0.failed }
        one("plugin_refused_total", .counter, "Turns, calls and completions that were refused.") { $0.refused }
        one("plugin_emitted_bytes_total", .counter, "Bytes of text, emissions and progress.") { $0.emittedBytes }
        one("plugin_lane_milliseconds_total", .counter, "Time that functions had on lanes.") {
            $0.laneMicroseconds / 1_000
        }
        one("plugin_cpu_milliseconds_total", .counter, "CPU time of workers, or of the threads that call the plugin.") {
            $0.cpuMilliseconds
        }
        add("plugin_host_calls_total", .counter, "Requests to services of the host.") { plugin in
            plugin.hostCalls.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        one("plugin_open_requests", .gauge, "Requests to services of the host that are open.") { $0.openRequests }
        one("plugin_open_timers", .gauge, "Timers that are open.") { $0.openTimers }
        one("plugin_timers_total", .counter, "Timers that were started.") { $0.timers }
        one("plugin_resident_memory_bytes", .gauge, "Memory of the worker.") { $0.residentBytes }
        one("plugin_threads", .gauge, "Threads of the worker.") { $0.threads }
        one("plugin_stuck_lanes", .gauge, "Functions in process that do not return.") { $0.stuckLanes }
        one("plugin_restarts_total", .counter, "Workers that were started in place of one that died.") { $0.restarts }
        add("plugin_limit_hits_total", .counter, "How often a limit was reached.") { plugin in
            PluginLimit.allCases.compactMap { limit in plugin.limitHits[limit].map { (limit.name, $0) } }
        }
        return metrics
    }
}
