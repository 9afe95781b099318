private import Synchronization

/// Who may take a turn on which thread: one at a time, first come, first served, within this process.
///
/// May be called from any thread.
final class ThreadQueue: Sendable {
    fileprivate struct Waiting {
        var number: Int
        var continuation: CheckedContinuation<Bool, Never>?
    }
    fileprivate struct Line {
        var holder: Int
        var waiting: [Waiting] = []
    }
    fileprivate struct State {
        var lines: [String: Line] = [:]
        var next = 1
    }
    fileprivate let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: how many may wait on one thread.
    init(limit: Int) { self.limit = limit }

    /// A place in the line of one thread, until `leave`.
    struct Place: Sendable {
        fileprivate let queue: ThreadQueue
        fileprivate let number: Int
        let threadID: String
        /// Whether nobody was before it when it was taken.
        let isFirst: Bool

        /// Waits for its turn. False when the place was given up meanwhile. To be called once.
        func turn() async -> Bool {
            await withCheckedContinuation { queue.wait(self, $0) }
        }

        /// Whether it is this one's turn now.
        var isAtTheHead: Bool { queue.state.withLock { $0.lines[threadID]?.holder == number } }

        /// Lets the next one go on. Does nothing the second time.
        func leave() { queue.leave(self) }
    }

    /// Takes a place at the end; nil when too many wait.
    func join(_ threadID: String) -> Place? {
        state.withLock { state in
            let number = state.next
            state.next += 1
            guard let line = state.lines[threadID] else {
                state.lines[threadID] = Line(holder: number)
                return Place(queue: self, number: number, threadID: threadID, isFirst: true)
            }
            guard line.waiting.count < limit else { return nil }
            state.lines[threadID]?.waiting.append(Waiting(number: number))
            return Place(queue: self, number: number, threadID: threadID, isFirst: false)
        }
    }

    /// A place beside the line, for what need not wait.
    func outside(_ threadID: String) -> Place { Place(queue: self, number: 0, threadID: threadID, isFirst: false) }

    private func wait(_ place: Place, _ continuation: CheckedContinuation<Bool, Never>) {
        let answer = state.withLock { state -> Bool? in
            guard let line = state.lines[place.threadID] else { return false }
            if line.holder == place.number { return true }
            guard let index = line.waiting.firstIndex(where: { $0.number == place.number }) else { return false }
            state.lines[place.threadID]?.waiting[index].continuation = continuation
            return nil
        }
        if let answer { continuation.resume(returning: answer) }
    }

    private func leave(_ place: Place) {
        let (continuation, answer) = state.withLock { state -> (CheckedContinuation<Bool, Never>?, Bool) in
            guard var line = state.lines[place.threadID] else { return (nil, false) }
            if line.holder != place.number {
                guard let index = line.waiting.firstIndex(where: { $0.number == place.number }) else {
                    return (nil, false)
                }
                let left = line.waiting.remove(at: index)
                state.lines[place.threadID] = line
                return (left.continuation, false)
            }
            guard !line.waiting.isEmpty else {
                state.lines[place.threadID] = nil
                return (nil, false)
            }
            let next = line.waiting.removeFirst()
            line.holder = next.number
            state.lines[place.threadID] = line
            return (next.continuation, true)
        }
        continuation?.resume(returning: answer)
    }
}
