private import Synchronization

/// One request of a plugin with the redirects it takes.
final class HTTPExchange: UpstreamHandler, Cancellable {
    private struct State {
        var order: HTTPOrder
        var transfer: UpstreamTransfer?
        var cancelled: CancelReason?
        /// Where a redirect leads: taken once this answer is over.
        var next: HTTPOrder?
        var failure: ServiceFailure?
        var bytes = 0
    }
    private let state: Mutex<State>
    private let client: HTTPClient
    private let reply: ServiceReply

    init(_ order: HTTPOrder, _ client: HTTPClient, _ reply: ServiceReply) {
        state = Mutex(State(order: order))
        self.client = client
        self.reply = reply
    }

    func begin() {
        let transfer = client.send(state.withLock { $0.order.request }, self)
        let cancelled = state.withLock { state in
            state.transfer = transfer
            return state.cancelled
        }
        if let cancelled { transfer.cancel(cancelled) }
    }

    func cancel(_ reason: CancelReason) {
        let transfer = state.withLock { state in
            state.cancelled = reason
            return state.transfer
        }
        transfer?.cancel(reason)
    }

    func received(_ head: UpstreamHead) -> Bool {
        let (isRedirect, goesOn) = state.withLock { state -> (Bool, Bool) in
            do throws(ServiceFailure) {
                state.next = try state.order.following(head)
                return (state.next != nil, true)
            } catch {
                state.failure = error
                return (false, false)
            }
        }
        guard goesOn else { return false }
        if !isRedirect { reply.head(json(head)) }
        return true
    }

    private func json(_ head: UpstreamHead) -> JSON {
        var fields = JSONObject()
        for (name, value) in head.fields.all {
            let lowered = String(decoding: name.utf8.map(HTTPSyntax.lowercase), as: UTF8.self)
            // As HTTP joins them (RFC 9110, 5.3).
            let joined = fields[lowered]?.string.map { $0 + ", " + value } ?? value
            fields[lowered] = .string(joined)
        }
        let url = state.withLock { $0.order.address.text }
        return ["status": .int(Int64(head.status)), "headers": .object(fields), "url": .string(url)]
    }

    func received(_ bytes: borrowing Span<UInt8>) -> UpstreamFlow {
        let isRedirect = state.withLock { state in
            state.bytes += state.next == nil ? bytes.count : 0
            return state.next != nil
        }
        if !isRedirect { reply.bytes(unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }) }
        return .taken
    }

    func ended(_ result: Result<Void, UpstreamFailure>) {
        let next = state.withLock { state -> HTTPOrder? in
            state.transfer = nil
            guard case .success = result, state.cancelled == nil, let next = state.next.take() else { return nil }
            state.order = next
            return next
        }
        if next != nil { return begin() }
        if let failure = state.withLock({ $0.failure }) { return reply.end(failure) }
        switch result {
        case .success: reply.end(["bytes": .int(Int64(state.withLock { $0.bytes }))])
        case .failure(let failure): end(failure)
        }
    }

    private func end(_ failure: UpstreamFailure) {
        switch failure.reason {
        case .cancelled: reply.end(ProviderFailure.cancelled)
        case .deadline, .connectTime, .firstByteTime, .idleTime: reply.end(ProviderFailure.deadline)
        case .forbidden:
            reply.end(
                ServiceFailure(.denied, "the name leads to a private address; the manifest has to list that address"))
        case .bodyTooLarge: reply.end(ServiceFailure(.limit, "the answer is larger than max_bytes"))
        case .headTooLarge: reply.end(ServiceFailure(.limit, "the answer's headers are too large"))
        case .unresolved: reply.end(ServiceFailure(.unavailable, "the name has no address"))
        case .unreachable: reply.end(ServiceFailure(.unavailable, "no connection could be made"))
        case .untrusted, .tls: reply.end(ServiceFailure(.unavailable, "TLS failed: the server cannot prove who it is"))
        case .broken: reply.end(ServiceFailure(.unavailable, "the connection broke off"))
        case .invalidRequest: reply.end(ServiceFailure(.invalid, "the request cannot be sent"))
        default: reply.end(ServiceFailure(.failed, "the server's answer is no HTTP"))
        }
    }
}
