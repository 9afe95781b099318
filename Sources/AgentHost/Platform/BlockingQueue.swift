internal import CPlatform

/// A queue that one or more threads wait on; pushing never blocks.
///
/// Made for threads of our own: waiting blocks the calling thread.
@safe final class BlockingQueue<Element: Sendable>: @unchecked Sendable {
    // Unchecked: `elements` and `closed` are only touched with the condition's mutex held.
    private let condition = unsafe cplatform_condition_create()
    private var elements: [Element] = []
    private var closed = false

    deinit { unsafe cplatform_condition_destroy(condition) }

    /// Adds an element. False when the queue is closed; the element is dropped then.
    @discardableResult
    func push(_ element: Element) -> Bool {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        guard !closed else { return false }
        elements.append(element)
        if elements.count == 1 { unsafe cplatform_condition_signal(condition) }
        return true
    }

    /// Waits until there is something, then takes everything. Empty only when the queue is closed and drained, or when
    /// `deadline` (milliseconds of the monotonic clock) has passed.
    func takeAll(deadline: Int64? = nil) -> [Element] {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        while elements.isEmpty && !closed {
            if !(unsafe cplatform_condition_wait(condition, deadline ?? -1)) { break }
        }
        var taken: [Element] = []
        swap(&taken, &elements)
        return taken
    }

    /// Waits until there is something, then takes the oldest element: for queues that several threads serve. Nil when the queue
    /// is closed and drained.
    func takeFirst() -> Element? {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        while elements.isEmpty && !closed { unsafe cplatform_condition_wait(condition, -1) }
        guard !elements.isEmpty else { return nil }
        let first = elements.removeFirst()
        // `push` signals only the first of several: each taker wakes the next.
        if !elements.isEmpty { unsafe cplatform_condition_signal(condition) }
        return first
    }

    /// Ends the queue: pushes are refused, waiters wake; what is queued can still be taken.
    func close() {
        unsafe cplatform_condition_lock(condition)
        closed = true
        unsafe cplatform_condition_broadcast(condition)
        unsafe cplatform_condition_unlock(condition)
    }

    /// Whether `close` was called.
    var isClosed: Bool {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        return closed
    }
}
