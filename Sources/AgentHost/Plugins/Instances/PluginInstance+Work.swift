private import Synchronization

/// Turns, calls and completions: how they begin and end.
extension PluginInstance {
    /// Begins a turn, call or completion; refusals are reported through the work itself.
    func open(_ work: any OpenWork, _ command: (UInt64) -> PluginCommand) -> OpenWorkHandle {
        let entry = Entry(work)
        let token: Result<UInt64, ProviderFailure> = state.withLock { state in
            guard state.lifecycle.acceptsWork else { return .failure(.unavailable) }
            guard state.work.count < PluginInstance.workLimit else { return .failure(.limit) }
            state.lastToken += 1
            state.work[state.lastToken] = entry
            return .success(state.lastToken)
        }
        guard case .success(let token) = token else {
            if case .failure(let failure) = token { work.end(failure) }
            return OpenWorkHandle(instance: self, entry: entry, token: 0)
        }
        let message = command(token).message
        if message.size > PluginMessage.limit {
            if removeWork(token) != nil { work.end(.limit) }
        } else {
            setTimer(token, at: work.scope.deadline) { self.stop(token, .deadline) }
            send(message)
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
    func stop(_ token: UInt64, _ reason: CancelReason) {
        let isNews = state.withLock { state in
            guard let entry = state.work[token], entry.stopReason == nil else { return false }
            state.work[token]?.stopReason = reason
            return true
        }
        guard isNews else { return }
        send(.cancel(token: token, reason))
        setTimer(token, at: monotonicMilliseconds() + setup.timeouts.grace) { self.revoke(token) }
    }

    private func revoke(_ token: UInt64) {
        guard let entry = removeWork(token) else { return }
        send(.revoke(token: token))
        log.warn("\(file): it did not finish in time after it was told to stop")
        entry.work.end(ProviderFailure(entry.stopReason ?? .cancelled))
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
    func removeWork(_ token: UInt64) -> Entry? {
        let (entry, running, onIdle) = state.withLock { state in
            let entry = state.work.removeValue(forKey: token)
            let running = (entry?.requests ?? []).compactMap { state.requests.removeValue(forKey: $0)?.running }
            return (entry, running, state.work.isEmpty ? state.onIdle.take() : nil)
        }
        for request in running { request.cancel(.cancelled) }
        if let timer = entry?.timer { deadlines.cancel(timer) }
        onIdle?()
        return entry
    }

    func endAllWork(_ failure: ProviderFailure) {
        let (tokens, running) = state.withLock { state in
            state.held = []
            defer { state.requests = [:] }
            return (Array(state.work.keys), state.requests.values.compactMap(\.running))
        }
        for request in running { request.cancel(.cancelled) }
        for token in tokens { removeWork(token)?.work.end(failure) }
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
