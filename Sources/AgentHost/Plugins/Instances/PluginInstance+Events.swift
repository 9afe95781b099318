private import Synchronization

/// What comes from the runtime.
extension PluginInstance {
    /// News of the runtime with that incarnation number.
    fileprivate func received(_ event: PluginEvent, _ channel: any PluginChannel, incarnation: Int) {
        switch event {
        case .loaded(let status, let offers, let sentence):
            let refusal = status < 0 ? (sentence.isEmpty ? "its runtime answered status \(status)" : sentence) : nil
            let actions = state.withLock { state in
                let actions = state.lifecycle.loaded(incarnation, refusal: refusal, now: monotonicMilliseconds())
                if !actions.isEmpty { state.offers = offers }
                return actions
            }
            perform(actions)
        case .turnText(let token, _, _), .turnEmit(let token, _, _, _), .turnItemDone(let token, _),
            .callProgress(let token, _):
            guard let entry = account(event, token) else { return }
            consumed(entry, token, entry.received(event))
        case .turnFinish(let token, let status, let message, let usage):
            finish(token, status, Array(message.utf8), usage)
        case .callFinish(let token, let status, let result, let usage): finish(token, status, result, usage)
        case .serviceRequest(let request): begin(request, channel, incarnation: incarnation)
        case .serviceCancel(let token): endRequest(token)?.cancel(.cancelled)
        case .destroyed: perform(state.withLock { $0.lifecycle.destroyed(incarnation) })
        case .log(let token, let level, let message, let fields) where mayLog():
            let fields = (try? JSON.parse(fields, maximumDepth: 8)) ?? .null
            log(of: token).write(level, String(message.prefix(8_192)), ["fields": fields])
        case .stall(let token, let milliseconds) where mayLog():
            log(of: token).warn("\(file): a [turn] function took \(milliseconds) ms; it must not block")
        case .misbehaved(let token, let sentence) where mayLog():
            log(of: token).warn("\(file): it broke the contract: \(sentence.prefix(1_024))")
        case .pong: responded(channel)
        case .over(let token, let limit): ranOver(token, limit)
        case .stuck(let token, _, let returned): stuck(token, returned: returned, channel)
        case .meter(let item, let value): metered(item, value, incarnation: incarnation)
        case .configDone, .log, .stall, .misbehaved: break
        }
    }

    /// A log whose lines say for which request and in which thread the work runs.
    func log(of token: UInt64) -> Logger {
        guard let scope = state.withLock({ $0.work[token]?.scope }) else { return log }
        return log.with([
            "request_id": scope.requestID.isEmpty ? .null : .string(scope.requestID),
            "thread_id": scope.threadID.isEmpty ? .null : .string(scope.threadID),
        ])
    }

    func mayLog() -> Bool { state.withLock { $0.lineRate.allows(at: monotonicMilliseconds()) } }

    /// Takes note of what an event adds to what the reader has not taken yet. Answers the work it is for; nil when there is none, or
    /// when the limits are passed. The runtime keeps them, so that is a hostile worker: it is killed.
    private func account(_ event: PluginEvent, _ token: UInt64) -> Entry? {
        let size = event.payloadSize
        let found = state.withLock { state -> (entry: Entry, said: Int64)? in
            guard let entry = state.work[token] else { return nil }
            entry.said += Int64(size)
            state.counters.emitted(size)
            return (entry, entry.said)
        }
        guard let (entry, said) = found else { return nil }
        entry.meter.emittedBytes.add(Int64(size), ordering: .relaxed)
        let outstanding = entry.outstanding.add(size, ordering: .relaxed).newValue
        guard
            size > PluginInstance.pieceLimit || outstanding > PluginInstance.outstandingLimit
                || limits.isExceeded(.turnBytes, by: said - Int64(PluginInstance.pieceLimit))
        else { return entry }
        log.warn("\(file): it sent more than the limits allow")
        if mode == .worker { state.withLock { $0.channel }?.end("sent more than the limits allow and was killed") }
        end(removeWork(token), .limit)
        return nil
    }

    private func finish(_ token: UInt64, _ status: Int32, _ result: [UInt8], _ usage: PluginEvent.RuntimeUsage) {
        guard let entry = removeWork(token, byPlugin: true) else { return }
        settle(entry, usage)
        if let reason = entry.stopReason {
            end(entry, ProviderFailure(reason))
        } else if case .limit = ProviderFailure(status: status, message: ""),
            let limit = PluginLimit(runtimeID: usage.refusedBy)
        {
            // The plugin gives up because something was refused it: the client hears of what.
            end(entry, .overLimit(reached(limit)))
        } else if entry.finished(status, result), status < 0 {
            state.withLock { $0.counters.failedWork() }
        }
    }

    /// Adds what a turn or call has used to its turn's numbers. Nothing takes longer than since it began.
    private func settle(_ entry: Entry, _ usage: PluginEvent.RuntimeUsage) {
        let longest = (monotonicMilliseconds() - entry.begun + 1) * 1_000
        entry.meter.laneMicroseconds.add(min(max(usage.laneMicroseconds, 0), longest), ordering: .relaxed)
        entry.meter.timers.add(usage.timers, ordering: .relaxed)
    }

    fileprivate func died(_ how: String, _ words: String?, _ channel: any PluginChannel, incarnation: Int) {
        checkPeak(channel.peakMemory, incarnation)
        let actions = state.withLock { state in
            // The channel has ended by itself: there is nothing to abandon.
            if state.lifecycle.incarnation == incarnation { state.channel = nil }
            let isLoading = state.lifecycle.phase == .loading(isRestart: false)
            let sentence = "\(isLoading ? "loading it failed: " : "")the worker process \(how)"
            return state.lifecycle.died(incarnation, how: sentence, words: words, now: monotonicMilliseconds())
        }
        perform(actions)
    }
}

/// Hears one runtime of an instance and says which one it was.
final class Incarnation: PluginChannelReceiver {
    let instance: PluginInstance
    let number: Int

    init(instance: PluginInstance, number: Int) {
        self.instance = instance
        self.number = number
    }

    func channel(_ channel: any PluginChannel, received events: [PluginEvent]) {
        WakeupBatch.gather {
            for event in events { instance.received(event, channel, incarnation: number) }
        }
    }

    func channel(_ channel: any PluginChannel, died how: String, words: String?) {
        instance.died(how, words, channel, incarnation: number)
    }
}
