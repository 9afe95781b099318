internal import PluginABI
internal import Synchronization

/// Holds the emissions of one turn back while its reader is behind. Any thread.
///
/// The host answers AP_W_SLOW and calls `turn_writable` later, on its own thread: possibly before the emission has
/// returned. Therefore an emission notes the round first and waits only if it is still the same.
final class Pace: Sendable {
    private struct State {
        var round: UInt64 = 0
        var lastWaiter: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]
        var end: (any Error)?
    }
    private let state = Mutex(State())

    /// How often the reader has caught up.
    var round: UInt64 { state.withLock { $0.round } }

    /// Waits without a thread until the reader has caught up once more than `round` times.
    /// - Throws: `CancellationError` when the task was cancelled, or what the turn ended with.
    func wait(after round: UInt64) async throws {
        let waiter = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enter($0, as: waiter, after: round) }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume(throwing: CancellationError())
        }
    }

    private func enter(_ continuation: CheckedContinuation<Void, any Error>, as waiter: UInt64, after round: UInt64) {
        let result = state.withLock { state -> Result<Void, any Error>? in
            if let end = state.end { return .failure(end) }
            if state.round > round { return .success(()) }
            // `onCancel` may have come already; if it comes from now on, it finds the waiter.
            if Task.isCancelled { return .failure(CancellationError()) }
            state.waiting[waiter] = continuation
            return nil
        }
        if let result { continuation.resume(with: result) }
    }

    /// The reader has caught up: everybody goes on.
    func catchUp() {
        let waiting = state.withLock { state in
            state.round += 1
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Nobody reads any more: whoever waits, now or later, gets `error`. The first one counts.
    func end(_ error: any Error) {
        let waiting = state.withLock { state in
            if state.end == nil { state.end = error }
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(throwing: error) }
    }
}

/// The paces of the turns that are open. Any thread.
final class OpenTurns: Sendable {
    private let paces = Mutex<[ap_handle: Pace]>([:])

    /// A new pace for a turn that begins.
    func open(_ turn: ap_handle) -> Pace {
        let pace = Pace()
        paces.withLock { $0[turn] = pace }
        return pace
    }

    /// The turn is over.
    func close(_ turn: ap_handle) {
        paces.withLock { $0.removeValue(forKey: turn) }?.end(HostError(.gone))
    }

    /// The pace of a turn; nil if it is over.
    subscript(_ turn: ap_handle) -> Pace? { paces.withLock { $0[turn] } }
}
