private import Synchronization

/// Where the events of one client come from. It is asked, and tells when asking is worth while: nobody has to wait on a thread
/// or in a Task.
///
/// One reader at a time; from any thread.
protocol ChatEventSource: AnyObject, Sendable {
    /// Sets what is called once after each `take` that found nothing, as soon as there is something again. Called on any thread, with
    /// no lock held; must not block. To be set before the first `take`.
    func onReady(_ ready: @escaping @Sendable () -> Void)

    /// What there is now, in portions of about `limit` bytes.
    func take(limit: Int) -> Taken

    /// The reader has gone. Does nothing after the end.
    func leave()

    /// The place before the first event, when the client is to be told where it is.
    var cursor: EventCursor? { get }
}

extension ChatEventSource {
    var cursor: EventCursor? { nil }
}

/// What a reader gets at once.
enum Taken: Sendable {
    /// In order, at least one.
    case events([ChatKit.Event])
    /// Nothing yet.
    case nothing
    /// There will be no more.
    case end
    /// The reader was too slow and is read to no more, though there is more.
    case dropped
}

/// Reads a source from a Task. Belongs to that Task.
final class ChatEventReader: Sendable {
    private let source: any ChatEventSource
    private let state = Mutex(State())

    private struct State {
        /// The source has something that was not taken.
        var isReady = false
        var wasDropped = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    init(_ source: any ChatEventSource) {
        self.source = source
        source.onReady { [weak self] in self?.wake() }
    }

    /// Whether there would have been more: this reader was too slow.
    var wasDropped: Bool { state.withLock { $0.wasDropped } }

    /// Waits for the next events. Nil at the end, and promptly when the Task is cancelled, which counts as leaving.
    func next() async -> [ChatKit.Event]? {
        while true {
            switch source.take(limit: 1 << 20) {
            case .events(let events): return events
            case .end: return nil
            case .dropped:
                state.withLock { $0.wasDropped = true }
                return nil
            case .nothing: break
            }
            guard !Task.isCancelled else {
                source.leave()
                return nil
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { wait($0) }
            } onCancel: {
                wake()
            }
        }
    }

    private func wait(_ waiter: CheckedContinuation<Void, Never>) {
        let mustWait = state.withLock { state in
            guard !state.isReady else {
                state.isReady = false
                return false
            }
            state.waiter = waiter
            return true
        }
        if !mustWait { waiter.resume() }
    }

    private func wake() {
        let waiter = state.withLock { state in
            state.isReady = state.waiter == nil
            return state.waiter.take()
        }
        waiter?.resume()
    }
}
