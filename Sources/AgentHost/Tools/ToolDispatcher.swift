private import Synchronization

/// Runs loaded tools: look-up, policy, check of arguments and result, deadline, cancellation, one retry, size limit.
///
/// May be called from any thread.
final class ToolDispatcher: ToolDispatching {
    /// Bytes of JSON a result may have.
    static let maximumResultBytes = 4 << 20

    private let directory: any ToolDirectory
    private let policy: ToolPolicy
    private let log: Logger

    init(directory: any ToolDirectory, policy: ToolPolicy = ToolPolicy(), log: Logger) {
        self.directory = directory
        self.policy = policy
        self.log = log
    }

    func decision(for tool: ToolDescriptor, _ caller: ToolCaller) -> ToolPolicy.Decision {
        policy.decision(for: tool, caller)
    }

    func bound(to directory: any ToolDirectory) -> any ToolDispatching {
        ToolDispatcher(directory: directory, policy: policy, log: log)
    }

    func dispatch(
        tool exposedName: String, arguments: JSON, caller: ToolCaller, deadline: Int64,
        progress: @escaping @Sendable (JSON) -> Void, completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable {
        guard let tool = directory.tool(exposedName) else {
            completion(.failure("There is no tool named \"\(exposedName)\" at the moment."))
            return NotCancellable()
        }
        if let refusal = refusal(of: arguments, by: tool.descriptor, caller) {
            completion(.failure(refusal))
            return NotCancellable()
        }
        let request = ToolCallRequest(
            tool: tool.descriptor, arguments: arguments, caller: caller,
            deadline: min(deadline, monotonicMilliseconds() + tool.descriptor.timeout))
        let call = DispatchedCall(
            request, provider: tool.provider, log: log, progress: progress, completion: completion)
        call.start()
        return call
    }

    /// Why the tool is not called with these arguments; nil when it may be.
    private func refusal(of arguments: JSON, by tool: ToolDescriptor, _ caller: ToolCaller) -> String? {
        if tool.runsInClient {
            return
                "\"\(tool.exposedName)\" runs in the person's browser and can only be called by an agent that talks to it."
        }
        // Decided anew for each call: what was agreed to days ago may have been forbidden since.
        switch policy.decision(for: tool, caller) {
        case .allow: break
        case .ask: if !caller.isApproved { return ToolDispatcher.approvalRequired(tool) }
        case .deny:
            log.audit(
                "tool call refused",
                [
                    "owner": .string(caller.owner.text), "agent": .string(caller.agentID),
                    "tool": .string("\(tool.plugin)/\(tool.name)"), "decision": "deny", "by": "policy",
                    "thread_id": .string(caller.threadID), "request_id": .string(caller.requestID),
                ])
            return ToolDispatcher.denied(tool)
        }
        return ToolDispatcher.problems(of: arguments, for: tool)
    }

    /// Where nobody can be asked.
    static func approvalRequired(_ tool: ToolDescriptor) -> String {
        "approval_required: \"\(tool.title)\" needs the person's approval, which cannot be asked for here. "
            + "Tell the person what you would have done."
    }

    static func denied(_ tool: ToolDescriptor) -> String {
        "The operator of this server does not allow \"\(tool.title)\" here. Go on without it."
    }

    /// What is wrong with the arguments of a call, in words for a model; nil when nothing is.
    static func problems(of arguments: JSON, for tool: ToolDescriptor) -> String? {
        guard arguments.object != nil else { return "The arguments of \(tool.exposedName) must be a JSON object." }
        let problems = JSONSchema(tool.inputSchema).problems(in: arguments)
        if problems.isEmpty { return nil }
        return "The arguments of \(tool.exposedName) are not valid: \(problems.joined(separator: "; ")). "
            + "Correct them and call the tool again."
    }
}

/// One call under way: sees to it that exactly one outcome comes, in time.
private final class DispatchedCall: Cancellable {
    private struct State {
        var isFinished = false
        /// Counts attempts: what an abandoned attempt still says is ignored.
        var attempt = 0
        var work: (any Cancellable)?
        var timer: DeadlineTimer.Token?
        var cancelled: CancelReason?
    }
    /// Pause before the second attempt: time for a crashed plugin to come back.
    private static let retryPause: Int64 = 100

    private let request: ToolCallRequest
    private let provider: any ToolProvider
    private let log: Logger
    private let progress: @Sendable (JSON) -> Void
    private let completion: @Sendable (ToolOutcome) -> Void
    private let state = Mutex(State())

    init(
        _ request: ToolCallRequest, provider: any ToolProvider, log: Logger,
        progress: @escaping @Sendable (JSON) -> Void, completion: @escaping @Sendable (ToolOutcome) -> Void
    ) {
        self.request = request
        self.provider = provider
        self.log = log
        self.progress = progress
        self.completion = completion
    }

    func start() {
        // Holds the call: a provider that forgets its completion must not make the call vanish.
        let token = DeadlineTimer.shared.schedule(at: request.deadline) { [self] in cancel(.deadline) }
        let isFinished = state.withLock { state in
            state.timer = token
            return state.isFinished
        }
        if isFinished { return DeadlineTimer.shared.cancel(token) }
        attempt()
    }

    private func attempt() {
        let number: Int? = state.withLock { state in
            if state.isFinished { return nil }
            state.attempt += 1
            return state.attempt
        }
        guard let number else { return }
        let work = provider.call(
            request,
            progress: { [self] json in if state.withLock({ !$0.isFinished && $0.attempt == number }) { progress(json) }
            },
            completion: { [self] outcome in ended(outcome, attempt: number) })
        // A cancellation that came while the call was being started found nothing to cancel.
        let missed = state.withLock { state in
            if !state.isFinished { state.work = work }
            return state.isFinished ? state.cancelled : nil
        }
        if let missed { work.cancel(missed) }
    }

    private func ended(_ outcome: ToolOutcome, attempt number: Int) {
        let mayRetry = number == 1 && (request.tool.isIdempotent || request.tool.isReadOnly)
        if mayRetry, outcome == .broken(.crashed) || outcome == .broken(.unavailable) {
            let retries = state.withLock { state in
                guard !state.isFinished, state.attempt == number else { return false }
                state.work = nil
                return true
            }
            guard retries else { return }
            log.info(
                "tool is called again",
                [
                    "tool": .string(request.tool.exposedName), "request_id": .string(request.caller.requestID),
                    "thread_id": .string(request.caller.threadID), "agent": .string(request.caller.agentID),
                ])
            _ = DeadlineTimer.shared.schedule(at: monotonicMilliseconds() + DispatchedCall.retryPause) {
                self.attempt()
            }
            return
        }
        finish(limited(outcome), attempt: number)
    }

    /// The outcome as it may be passed on: not too large, of the form that was promised, without what nobody can see.
    private func limited(_ outcome: ToolOutcome) -> ToolOutcome {
        switch outcome {
        case .success(let json): return checked(json)
        case .failure(let words): return .failure(short(ToolText.withoutTags(words)))
        case .broken(.failed(let words)): return .broken(.failed(short(ToolText.withoutTags(words))))
        case .broken: return outcome
        }
    }

    private func checked(_ result: JSON) -> ToolOutcome {
        let name = request.tool.exposedName
        let bytes = result.encoded
        guard bytes.count <= ToolDispatcher.maximumResultBytes else {
            return .failure("The result of \(name) is larger than 4 MiB; ask for less.")
        }
        if let schema = request.tool.outputSchema {
            let problems = JSONSchema(schema).problems(in: result, named: "result", limit: 3)
            if !problems.isEmpty { return promiseBroken(problems.joined(separator: "; ")) }
        }
        do throws(ToolContent.Malformed) { _ = try ToolContent(result) } catch { return promiseBroken(error.sentence) }
        return .success(ToolText.hasTags(bytes) ? ToolText.withoutTags(result) : result)
    }

    /// A fault of the tool's author, which no model can mend.
    private func promiseBroken(_ problem: String) -> ToolOutcome {
        log.warn(
            "tool answered something else than its manifest promises",
            [
                "tool": .string("\(request.tool.plugin)/\(request.tool.name)"), "problem": .string(problem),
                "request_id": .string(request.caller.requestID), "thread_id": .string(request.caller.threadID),
            ])
        return .failure(
            "\(request.tool.exposedName) answered something else than it promises, so its result is not used "
                + "(\(problem)). Whether it had an effect is not known. Go on without it.")
    }

    private func short(_ words: String) -> String {
        words.utf8.count <= 16_384 ? words : String(words.prefix(4_096)) + "…"
    }

    /// - Parameter attempt: nil ends the call whatever is under way.
    private func finish(_ outcome: ToolOutcome, attempt number: Int?, cancelled: CancelReason? = nil) {
        let ended = state.withLock { state -> (work: (any Cancellable)?, timer: DeadlineTimer.Token?)? in
            guard !state.isFinished, number == nil || number == state.attempt else { return nil }
            state.isFinished = true
            state.cancelled = cancelled
            defer { state.work = nil }
            return (state.work, state.timer)
        }
        guard let ended else { return }
        if let timer = ended.timer { DeadlineTimer.shared.cancel(timer) }
        if let cancelled { ended.work?.cancel(cancelled) }
        completion(outcome)
    }

    /// Ends the call at once; the provider winds down by itself, and what it still says is dropped.
    func cancel(_ reason: CancelReason) {
        finish(.broken(reason == .deadline ? .deadline : .cancelled), attempt: nil, cancelled: reason)
    }
}
