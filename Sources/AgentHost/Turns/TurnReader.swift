/// One client's view of a turn: the events it may see, in batches.
///
/// Belongs to one task at a time. When the last reader leaves, the turn is cancelled.
final class TurnReader: Sendable {
    private let run: TurnRun

    init(_ run: TurnRun) { self.run = run }

    deinit { run.leave() }

    /// The thread that the turn belongs to.
    var threadID: String { run.threadID }

    /// Waits for the next visible events, none when `nudge` was called meanwhile; nil at the end of the turn, and promptly when the awaiting task is cancelled, which counts
    /// as leaving.
    func next() async -> [ChatKit.Event]? {
        switch run.takeEvents() {
        case .events(let events): return events
        case .end: return nil
        case .nothing: break
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { run.wait($0) }
        } onCancel: {
            run.leave()
        }
    }

    /// Lets a `next` that waits return no events. May be called from any thread.
    func nudge() { run.nudge() }

    /// The client is gone. Does nothing after the end.
    func leave() { run.leave() }
}
