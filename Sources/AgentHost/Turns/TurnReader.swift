/// One client's view of a turn: the events it may see, in batches. When it leaves, or is forgotten, a plain reader cancels its turn;
/// one that may come back does not.
final class TurnReader: ChatEventSource {
    private let run: TurnRun
    private let number: Int
    /// Nil for plain readers.
    let cursor: EventCursor?

    /// Attaches the reader that a turn begins with.
    ///
    /// - Parameter resumes: whether the client may come back after it has left.
    init(_ run: TurnRun, resumes: Bool = false) {
        self.run = run
        number = run.attachFirst(resumes: resumes)
        cursor = resumes ? EventCursor(turn: run.id, number: 0) : nil
    }

    /// Attaches a further reader, or one that comes back, behind so many events. Nil when what comes next is not kept any more.
    init?(_ run: TurnRun, resumingAfter seen: Int) {
        guard let number = run.attach(after: seen) else { return nil }
        self.run = run
        self.number = number
        cursor = EventCursor(turn: run.id, number: seen)
    }

    deinit { run.leave(number) }

    /// The thread that the turn belongs to.
    var threadID: String { run.threadID }

    func onReady(_ ready: @escaping @Sendable () -> Void) { run.onReady(number, ready) }
    func take(limit: Int) -> Taken { run.take(number, limit: limit) }
    func leave() { run.leave(number) }
}
