internal import CPlatform

/// Calls actions at given times: one thread for many deadlines.
///
/// May be used from any thread. Actions run on the timer's thread, one after the other, and must not block.
@safe final class DeadlineTimer: @unchecked Sendable {
    // Unchecked: everything mutable is only touched with the condition's mutex held.

    /// Names a scheduled action.
    struct Token: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    /// The timer of the process; its thread starts with the first deadline and lives as long as the process.
    static let shared = DeadlineTimer(name: "deadlines")

    private let name: String
    private let condition = unsafe cplatform_condition_create()
    /// Cancelled entries stay until they come up or are swept.
    private var heap = DeadlineHeap()
    private var actions: [UInt64: @Sendable () -> Void] = [:]
    private var lastNumber: UInt64 = 0
    private var isClosed = false
    private var thread: NativeThread?

    /// - Parameter name: of the thread.
    init(name: String) { self.name = name }

    deinit { unsafe cplatform_condition_destroy(condition) }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        return body()
    }

    /// Calls `action` once at `at` (milliseconds of the monotonic clock), or at once when that has passed; never after `close`.
    @discardableResult
    func schedule(at: Int64, _ action: @escaping @Sendable () -> Void) -> Token {
        locked {
            lastNumber += 1
            guard !isClosed else { return Token(number: lastNumber) }
            actions[lastNumber] = action
            heap.insert(at, lastNumber)
            if thread == nil {
                thread = NativeThread(name: name) { self.run() }
            } else if heap.first?.token == lastNumber {
                unsafe cplatform_condition_signal(condition)
            }
            return Token(number: lastNumber)
        }
    }

    /// Forgets the action if it has not begun. It may be running at the moment on the timer's thread.
    func cancel(_ token: Token) {
        locked {
            actions[token.number] = nil
            if heap.count > 64 && heap.count > 2 * actions.count { heap.keep { actions[$0] != nil } }
        }
    }

    /// Ends the thread; what has not begun never will. Blocks until a running action has returned; not from an action.
    func close() {
        let thread = locked {
            isClosed = true
            actions = [:]
            unsafe cplatform_condition_broadcast(condition)
            return self.thread.take()
        }
        thread?.join()
    }

    private func run() {
        while let due = takeDue() {
            for (number, action) in due where isWanted(number) { action() }
        }
    }

    /// Whether an action that was taken is still to be run: those before it may have cancelled it.
    private func isWanted(_ number: UInt64) -> Bool { locked { actions.removeValue(forKey: number) != nil } }

    /// Waits until at least one action is due and answers all that are; nil at the end.
    private func takeDue() -> [(UInt64, @Sendable () -> Void)]? {
        locked {
            var due: [(UInt64, @Sendable () -> Void)] = []
            while !isClosed {
                let now = monotonicMilliseconds()
                while let first = heap.first, first.deadline <= now || actions[first.token] == nil {
                    heap.popFirst()
                    if let action = actions[first.token] { due.append((first.token, action)) }
                }
                if !due.isEmpty { return due }
                _ = unsafe cplatform_condition_wait(condition, heap.earliest ?? -1)
            }
            return nil
        }
    }
}
