internal import CPlatform

/// The room's alarm clock: one thread that runs actions when their time has come.
///
/// Actions run on that thread one after the other and must not block. May be used from any thread.
@safe final class Deadlines: @unchecked Sendable {
    // Unchecked: everything is only touched with the condition's mutex held.
    private let condition = unsafe cplatform_condition_create()
    private var heap: [Entry] = []
    private var actions: [UInt64: @Sendable () -> Void] = [:]
    private var lastID: UInt64 = 0
    private var isClosed = false
    private var thread: NativeThread?

    private struct Entry {
        var time: Int64
        var id: UInt64
    }

    deinit { unsafe cplatform_condition_destroy(condition) }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe cplatform_condition_lock(condition)
        defer { unsafe cplatform_condition_unlock(condition) }
        return body()
    }

    /// Runs `action` at `time` (milliseconds of the monotonic clock) or soon after. Answers an id for `cancel`.
    @discardableResult
    func schedule(at time: Int64, _ action: @escaping @Sendable () -> Void) -> UInt64 {
        locked {
            guard !isClosed else { return 0 }
            if thread == nil { thread = NativeThread(name: "plugin-clock") { self.run() } }
            lastID += 1
            actions[lastID] = action
            push(Entry(time: time, id: lastID))
            if heap.first?.id == lastID { unsafe cplatform_condition_signal(condition) }
            return lastID
        }
    }

    /// Forgets an action that has not begun.
    func cancel(_ id: UInt64) {
        locked {
            actions[id] = nil
            // Cancelled entries stay in the heap until their time; when they are the most, they are swept out.
            if heap.count > 1_024 && heap.count > 4 * actions.count {
                heap = heap.filter { actions[$0.id] != nil }.sorted { $0.time < $1.time }
            }
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
        unsafe cplatform_condition_lock(condition)
        while !isClosed {
            guard let first = heap.first else {
                _ = unsafe cplatform_condition_wait(condition, -1)
                continue
            }
            guard let action = actions[first.id] else {
                pop()
                continue
            }
            if first.time > monotonicMilliseconds() {
                _ = unsafe cplatform_condition_wait(condition, first.time)
                continue
            }
            pop()
            actions[first.id] = nil
            unsafe cplatform_condition_unlock(condition)
            action()
            unsafe cplatform_condition_lock(condition)
        }
        unsafe cplatform_condition_unlock(condition)
    }

    // A binary heap, earliest time first.

    private func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, heap[child].time < heap[(child - 1) / 2].time {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { return }
            let right = left + 1
            let child = right < heap.count && heap[right].time < heap[left].time ? right : left
            guard heap[child].time < heap[parent].time else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}

/// Blocks the calling thread.
func sleepMilliseconds(_ milliseconds: Int64) { cplatform_sleep_ms(milliseconds) }
