private import Synchronization

/// A function of a plugin that never returns holds up everything in its worker, also what its deadline would end: only ending the process
/// helps (reliability.md, promise 16). So a worker with work to do is asked for a sign of life.
extension PluginInstance {
    private enum Step {
        case rest, wait
        case ask(any PluginChannel)
        case end(any PluginChannel)
    }

    /// Watches over the worker for as long as it has work.
    func watch() {
        guard mode == .worker else { return }
        let isNews = state.withLock { state in
            defer { state.isWatched = true }
            return !state.isWatched
        }
        if isNews { scheduleLook() }
    }

    /// The worker lives.
    func responded(_ channel: any PluginChannel) {
        state.withLock { if $0.unanswered === channel { $0.unanswered = nil } }
    }

    private func scheduleLook() {
        deadlines.schedule(at: monotonicMilliseconds() + setup.timeouts.response) { self.look() }
    }

    private func look() {
        let step: Step = state.withLock { state in
            let asked = state.unanswered
            state.unanswered = nil
            // Also when its work was given up meanwhile: the next turn must not meet it.
            if let channel = state.channel, asked === channel { return .end(channel) }
            guard !state.work.isEmpty else {
                state.isWatched = false
                return .rest
            }
            // Between two workers there is nobody to ask.
            guard let channel = state.channel else { return .wait }
            state.unanswered = channel
            return .ask(channel)
        }
        switch step {
        case .rest: return
        case .wait: break
        case .ask(let channel): channel.send(PluginCommand.ping.message)
        case .end(let channel):
            log.warn("\(file): one of its functions does not return; its worker is ended")
            channel.abandon()
        }
        scheduleLook()
    }
}
