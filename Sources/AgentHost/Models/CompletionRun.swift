private import Synchronization

/// One completion with its tries: at one server again after a passing fault, then at the next of the chain, as long as nothing of an answer
/// was passed on.
final class CompletionRun: Cancellable, Sendable {
    /// What a server may ask to wait for, and all waits of one completion together: milliseconds.
    static let longestWait: Int64 = 30_000
    private static let firstPause: Int64 = 500
    private static let longestPause: Int64 = 8_000

    private struct State {
        /// Place in the chain, and tries there beyond the first.
        var step = 0
        var retries = 0
        var waited: Int64 = 0
        var transfer: UpstreamTransfer?
        var timer: DeadlineTimer.Token?
        var cancelled: CancelReason?
        var isOver = false
    }

    private let model: ServerModel
    private let request: ModelRequest
    private let delta: @Sendable (ModelDelta) -> Void
    private let completion: @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    private let state = Mutex(State())

    init(
        _ model: ServerModel, _ request: ModelRequest, delta: @escaping @Sendable (ModelDelta) -> Void,
        completion: @escaping @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    ) {
        self.model = model
        self.request = request
        self.delta = delta
        self.completion = completion
    }

    /// Sends the request to the server whose turn it is.
    func begin() {
        let (index, retries) = state.withLock { ($0.step, $0.retries) }
        let step = model.steps[index]
        var upstream = model.upstreamRequest(request, step)
        // What failed on a connection that was kept is not tried on another such one.
        upstream.reusesConnections = retries == 0
        let attempt = CompletionAttempt(step.provider.stream, limits: upstream.limits, delta: delta) {
            [self] result, hasSpoken in ended(result, hasSpoken)
        }
        let transfer = model.client.send(upstream, attempt)
        let cancelled = state.withLock { state in
            state.timer = nil
            if !state.isOver { state.transfer = transfer }
            return state.cancelled
        }
        if let cancelled { transfer.cancel(cancelled) }
    }

    func cancel(_ reason: CancelReason) {
        let (transfer, timer) = state.withLock { state -> (UpstreamTransfer?, DeadlineTimer.Token?) in
            guard state.cancelled == nil else { return (nil, nil) }
            state.cancelled = reason
            return (state.transfer, state.timer)
        }
        transfer?.cancel(reason)
        // While it waits for the next try nobody else would tell the end.
        if let timer {
            DeadlineTimer.shared.cancel(timer)
            finish(.failure(ModelFault(reason == .deadline ? .deadline : .cancelled)))
        }
    }

    /// What becomes of a fault.
    private enum Next {
        case again(in: Int64)
        case nextServer
        case giveUp
    }

    private func ended(_ result: Result<ModelEnd, ModelFault>, _ hasSpoken: Bool) {
        guard case .failure(let fault) = result else { return finish(result) }
        let provider = model.steps[state.withLock { $0.step }].provider.name
        let next: Next = hasSpoken ? .giveUp : state.withLock { self.next(after: fault, &$0) }
        note(fault, provider, next)
        switch next {
        case .giveUp: finish(result)
        case .nextServer: begin()
        case .again(let pause): wait(pause)
        }
    }

    private func next(after fault: ModelFault, _ state: inout State) -> Next {
        guard state.cancelled == nil else { return .giveUp }
        if fault.isPassing, state.retries < model.configuration.retries {
            let pause = fault.retryAfter ?? CompletionRun.pause(before: state.retries)
            let isWorthIt =
                state.waited + pause <= CompletionRun.longestWait && monotonicMilliseconds() + pause < request.deadline
            if isWorthIt {
                state.retries += 1
                state.waited += pause
                return .again(in: pause)
            }
        }
        guard fault.mayFallBack, state.step + 1 < model.steps.count else { return .giveUp }
        state.step += 1
        state.retries = 0
        state.transfer = nil
        return .nextServer
    }

    /// Doubles each time, and is never the same for all who were turned away together.
    private static func pause(before retries: Int) -> Int64 {
        let pause = min(firstPause << Int64(retries), longestPause)
        return Int64.random(in: pause * 3 / 4...pause * 5 / 4)
    }

    private func wait(_ pause: Int64) {
        let token = DeadlineTimer.shared.schedule(at: monotonicMilliseconds() + pause) { [self] in
            if state.withLock({ $0.cancelled == nil }) { begin() }
        }
        let cancelled = state.withLock { state in
            state.transfer = nil
            state.timer = token
            return state.cancelled
        }
        if let cancelled {
            DeadlineTimer.shared.cancel(token)
            finish(.failure(ModelFault(cancelled == .deadline ? .deadline : .cancelled)))
        }
    }

    private func finish(_ result: Result<ModelEnd, ModelFault>) {
        let isFirst = state.withLock { state in
            defer { state.isOver = true }
            state.transfer = nil
            return !state.isOver
        }
        if isFirst { completion(result.mapError(\.failure)) }
    }

    private func note(_ fault: ModelFault, _ provider: String, _ next: Next) {
        guard fault.kind != .cancelled else { return }
        let what: (JSON, JSON) =
            switch next {
            case .again(let pause): ("retry", .int(pause))
            case .nextServer: ("next provider", .null)
            case .giveUp: ("give up", .null)
            }
        model.log.warn(
            "model request failed",
            [
                "request_id": request.requestID.isEmpty ? .null : .string(request.requestID),
                "provider": .string(provider), "detail": .string(fault.detail), "next": what.0, "wait_ms": what.1,
            ])
    }
}
