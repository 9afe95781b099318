/// Turns that have ended and that clients may still come back to: for some time, and within a bound. A pure value.
struct KeptTurns: Sendable {
    private struct Kept: Sendable {
        let run: TurnRun
        let owner: OwnerKey
        let bytes: Int
        /// Monotonic milliseconds.
        let until: Int64
    }

    /// By the turn's id.
    private var turns: [String: Kept] = [:]
    /// Ids in the order of their ends; some may be gone.
    private var order: [String] = []
    /// The newest turn of each thread, as long as no other has begun.
    private var latest: [String: String] = [:]
    private(set) var bytes = 0

    var count: Int { turns.count }

    /// Keeps a turn; the oldest make room until all together take no more than `maximumBytes`.
    mutating func add(_ run: TurnRun, owner: OwnerKey, bytes: Int, until: Int64, maximumBytes: Int) {
        turns[run.id] = Kept(run: run, owner: owner, bytes: bytes, until: until)
        order.append(run.id)
        latest[run.threadID] = run.id
        self.bytes += bytes
        while self.bytes > maximumBytes, let oldest = order.first { remove(oldest) }
        if order.count > 64 && order.count > 2 * turns.count { order.removeAll { turns[$0] == nil } }
    }

    /// Another turn has begun in the thread: the one before is found by its id alone.
    mutating func supersede(thread: String) {
        if !latest.isEmpty { latest[thread] = nil }
    }

    /// Forgets the turns whose time is over.
    mutating func expire(now: Int64) {
        while let oldest = order.first, (turns[oldest]?.until ?? now) <= now { remove(oldest) }
    }

    /// Forgets the turns of a thread that was deleted.
    mutating func remove(thread: String) {
        for (id, kept) in turns where kept.run.threadID == thread { remove(id) }
    }

    private mutating func remove(_ id: String) {
        if order.first == id { order.removeFirst() } else { order.removeAll { $0 == id } }
        guard let kept = turns.removeValue(forKey: id) else { return }
        bytes -= kept.bytes
        if latest[kept.run.threadID] == id { latest[kept.run.threadID] = nil }
    }

    /// The turn of that id, or the newest of the thread.
    func find(_ id: String?, thread: String, owner: OwnerKey) -> TurnRun? {
        guard let kept = (id ?? latest[thread]).flatMap({ turns[$0] }), kept.run.threadID == thread,
            kept.owner == owner
        else { return nil }
        return kept.run
    }
}
