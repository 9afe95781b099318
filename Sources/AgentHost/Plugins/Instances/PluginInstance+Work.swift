private import Synchronization

/// Turns, calls and completions: how they begin and end.
extension PluginInstance {
    /// Begins a turn, call or completion; refusals are reported through the work itself.
    ///
    /// - Parameter isLimited: its deadline is the plugin's own limit.
    func open(
        _ work: any OpenWork, isLimited: Bool = false, _ command: (UInt64) -> PluginCommand
    ) -> OpenWorkHandle {
        let (entry, token, refusal, actions) = state.withLock { state in
            let entry = Entry(work, incarnation: state.lifecycle.incarnation)
            guard !limits.isExceeded(.openTurns, by: Int64(state.work.count) + 1) else {
                state.counters.reached(.openTurns)
                state.counters.refusedWork()
                return (
                    entry, UInt64(0), ProviderFailure?.some(.overLimit(reached(.openTurns))),
                    [InstanceLifecycle.Action]()
                )
            }
            let token = state.lastToken + 1
            let (refusal, actions) = state.lifecycle.admit(token, now: monotonicMilliseconds())
            if refusal == nil {
                state.lastToken = token
                state.work[token] = entry
                state.counters.opened(work.kind)
            } else {
                state.counters.refusedWork()
            }
            return (entry, token, refusal, actions)
        }
        perform(actions)
        if let refusal {
            _ = entry.end(refusal)
            return OpenWorkHandle(instance: self, entry: entry, token: 0)
        }
        let message = command(token).message
        if message.size > PluginMessage.limit {
            end(removeWork(token), .limit)
        } else {
            entry.isBlocking = message.item & 1 == 1
            entry.meter.works.add(1, ordering: .relaxed)
            setTimer(token, at: work.scope.deadline) { self.stop(token, .deadline, isLimited: isLimited) }
            // A worker that took the place of one that has just died does not know of it, and must not.
            send(message, to: entry.incarnation)
            watch()
        }
        return OpenWorkHandle(instance: self, entry: entry, token: token)
    }

    /// Sets the one timer of a work; at 0 none.
    private func setTimer(_ token: UInt64, at time: Int64, _ action: @escaping @Sendable () -> Void) {
        guard time > 0 else { return }
        let timer = deadlines.schedule(at: time, action)
        let outdated = state.withLock { state -> DeadlineTimer.Token? in
            guard let entry = state.work[token] else { return timer }
            defer { entry.timer = timer }
            return entry.timer
        }
        if let outdated { deadlines.cancel(outdated) }
    }

    /// Tells the plugin to finish; when it has not after the grace, the work ends without it.
    ///
    /// - Parameter isLimited: the plugin's own limit on time was reached.
    func stop(_ token: UInt64, _ reason: CancelReason, isLimited: Bool = false) {
        let isNews = state.withLock { state in
            guard let entry = state.work[token], entry.stopReason == nil else { return false }
            entry.stopReason = reason
            if isLimited {
                entry.over = reached(.turnMilliseconds)
                state.counters.reached(.turnMilliseconds)
            }
            return true
        }
        guard isNews else { return }
        send(.cancel(token: token, reason))
        grantGrace(token)
    }

    /// A work that was told to stop gets some time to finish; then it ends without the plugin.
    func grantGrace(_ token: UInt64) {
        setTimer(token, at: monotonicMilliseconds() + setup.timeouts.grace) { self.revoke(token) }
    }

    /// Ends a work that was taken out of the table, or whose client need not wait; nothing when it has ended.
    func end(_ entry: Entry?, _ failure: ProviderFailure) {
        guard let entry else { return }
        guard entry.end(entry.over.map { .overLimit($0) } ?? failure), failure != .cancelled || entry.over != nil else {
            return
        }
        state.withLock { $0.counters.failedWork() }
    }

    private func revoke(_ token: UInt64) {
        guard let entry = removeWork(token) else { return }
        send(.revoke(token: token))
        log.warn("\(file): it did not finish in time after it was told to stop")
        end(entry, ProviderFailure(entry.stopReason ?? .cancelled))
        guard mode == .worker, entry.isBlocking, entry.stopReason == .deadline else { return }
        // A thread of the pool may be lost with it; when all are, the worker hears no one any more.
        let channel = state.withLock { $0.channelIncarnation == entry.incarnation ? $0.channel : nil }
        guard let channel else { return }
        log.warn("\(file): its thread may never come back; its worker is ended")
        channel.abandon()
    }

    /// The reader of a turn has taken `bytes` more bytes.
    ///
    /// Takes no lock: it is called for every delta.
    func consumed(_ entry: Entry, _ token: UInt64, _ bytes: Int) {
        guard bytes > 0 else { return }
        entry.outstanding.subtract(bytes, ordering: .relaxed)
        guard entry.uncredited.add(bytes, ordering: .relaxed).newValue >= PluginInstance.creditPortion else { return }
        let portion = entry.uncredited.exchange(0, ordering: .relaxed)
        // A credit for what has ended is ignored.
        if portion > 0 { send(.credit(token: token, bytes: Int64(portion))) }
    }

    /// Takes a work out of the table, with its timer and requests: from here on nobody else ends it.
    ///
    /// - Parameter byPlugin: the plugin has finished it.
    func removeWork(_ token: UInt64, byPlugin: Bool = false) -> Entry? {
        let (entry, running, actions, onIdle) = state.withLock { state in
            let entry = state.work.removeValue(forKey: token)
            if entry != nil { state.counters.endedWork() }
            let running = (entry?.requests ?? []).compactMap { state.requests.removeValue(forKey: $0)?.running }
            let actions = state.lifecycle.workEnded(token, byPlugin: byPlugin, now: monotonicMilliseconds())
            return (entry, running, actions, state.work.isEmpty ? state.onIdle.take() : nil)
        }
        perform(actions)
        for request in running { request.cancel(.cancelled) }
        if let timer = entry?.timer { deadlines.cancel(timer) }
        onIdle?()
        return entry
    }

    /// Ends the work of that incarnation and of earlier ones; what a new one has taken over goes on.
    func endAllWork(_ failure: ProviderFailure, upTo incarnation: Int) {
        let (tokens, running) = state.withLock { state in
            state.held.removeAll { $0.incarnation <= incarnation }
            let tokens = state.work.filter { $0.value.incarnation <= incarnation }.map(\.key)
            let requests = state.requests.filter { $0.value.incarnation <= incarnation }
            for token in requests.keys { state.requests[token] = nil }
            return (tokens, requests.values.compactMap(\.running))
        }
        for request in running { request.cancel(.cancelled) }
        for token in tokens { end(removeWork(token), failure) }
    }
}

/// What a turn, call or completion is stopped by.
struct OpenWorkHandle: AgentTurn {
    let instance: PluginInstance
    let entry: PluginInstance.Entry
    let token: UInt64
    func cancel(_ reason: CancelReason) { instance.stop(token, reason) }
    func consumed(_ bytes: Int) { instance.consumed(entry, token, bytes) }
}
