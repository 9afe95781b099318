internal import PluginRuntime

/// What can be limited for one plugin (`docs/limits.md`, abi.md 4.7). What is said of turns is also true of calls and completions.
enum PluginLimit: Int, Sendable, CaseIterable {
    /// Turns, calls and completions that are open at once.
    case openTurns
    /// Milliseconds by the clock that a turn may take.
    case turnMilliseconds
    /// Milliseconds that one function may keep a lane.
    case laneMilliseconds
    /// Milliseconds that all functions of a turn may have on its lane.
    case turnLaneMilliseconds
    /// Bytes of text, emissions and progress of a turn.
    case turnBytes
    /// Requests of a turn to services of the host.
    case turnRequests
    /// Requests of the whole plugin in one second.
    case requestsPerSecond
    /// Requests of the whole plugin that are open at once.
    case openRequests
    /// Requests of a turn that are open at once.
    case turnOpenRequests
    /// Timers of a turn at once.
    case turnTimers
    /// Megabytes that are resident in a worker.
    case memoryMegabytes
    /// Share of a core that a worker uses on average, in hundredths.
    case cpuPercent
    /// Threads of a worker.
    case threads

    /// How it is written in the file, in sentences and in counters.
    var name: String {
        switch self {
        case .openTurns: "open_turns"
        case .turnMilliseconds: "turn_ms"
        case .laneMilliseconds: "lane_ms"
        case .turnLaneMilliseconds: "turn_lane_ms"
        case .turnBytes: "turn_bytes"
        case .turnRequests: "turn_requests"
        case .requestsPerSecond: "requests_per_second"
        case .openRequests: "open_requests"
        case .turnOpenRequests: "turn_open_requests"
        case .turnTimers: "turn_timers"
        case .memoryMegabytes: "memory_mb"
        case .cpuPercent: "cpu_percent"
        case .threads: "threads"
        }
    }

    /// 0 is no limit, where that is allowed.
    var defaultValue: Int64 {
        switch self {
        case .openTurns: 10_000
        case .turnMilliseconds: 600_000
        case .laneMilliseconds: 5_000
        case .turnLaneMilliseconds: 60_000
        case .turnBytes: 64 << 20
        case .turnRequests: 10_000
        case .requestsPerSecond: 0
        case .openRequests: 4_096
        case .turnOpenRequests: 64
        case .turnTimers: 64
        case .memoryMegabytes: 512
        case .cpuPercent: 0
        case .threads: 256
        }
    }

    /// Whether 0 is allowed, and means that there is no limit.
    var mayBeAbsent: Bool {
        switch self {
        case .turnLaneMilliseconds, .turnBytes, .turnRequests, .requestsPerSecond, .memoryMegabytes, .cpuPercent,
            .threads:
            true
        default: false
        }
    }

    /// What may be configured, but for 0.
    var range: ClosedRange<Int64> {
        switch self {
        // What the runtime has room for.
        case .openTurns: 1...10_000
        case .turnOpenRequests: 1...Int64(PluginLimit.mostTurnRequests)
        case .openRequests: 1...65_536
        case .turnTimers: 1...65_536
        case .turnMilliseconds, .laneMilliseconds, .turnLaneMilliseconds: 1...86_400_000
        case .turnBytes: 1...(1 << 40)
        case .turnRequests, .requestsPerSecond: 1...1_000_000_000
        case .memoryMegabytes: 1...1_048_576
        case .cpuPercent: 1...100_000
        case .threads: 1...65_536
        }
    }

    private static let mostTurnRequests = 1_024

    /// Its number in the runtime, if that keeps it.
    var runtimeID: UInt32? {
        switch self {
        case .laneMilliseconds: UInt32(APR_LIMIT_LANE_MS)
        case .turnLaneMilliseconds: UInt32(APR_LIMIT_TURN_LANE_MS)
        case .turnBytes: UInt32(APR_LIMIT_TURN_BYTES)
        case .turnRequests: UInt32(APR_LIMIT_TURN_REQUESTS)
        case .requestsPerSecond: UInt32(APR_LIMIT_REQUESTS_PER_SECOND)
        case .openRequests: UInt32(APR_LIMIT_OPEN_REQUESTS)
        case .turnOpenRequests: UInt32(APR_LIMIT_TURN_OPEN_REQUESTS)
        case .turnTimers: UInt32(APR_LIMIT_TURN_TIMERS)
        case .openTurns, .turnMilliseconds, .memoryMegabytes, .cpuPercent, .threads: nil
        }
    }

    init?(name: String) {
        guard let limit = PluginLimit.allCases.first(where: { $0.name == name }) else { return nil }
        self = limit
    }

    /// - Parameter id: as a runtime says it; a hostile one may say anything.
    init?(runtimeID id: UInt32) {
        guard let limit = PluginLimit.allCases.first(where: { $0.runtimeID == id }) else { return nil }
        self = limit
    }
}

extension PluginLimit {
    /// What the client of a turn is told that has passed it: which limit, which setting, what to do.
    ///
    /// - Parameters:
    ///   - value: the limit.
    ///   - plugin: id of the plugin.
    ///   - used: what was used instead, where that is known.
    func reached(_ value: Int64, plugin: String, used: Int64? = nil) -> LimitReached {
        LimitReached(limit: name, sentence: "Plugin \(plugin) \(words(value, used)) (limit \(name)); \(remedy).")
    }

    /// Completes "the plugin …" or "the worker …" for the log and for operators.
    func ending(_ value: Int64, used: Int64? = nil) -> String { "\(words(value, used)) (limit \(name))" }

    private func words(_ value: Int64, _ used: Int64?) -> String {
        switch self {
        case .openTurns: "has \(value) turns and calls open already"
        case .turnMilliseconds: "took longer than \(value) ms"
        case .laneMilliseconds: "did not return from a function within \(value) ms"
        case .turnLaneMilliseconds: "computed for more than \(value) ms"
        case .turnBytes: "said more than \(value) bytes"
        case .turnRequests: "made more than \(value) requests to the host"
        case .requestsPerSecond: "made more than \(value) requests to the host in a second"
        case .openRequests: "has \(value) requests to the host open already"
        case .turnOpenRequests: "had \(value) requests to the host open at once"
        case .turnTimers: "had \(value) timers at once"
        case .memoryMegabytes: "used \(used ?? value) MB of its \(value) MB of memory and was ended"
        case .cpuPercent: "used \(used ?? value) % of a core, more than its \(value) %, and was ended"
        case .threads: "had \(used ?? value) threads, more than its \(value), and was ended"
        }
    }

    private var remedy: String {
        switch self {
        case .turnMilliseconds, .turnLaneMilliseconds, .turnBytes, .turnRequests, .turnOpenRequests, .turnTimers:
            "ask for less at once"
        default: "try again in a moment"
        }
    }
}
