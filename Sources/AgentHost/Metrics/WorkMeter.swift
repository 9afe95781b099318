internal import Synchronization

/// Counts what plugins use for one turn, whoever of them works for it. May be used from any thread.
final class WorkMeter: Sendable, Hashable {
    /// Microseconds that functions of plugins have had on lanes. Known when a plugin finishes what it does.
    let laneMicroseconds = Atomic<Int64>(0)
    /// Bytes of text, emissions and progress.
    let emittedBytes = Atomic<Int64>(0)
    /// Requests to services of the host.
    let hostCalls = Atomic<Int64>(0)
    /// The most of these that one turn, call or completion had open at once.
    let openRequests = Atomic<Int64>(0)
    /// Timers that were started. Known when a plugin finishes what it does.
    let timers = Atomic<Int64>(0)
    /// Turns, calls and completions that plugins have begun for it.
    let works = Atomic<Int64>(0)

    /// What was used so far.
    struct Usage: Sendable, Hashable {
        var laneMicroseconds: Int64
        var emittedBytes: Int64
        var hostCalls: Int64
        var openRequests: Int64
        var timers: Int64
    }

    /// Nil when no plugin has worked.
    var usage: Usage? {
        guard works.load(ordering: .relaxed) > 0 else { return nil }
        return Usage(
            laneMicroseconds: laneMicroseconds.load(ordering: .relaxed),
            emittedBytes: emittedBytes.load(ordering: .relaxed), hostCalls: hostCalls.load(ordering: .relaxed),
            openRequests: openRequests.load(ordering: .relaxed), timers: timers.load(ordering: .relaxed))
    }

    /// So many requests are open at once.
    func sawOpenRequests(_ count: Int64) { openRequests.max(count, ordering: .relaxed) }

    static func == (a: WorkMeter, b: WorkMeter) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
