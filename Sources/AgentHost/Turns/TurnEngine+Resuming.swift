internal import Synchronization

// Clients that come back to a turn, and the one that ends it.

/// What a client missed is not kept, or not here: it has to load the thread again.
struct ResumeGap: Error, Hashable {}

extension TurnEngine {
    /// Lets a client read on in a turn of its thread.
    ///
    /// - Parameters:
    ///   - thread: of that owner, which is for the caller to check.
    ///   - cursor: behind what the client has seen; nil for the beginning of the turn that runs, else of the last one if it is kept.
    /// - Returns: nil when there is no cursor and no turn.
    func resume(thread: String, owner: OwnerKey, after cursor: EventCursor?) throws(ResumeGap) -> TurnReader? {
        let (active, kept) = state.withLock { state in
            (
                TurnEngine.turns(of: thread, owner, in: state),
                state.kept.find(cursor?.turn, thread: thread, owner: owner)
            )
        }
        let running = active.first { $0.isOpen && (cursor == nil || cursor?.turn == $0.id) }
        guard let run = running ?? kept else {
            if cursor == nil { return nil }
            throw ResumeGap()
        }
        guard let reader = TurnReader(run, resumingAfter: cursor?.number ?? 0) else { throw ResumeGap() }
        return reader
    }

    /// Stops the turn that runs on the thread, if one does; those that wait for it go on. What was shown is completed and kept.
    func stop(thread: String, owner: OwnerKey) {
        let oldest = state.withLock { TurnEngine.turns(of: thread, owner, in: $0).first }
        // One that is over and still stores its end is not followed by another yet.
        oldest?.cancel(.stopped)
    }

    /// Turns that run, wait, or still store their end, in the order they were asked for; none that runs beside them.
    private static func turns(of thread: String, _ owner: OwnerKey, in state: State) -> [TurnRun] {
        state.active.values.filter { $0.run.threadID == thread && $0.owner == owner && !$0.isBeside }
            .sorted { $0.number < $1.number }.map(\.run)
    }

    /// Forgets turns that were kept long enough, when the time has come.
    func expireKept(at time: Int64) {
        DeadlineTimer.shared.schedule(at: time) { [weak self] in
            self?.state.withLock { $0.kept.expire(now: monotonicMilliseconds()) }
        }
    }
}
