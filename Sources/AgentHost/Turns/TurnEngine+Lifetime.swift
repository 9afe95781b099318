private import Synchronization

// The engine's own beginning and end: turns that a dead host left open, and going down without cutting anybody off.

extension TurnEngine {
    /// Whether new turns are refused because the host is about to end.
    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Closes turns whose host died: partial text that was kept is stored under the id the client saw, with a note for the model.
    /// Nothing is run again.
    func recover() async {
        do throws(StoreError) {
            for turn in try await store.interruptedTurns() { await close(turn) }
        } catch {
            log.error("interrupted turns cannot be read", ["error": .string("\(error)")])
        }
    }

    /// Looks again and again for turns of another host on the same database that has died meanwhile.
    func recoverRegularly(every milliseconds: Int64 = 10_000) {
        DeadlineTimer.shared.schedule(at: monotonicMilliseconds() + milliseconds) { [weak self] in
            guard let self, !isStopping else { return }
            Task.detached {
                await self.recover()
                self.recoverRegularly(every: milliseconds)
            }
        }
    }

    private func close(_ turn: OpenTurn) async {
        do throws(StoreError) {
            try await store.write(TurnEngine.closing(turn, at: .now()))
            log.info("interrupted turn closed", ["turn_id": .string(turn.id), "thread_id": .string(turn.threadID)])
        } catch {
            // The thread may be gone, or the text unreadable: the lease goes back all the same.
            log.warn("interrupted turn lost its text", ["turn_id": .string(turn.id), "error": .string("\(error)")])
            try? await store.write([.closeTurn(id: turn.id)])
        }
    }

    /// What has to be stored to close an interrupted turn.
    static func closing(_ turn: OpenTurn, at now: Timestamp) -> [StoreOperation] {
        let checkpoint = turn.checkpoint.flatMap { try? JSON.parse($0) }
        let items = (checkpoint?["items"]?.array ?? []).compactMap { try? ChatKit.Item(json: $0) }
        let note = ChatKit.Item(
            id: randomID("shcx"), threadID: turn.threadID, createdAt: now,
            content: .sdkHiddenContext(Turn.interruptedNote))
        return items.filter { $0.threadID == turn.threadID }.map { .upsertItem(StoredItem($0), owner: turn.owner) }
            + [.insertItem(StoredItem(note), owner: turn.owner), .closeTurn(id: turn.id)]
    }

    /// How long turns that were told to end at a stop may store what they said.
    static let endingMilliseconds: Int64 = 2_000

    /// Refuses new turns, gives those that run `drainMilliseconds` to end, then ends them with an error event that allows a retry.
    func shutdown(drainMilliseconds: Int64) async {
        state.withLock { $0.isStopping = true }
        await drain(milliseconds: drainMilliseconds)
        for active in state.withLock({ Array($0.active.values) }) { active.run.cancel(.shutdown) }
        // What they said is being stored.
        await drain(milliseconds: TurnEngine.endingMilliseconds)
    }

    /// Waits until no turn is active, at most so long.
    private func drain(milliseconds: Int64) async {
        await withCheckedContinuation { continuation in
            let number = state.withLock { state -> Int? in
                guard !state.active.isEmpty else { return nil }
                state.drains += 1
                state.drained = (state.drains, continuation)
                return state.drains
            }
            guard let number else { return continuation.resume() }
            _ = DeadlineTimer.shared.schedule(at: monotonicMilliseconds() + milliseconds) { [self] in
                let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    guard let drained = state.drained, drained.number == number else { return nil }
                    state.drained = nil
                    return drained.continuation
                }
                waiting?.resume()
            }
        }
    }
}
