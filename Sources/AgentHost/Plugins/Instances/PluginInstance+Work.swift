private import Synchronization

/// Turns, calls and completions: how they begin and end.
extension PluginInstance {
    /// Begins a turn, call or completion; refusals are reported through the work itself.
    func open(_ work: any OpenWork, _ command: (UInt64) -> PluginCommand) -> OpenWorkHandle {
        let token: Result<UInt64, ProviderFailure> = state.withLock { state in
            guard state.lifecycle.acceptsWork else { return .failure(.unavailable) }
            guard state.work.count < PluginInstance.workLimit else { return .failure(.limit) }
            state.lastToken += 1
            state.work[state.lastToken] = Entry(work: work)
            return .success(state.lastToken)
        }
        guard case .success(let token) = token else {
            if case .failure(let failure) = token { work.end(failure) }
            return OpenWorkHandle(instance: self, token: 0)
        }
        let message = command(token).message
        if message.size > PluginMessage.limit {
            if removeWork(token) != nil { work.end(.limit) }
        } else {
            setTimer(token, at: work.scope.deadline) { self.stop(token, .deadline) }
            send(message)
            watch()
        }
        return OpenWorkHandle(instance: self, token: token)
    }

    /// Sets the one timer of a work; at 0 none.
    private func setTimer(_ token: UInt64, at time: Int64, _ action: @escaping @Sendable () -> Void) {
        guard time > 0 else { return }
        let timer = deadlines.schedule(at: time, action)
        let outdated = state.withLock { state -> DeadlineTimer.Token? in
            guard let entry = state.work[token] else { return timer }
            state.work[token]?.timer = timer
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
    func consumed(_ token: UInt64, _ bytes: Int) {
        guard bytes > 0 else { return }
        let portion = state.withLock { state -> Int in
            guard let sum = state.work[token]?.uncredited else { return 0 }
            state.work[token]?.outstanding -= bytes
            let isEnough = sum + bytes >= PluginInstance.creditPortion
            state.work[token]?.uncredited = isEnough ? 0 : sum + bytes
            return isEnough ? sum + bytes : 0
        }
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
    let token: UInt64
    func cancel(_ reason: CancelReason) { instance.stop(token, reason) }
    func consumed(_ bytes: Int) { instance.consumed(token, bytes) }
}
