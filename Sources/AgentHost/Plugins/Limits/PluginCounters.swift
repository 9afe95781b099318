internal import PluginRuntime

/// What one instance has used so far. Pure: times are given; what comes from a runtime may be hostile and is kept within what is possible.
struct PluginCounters: Sendable {
    /// By kind of work.
    private(set) var begun: [WorkKind: Int64] = [:]
    /// Of these: over, and not as wanted.
    private(set) var ended: Int64 = 0
    private(set) var failed: Int64 = 0
    /// Not even begun.
    private(set) var refused: Int64 = 0
    private(set) var emittedBytes: Int64 = 0
    /// By extension id.
    private(set) var hostCalls: [String: Int64] = [:]
    /// By limit: how often the host has seen it reached. What the runtime refuses is in `runtime`.
    private var hits: [PluginLimit: Int64] = [:]
    /// What the runtime has told, and what those before it had told in the end.
    private(set) var runtime = Runtime()
    private var gone = Runtime()
    private var runtimesBegun: Int64 = 0
    private var runtimeBegan: Int64 = 0
    /// What was asked for since the runtime was last asked for its counters.
    private(set) var isNews = false
    /// What the worker's process has used.
    private(set) var process: ProcessUsage?
    private var goneCPU: Int64 = 0
    private var cpuSamples: [(at: Int64, milliseconds: Int64)] = []
    /// Lane functions that do not return.
    var stuckLanes = 0
    /// Why a runtime was ended that passed a limit on all of it.
    var endedFor: (incarnation: Int, reached: LimitReached)?
    private var second: Int64 = 0
    private var callsInSecond: Int64 = 0

    /// What a runtime tells of itself.
    struct Runtime: Sendable, Hashable {
        var laneMicroseconds: Int64 = 0
        var cpuMicroseconds: Int64 = 0
        var openTimers: Int64 = 0
        var timers: Int64 = 0
        var poolThreads: Int64 = 0
        var refused: [PluginLimit: Int64] = [:]
    }

    /// No counter of a plugin that tells the truth comes near it.
    private static let most: Int64 = 1 << 50

    // MARK: What happens

    mutating func opened(_ kind: WorkKind) {
        begun[kind, default: 0] += 1
        isNews = true
    }
    mutating func refusedWork() { refused += 1 }
    mutating func endedWork() {
        ended += 1
        isNews = true
    }
    mutating func failedWork() { failed += 1 }
    mutating func emitted(_ bytes: Int) { emittedBytes += Int64(bytes) }
    mutating func reached(_ limit: PluginLimit) { hits[limit, default: 0] += 1 }

    /// A request to a service; answers whether it is within `limit` requests a second. The runtime keeps the limit; its seconds begin
    /// at other times, so twice as many may come in one of ours.
    mutating func called(_ service: String, limit: Int64, now: Int64) -> Bool {
        hostCalls[service, default: 0] += 1
        if now / 1_000 != second {
            second = now / 1_000
            callsInSecond = 0
        }
        callsInSecond += 1
        return limit == 0 || callsInSecond <= 2 * limit
    }

    // MARK: The runtime

    /// A runtime begins; the one before it is gone.
    mutating func beganRuntime(now: Int64) {
        gone.laneMicroseconds += runtime.laneMicroseconds
        gone.cpuMicroseconds += runtime.cpuMicroseconds
        gone.timers += runtime.timers
        gone.refused.merge(runtime.refused, uniquingKeysWith: +)
        runtime = Runtime()
        goneCPU += process?.cpuMilliseconds ?? 0
        process = nil
        cpuSamples = []
        stuckLanes = 0
        runtimesBegun += 1
        runtimeBegan = now
    }

    /// The runtime is asked for its counters.
    mutating func asked() { isNews = false }

    /// Takes a counter of the runtime: never less than before, never more than there was time for.
    mutating func metered(_ item: UInt32, _ value: Int64, mode: PluginMode, now: Int64) {
        let elapsed = max(now - runtimeBegan, 0) * 1_000
        func grown(_ before: Int64, _ most: Int64) -> Int64 { max(before, min(value, most)) }
        switch Int32(bitPattern: item) {
        case APR_METER_LANE_US:
            // A worker has one lane thread; in process the runtime is our own.
            runtime.laneMicroseconds = grown(
                runtime.laneMicroseconds, min(mode == .worker ? elapsed + 1_000 : .max, PluginCounters.most))
        case APR_METER_CPU_US where mode == .inProcess:
            runtime.cpuMicroseconds = grown(runtime.cpuMicroseconds, PluginCounters.most)
        case APR_METER_TIMERS: runtime.openTimers = min(max(value, 0), 1 << 24)
        case APR_METER_TIMERS_STARTED: runtime.timers = grown(runtime.timers, PluginCounters.most)
        case APR_METER_POOL_THREADS: runtime.poolThreads = min(max(value, 0), 1 << 16)
        default:
            guard item > UInt32(APR_METER_REFUSED), let limit = PluginLimit(runtimeID: item - UInt32(APR_METER_REFUSED))
            else { return }
            runtime.refused[limit] = grown(runtime.refused[limit] ?? 0, PluginCounters.most)
        }
    }

    // MARK: The process

    /// Samples over which the use of CPU is averaged, and one more.
    static let cpuWindow = 11

    /// Takes a sample of the worker's process; answers the limit on all of it that is passed, and what was used.
    mutating func sampled(_ usage: ProcessUsage, _ limits: PluginLimits, now: Int64) -> (PluginLimit, used: Int64)? {
        process = usage
        cpuSamples.append((now, usage.cpuMilliseconds))
        if cpuSamples.count > PluginCounters.cpuWindow { cpuSamples.removeFirst() }
        let megabytes = (usage.residentBytes + (1 << 20) - 1) >> 20
        if limits.isExceeded(.memoryMegabytes, by: megabytes) { return (.memoryMegabytes, megabytes) }
        if limits.isExceeded(.threads, by: usage.threads) { return (.threads, usage.threads) }
        guard cpuSamples.count == PluginCounters.cpuWindow, let first = cpuSamples.first, first.at < now else {
            return nil
        }
        let percent = (usage.cpuMilliseconds - first.milliseconds) * 100 / (now - first.at)
        return limits.isExceeded(.cpuPercent, by: percent) ? (.cpuPercent, percent) : nil
    }

    // MARK: Sums

    var laneMicroseconds: Int64 { gone.laneMicroseconds + runtime.laneMicroseconds }
    var timers: Int64 { gone.timers + runtime.timers }
    /// Of workers' processes, or of the threads in this process that call the plugin.
    var cpuMilliseconds: Int64 {
        goneCPU + (process?.cpuMilliseconds ?? 0) + (gone.cpuMicroseconds + runtime.cpuMicroseconds) / 1_000
    }
    var restarts: Int64 { max(runtimesBegun - 1, 0) }
    /// How often each limit was reached.
    var limitHits: [PluginLimit: Int64] {
        hits.merging(gone.refused, uniquingKeysWith: +).merging(runtime.refused, uniquingKeysWith: +)
    }
}
