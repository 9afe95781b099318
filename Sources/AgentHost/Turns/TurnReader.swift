/// One client's view of a turn: the events it may see, in batches. When the reader leaves, or is forgotten, the turn is cancelled.
final class TurnReader: ChatEventSource {
    private let run: TurnRun

    init(_ run: TurnRun) { self.run = run }

    deinit { run.leave() }

    /// The thread that the turn belongs to.
    var threadID: String { run.threadID }

    func onReady(_ ready: @escaping @Sendable () -> Void) { run.onReady(ready) }
    func take(limit: Int) -> Taken { run.take(limit: limit) }
    func leave() { run.leave() }
}
