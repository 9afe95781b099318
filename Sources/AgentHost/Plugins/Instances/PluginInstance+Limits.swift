private import Synchronization

/// What happens when a limit is reached, and the regular look at what an instance uses.
extension PluginInstance {
    var limits: PluginLimits { setup.limits }

    /// The limit, for a sentence to the client of a turn.
    func reached(_ limit: PluginLimit, used: Int64? = nil) -> LimitReached {
        limit.reached(limits[limit], plugin: manifest.id, used: used)
    }

    /// When the plugin's own limit ends what may go on until `deadline`; nil when that is earlier.
    ///
    /// - Parameter deadline: milliseconds of the monotonic clock; 0 is none.
    func ownDeadline(before deadline: Int64) -> Int64? {
        let own = monotonicMilliseconds() + limits[.turnMilliseconds]
        return deadline == 0 || own < deadline ? own : nil
    }

    /// A turn or call has passed a limit on all it may do: its client is told at once, the plugin gets the grace to finish.
    ///
    /// - Parameter tells: whether the plugin must still be told.
    func passed(_ limit: PluginLimit, _ token: UInt64, tells: Bool) {
        let reached = reached(limit)
        let entry = state.withLock { state -> Entry? in
            guard let entry = state.work[token], entry.over == nil else { return nil }
            entry.over = reached
            if entry.stopReason == nil { entry.stopReason = .cancelled }
            return entry
        }
        guard let entry else { return }
        log(of: token).warn("\(file): \(reached.sentence)")
        if tells { send(.cancel(token: token, .cancelled)) }
        grantGrace(token)
        end(entry, .overLimit(reached))
    }

    /// The runtime says that a turn has passed a limit, which it has told the plugin of. A hostile one may only end its own turns.
    func ranOver(_ token: UInt64, _ id: UInt32) {
        guard let limit = PluginLimit(runtimeID: id) else { return }
        passed(limit, token, tells: false)
    }

    /// A function keeps its lane for longer than allowed, or has come back. A worker has no other lane: it is ended. In process the turn
    /// ends, the thread is lost until the function returns, and so long the plugin gets no new turns (reliability.md, promise 16).
    func stuck(_ token: UInt64, returned: Bool, _ channel: any PluginChannel) {
        let words = PluginLimit.laneMilliseconds.ending(limits[.laneMilliseconds])
        if !returned { passed(.laneMilliseconds, token, tells: true) }
        guard mode == .inProcess else {
            if !returned { channel.end("was ended: it \(words)") }
            return
        }
        let lanes = state.withLock { state -> Int in
            state.counters.stuckLanes = max(state.counters.stuckLanes + (returned ? -1 : 1), 0)
            return state.counters.stuckLanes
        }
        if returned { log.warn("\(file): a function that did not return has returned") }
        setStuck(lanes > 0 ? "it \(words)" : nil)
    }

    /// A counter of the runtime.
    func metered(_ item: UInt32, _ value: Int64, incarnation: Int) {
        state.withLock { state in
            guard state.channelIncarnation == incarnation else { return }
            state.counters.metered(item, value, mode: mode, now: monotonicMilliseconds())
        }
    }

    // MARK: Regularly

    /// Looks again and again until the instance has ended.
    func sampleRegularly() {
        deadlines.schedule(at: monotonicMilliseconds() + setup.timeouts.sample) { [weak self] in
            guard let self, sample() else { return }
            sampleRegularly()
        }
    }

    /// Looks at what the process of a worker uses, ends it when that is too much, and asks the runtime for its counters if there is
    /// news. Answers whether the instance lives.
    func sample() -> Bool {
        let (isOver, channel, incarnation, asks) = state.withLock { state in
            let asks = state.counters.isNews || !state.work.isEmpty
            if asks { state.counters.asked() }
            return (state.lifecycle.phase == .ended, state.channel, state.channelIncarnation, asks)
        }
        if isOver { return false }
        guard let channel else { return true }
        if let usage = channel.usage { check(usage, channel, incarnation) }
        if asks { channel.send(PluginCommand.ping.message) }
        return true
    }

    private func check(_ usage: ProcessUsage, _ channel: any PluginChannel, _ incarnation: Int) {
        let passed = state.withLock { state -> (limit: PluginLimit, used: Int64)? in
            guard state.channelIncarnation == incarnation,
                let (limit, used) = state.counters.sampled(usage, limits, now: monotonicMilliseconds()),
                state.counters.endedFor?.incarnation != incarnation
            else { return nil }
            state.counters.reached(limit)
            state.counters.endedFor = (incarnation, reached(limit, used: used))
            return (limit, used)
        }
        if let passed { channel.end(passed.limit.ending(limits[passed.limit], used: passed.used)) }
    }

    /// A worker has died. One that gets no more memory mostly ends itself, before the regular look has seen how much it had.
    func checkPeak(_ bytes: Int64, _ incarnation: Int) {
        let megabytes = (bytes + (1 << 20) - 1) >> 20
        guard limits.isExceeded(.memoryMegabytes, by: megabytes) else { return }
        state.withLock { state in
            guard state.counters.endedFor?.incarnation != incarnation else { return }
            state.counters.reached(.memoryMegabytes)
            state.counters.endedFor = (incarnation, reached(.memoryMegabytes, used: megabytes))
        }
    }

    /// What the work of a runtime that died ends with: the limit, if it was ended for one.
    func failure(of incarnation: Int, _ failure: ProviderFailure) -> ProviderFailure {
        guard failure == .crashed else { return failure }
        return state.withLock { state in
            guard let ended = state.counters.endedFor, ended.incarnation == incarnation else { return failure }
            return .overLimit(ended.reached)
        }
    }
}
