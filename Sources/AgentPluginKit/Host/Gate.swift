internal import Synchronization

/// Counts who is inside the host, so that nobody is left there when the instance is destroyed.
///
/// Calls of the host do not block, so closing waits for microseconds only. Any thread.
final class Gate: Sendable {
    /// The number of threads inside, plus `closed`.
    private let state = Atomic<Int>(0)
    private static let closed = 1 << 40

    /// Runs `body` inside; nil after `close`.
    func enter<Result>(_ body: () -> Result) -> Result? {
        defer { state.subtract(1, ordering: .releasing) }
        guard state.add(1, ordering: .acquiringAndReleasing).newValue < Gate.closed else { return nil }
        return body()
    }

    /// Lets nobody in any more and waits until everybody has left. Call once.
    func close() {
        state.add(Gate.closed, ordering: .acquiringAndReleasing)
        while state.load(ordering: .acquiring) > Gate.closed { yieldThread() }
    }
}
