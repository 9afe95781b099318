internal import CPlatform

/// Calls actions at given times: one thread and a heap for all deadlines of the process.
///
/// May be used from any thread. Actions run on the timer's thread, one after the other, and must not block.
@safe final class DeadlineTimer: @unchecked Sendable {
    // Unchecked: everything mutable is only touched with the condition's mutex held.

    /// Names a scheduled action.
    struct Token: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    private struct Entry {
        var at: Int64
        var number: UInt64
    }

    /// The timer of the process; its thread starts with the first deadline and lives as long as the process.
    static let shared = DeadlineTimer()

    private let condition = unsafe cplatform_condition_create()
    /// A binary heap, earliest first. Cancelled entries stay until they come up or are swept.
    private var heap: [Entry] = []
    private var actions: [UInt64: @Sendable () -> Void] = [:]
    private var nextNumber: UInt64 = 1
    private var isRunning = false

    private init() {}

    /// Calls `action` once at `at` (milliseconds of the monotonic clock), or at once when that has passed.
    func schedule(at: Int64, _ action: @escaping @Sendable () -> Void) -> Token {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        let number = nextNumber
        nextNumber += 1
        actions[number] = action
        push(Entry(at: at, number: number))
        if !isRunning {
            isRunning = true
            _ = NativeThread(name: "deadlines") { self.run() }
        } else if heap[0].number == number {
            unsafe cplatform_condition_signal(condition)
        }
        return Token(number: number)
    }

    /// Forgets the action if it has not begun. It may be running at the moment on the timer's thread.
    func cancel(_ token: Token) {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        actions[token.number] = nil
        if heap.count > 64 && heap.count > 2 * actions.count { sweep() }
    }

    private func run() {
        while true {
            for action in takeDue() { action() }
        }
    }

    /// Waits until at least one action is due and takes all that are.
    private func takeDue() -> [@Sendable () -> Void] {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        var due: [@Sendable () -> Void] = []
        while true {
            let now = monotonicMilliseconds()
            while let first = heap.first, first.at <= now || actions[first.number] == nil {
                pop()
                if let action = actions.removeValue(forKey: first.number) { due.append(action) }
            }
            if !due.isEmpty { return due }
            _ = unsafe cplatform_condition_wait(condition, heap.first?.at ?? -1)
        }
    }

    /// Drops cancelled entries.
    private func sweep() {
        let live = heap.filter { actions[$0.number] != nil }
        heap.removeAll(keepingCapacity: true)
        for entry in live { push(entry) }
    }

    private func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].at < heap[parent].at else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].at < heap[least].at {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
