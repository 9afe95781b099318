private import Synchronization

/// Requests of the plugin to host services.
extension PluginInstance {
    func begin(_ request: PluginEvent.ServiceRequest, _ channel: any PluginChannel, incarnation: Int) {
        let token = request.token
        let scope: Result<WorkScope?, ServiceFailure>? = state.withLock { state in
            guard state.requests[token] == nil else { return nil }
            // The runtime has kept the limits; one that has not is hostile, and gets no more than they allow.
            let service = services.offers(request.service) ? request.service : "unknown"
            let isInTime = state.counters.called(
                service, limit: limits[.requestsPerSecond], now: monotonicMilliseconds())
            guard isInTime, !limits.isExceeded(.openRequests, by: Int64(state.requests.count) + 1) else {
                return .failure(ServiceFailure(.limit, "too many requests"))
            }
            let entry = state.work[request.scope]
            if request.scope != 0 {
                guard let entry else { return .failure(ServiceFailure(.gone, "the turn or call has ended")) }
                entry.meter.hostCalls.add(1, ordering: .relaxed)
                guard !limits.isExceeded(.turnRequests, by: entry.requestsMade + 1),
                    !limits.isExceeded(.turnOpenRequests, by: Int64(entry.requests.count) + 1)
                else { return .failure(ServiceFailure(.limit, "too many requests of one turn or call")) }
                entry.requestsMade += 1
                entry.requests.insert(token)
                entry.meter.sawOpenRequests(Int64(entry.requests.count))
            }
            state.requests[token] = OpenRequest(scope: request.scope, channel: channel, incarnation: incarnation)
            return .success(entry?.scope)
        }
        guard let scope else { return }
        let reply = ServiceReply { event, status, data in
            self.note(request, event, status, data)
            self.answer(token, channel, event, status, data)
        }
        switch scope {
        case .failure(let failure):
            let message = PluginCommand.serviceEvent(
                token: token, event: ServiceReply.endEvent, status: failure.status.rawValue,
                data: Array(failure.sentence.utf8))
            channel.send(message.message)
        case .success(let scope):
            let running = services.start(
                request, scope: scope, manifest: manifest, generation: generation, reply)
            let isOpen = state.withLock { state in
                state.requests[token]?.running = running
                return state.requests[token] != nil
            }
            // It has ended or was cancelled meanwhile; cancelling what has ended does nothing.
            if !isOpen { running.cancel(.cancelled) }
        }
    }

    /// A request that was wrong is a mistake of the plugin's author: the log tells, whatever the plugin makes of the answer.
    private func note(_ request: PluginEvent.ServiceRequest, _ event: UInt32, _ status: Int32, _ data: [UInt8]) {
        let mistakes: [ServiceFailure.Status] = [.denied, .invalid, .unsupported]
        guard event == ServiceReply.endEvent, mistakes.contains(where: { $0.rawValue == status }), mayLog() else {
            return
        }
        log.warn(
            "\(file): \(request.service) refused \"\(request.op.prefix(64))\": "
                + String(decoding: data.prefix(1_024), as: UTF8.self))
    }

    private func answer(
        _ token: UInt64, _ channel: any PluginChannel, _ event: UInt32, _ status: Int32, _ data: [UInt8]
    ) {
        let isEnd = event == ServiceReply.endEvent
        let isOpen = state.withLock { state in
            guard let open = state.requests[token], open.channel === channel else { return false }
            if isEnd {
                state.requests[token] = nil
                state.work[open.scope]?.requests.remove(token)
            }
            return true
        }
        guard isOpen else { return }
        channel.send(PluginCommand.serviceEvent(token: token, event: event, status: status, data: data).message)
    }

    func endRequest(_ token: UInt64) -> (any Cancellable)? {
        state.withLock { state in
            let request = state.requests.removeValue(forKey: token)
            if let scope = request?.scope { state.work[scope]?.requests.remove(token) }
            return request?.running
        }
    }
}
