internal import Synchronization

// Asking the model and calling tools, with what the agent's plugin has to say before and after.

extension TurnRun {
    // MARK: The model

    func askModel(_ step: Int, _ messages: [JSON], _ tools: [JSON], _ choice: JSON?) {
        guard let work = state.withLock({ $0.work }) else { return }
        guard let hooks = work.hooks else { return ask(step, messages, tools, choice) }
        instruct(hooks, messages, hasTools: !tools.isEmpty) { [self] messages in
            run(hooks, .beforeModel, ["step": .int(Int64(step)), "messages": .array(messages)]) { [self] answer in
                guard let changed = answer["messages"] else { return ask(step, messages, tools, choice) }
                guard let changed = changed.array, ModelHistory.isSound(changed) else {
                    return failHook(.beforeModel, .failed("it answered messages that no model can be asked with"))
                }
                ask(step, changed, tools, choice)
            }
        }
    }

    /// The hook's instructions in place of the manifest's: asked for once for each agent of a turn.
    private func instruct(
        _ hooks: TurnHooks, _ messages: [JSON], hasTools: Bool, _ next: @escaping @Sendable ([JSON]) -> Void
    ) {
        @Sendable func replaced(_ text: String?) -> [JSON] {
            guard let text else { return messages }
            let content = TurnEngine.instructions(text, hasTools: hasTools)
            return [["role": "system", "content": .string(content)]] + messages.dropFirst()
        }
        if let known = state.withLock({ $0.instructions }), known.agent == hooks.agentID {
            return next(replaced(known.text))
        }
        run(hooks, .instructions, ["instructions": .string(hooks.instructions)]) { [self] answer in
            let text = answer["instructions"]?.string
            state.withLock { $0.instructions = (hooks.agentID, text) }
            next(replaced(text))
        }
    }

    private func ask(_ step: Int, _ messages: [JSON], _ tools: [JSON], _ choice: JSON?) {
        guard let work = state.withLock({ $0.work }), let model = work.model else { return }
        let request = ModelRequest(
            model: model.model, messages: messages, tools: tools, toolChoice: choice, deadline: work.deadline,
            requestID: work.caller.requestID, meter: work.caller.meter)
        let asked = model.provider.complete(
            request,
            delta: { [self] delta in input { turn, now in turn.modelSaid(delta, step: step, now: now) } },
            completion: { [self] result in modelEnded(result, step: step, work.hooks) })
        keep {
            $0.model = asked
        } orCancel: {
            asked
        }
    }

    private func modelEnded(_ result: Result<ModelEnd, ProviderFailure>, step: Int, _ hooks: TurnHooks?) {
        guard let hooks, case .success(let end) = result, hooks.points.contains(.afterModel) else {
            return input { turn, now in turn.modelEnded(result, step: step, now: now) }
        }
        let said = state.withLock { $0.turn.loop?.said } ?? ModelAccumulator()
        let json: JSON = [
            "step": .int(Int64(step)), "text": .string(said.text), "finish_reason": .string(end.finishReason),
            "tool_calls": .array(
                said.calls.map {
                    [
                        "id": .string($0.id ?? ""), "name": .string($0.name), "arguments": .string($0.arguments),
                    ]
                }),
        ]
        run(hooks, .afterModel, json) { [self] answer in
            input { turn, now in
                if let words = answer["stop"]?.string {
                    turn.stoppedByHook(words, now: now)
                } else {
                    turn.modelEnded(result, step: step, now: now)
                }
            }
        }
    }

    // MARK: Tools

    func callTool(_ slot: Int, _ name: String, _ arguments: JSON, _ isApproved: Bool) {
        guard let work = state.withLock({ $0.work }) else { return }
        guard let hooks = work.hooks, hooks.points.contains(.beforeTool) else {
            return dispatch(slot, name, arguments, isApproved, work)
        }
        let asked = hooks.run(.beforeTool, ["tool": .string(name), "arguments": arguments]) { [self] result in
            switch result {
            // A call that could not be looked at is not made.
            case .failure(let failure):
                note(.beforeTool, failure)
                end(slot, .failure("The call was not made: the agent's own check of it failed."))
            case .success(let answer):
                if let words = answer["deny"]?.string { return end(slot, .failure(words)) }
                guard let changed = answer["arguments"], changed != arguments else {
                    return dispatch(slot, name, arguments, isApproved, work)
                }
                // The person has agreed to these arguments and to no others.
                if isApproved {
                    return end(slot, .failure("The call was not made: it was changed after the person agreed to it."))
                }
                dispatch(slot, name, changed, isApproved, work)
            }
        }
        keepCall(slot, asked)
    }

    private func dispatch(_ slot: Int, _ name: String, _ arguments: JSON, _ isApproved: Bool, _ work: Work) {
        var caller = work.caller
        caller.isApproved = isApproved
        let call = work.tools.dispatch(
            tool: name, arguments: arguments, caller: caller, deadline: work.deadline,
            progress: { [self] json in input { turn, now in turn.toolProgressed(json, slot: slot, now: now) } },
            completion: { [self] outcome in called(slot, name, arguments, outcome, work.hooks) })
        keepCall(slot, call)
    }

    private func called(
        _ slot: Int, _ name: String, _ arguments: JSON, _ outcome: ToolOutcome, _ hooks: TurnHooks?
    ) {
        guard let hooks, hooks.points.contains(.afterTool), outcome != .broken(.cancelled) else {
            return end(slot, outcome)
        }
        var json = JSONObject(members: [("tool", .string(name)), ("arguments", arguments)])
        if case .success(let result) = outcome { json["result"] = result }
        json["error"] = outcome.errorText.map { .string($0) }
        let asked = hooks.run(.afterTool, .object(json)) { [self] result in
            switch result {
            // What could not be looked at is not passed on.
            case .failure(let failure):
                note(.afterTool, failure)
                end(slot, .failure("The result is withheld: the agent's own check of it failed."))
            case .success(let answer):
                end(slot, answer["result"].map { .success(ToolText.withoutTags($0)) } ?? outcome)
            }
        }
        keepCall(slot, asked)
    }

    private func end(_ slot: Int, _ outcome: ToolOutcome) {
        input { turn, now in turn.toolEnded(outcome, slot: slot, now: now) }
        state.withLock { $0.calls[slot] = nil }
    }

    /// A call that ended before its handle was here leaves the handle behind until the turn ends: harmless.
    private func keepCall(_ slot: Int, _ call: any Cancellable) {
        keep {
            $0.calls[slot] = call
        } orCancel: {
            call
        }
    }

    // MARK: Hooks

    /// Asks at a point whose failure ends the turn; goes on at once where there is no hook.
    private func run(
        _ hooks: TurnHooks, _ point: HookPoint, _ json: JSON, _ next: @escaping @Sendable (JSON) -> Void
    ) {
        guard hooks.points.contains(point) else { return next(.null) }
        let asked = hooks.run(point, json) { [self] result in
            switch result {
            case .success(let answer): next(answer)
            case .failure(let failure): failHook(point, failure)
            }
        }
        keep {
            // One that has answered already leaves its handle behind until the next: harmless.
            $0.hook = asked
        } orCancel: {
            asked
        }
    }

    private func failHook(_ point: HookPoint, _ failure: ProviderFailure) {
        note(point, failure)
        input { turn, now in turn.hookFailed(point, failure, now: now) }
    }
}

/// The hooks of one agent in one turn.
struct TurnHooks: Sendable {
    /// Milliseconds that a hook may take.
    static let timeout: Int64 = 5_000

    let points: Set<HookPoint>
    let provider: any HookProvider
    let agentID: String
    /// Of the manifest.
    let instructions: String
    let caller: ToolCaller
    /// Of the turn.
    let deadline: Int64

    /// - Parameter completion: gets what changes, an object or null.
    func run(
        _ point: HookPoint, _ json: JSON, _ completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void
    ) -> any Cancellable {
        provider.hook(
            HookRequest(
                point: point, agentID: agentID, threadID: caller.threadID, owner: caller.owner,
                requestID: caller.requestID, locale: caller.locale, json: json,
                deadline: min(deadline, monotonicMilliseconds() + TurnHooks.timeout)), completion: completion)
    }
}

extension Turn {
    /// The plugin could not say what it has to say: the turn ends rather than going on without it.
    mutating func hookFailed(_ point: HookPoint, _ failure: ProviderFailure, now: Moment) {
        input(now) { turn in
            turn.fail(
                code: .hookFailed, message: "A part of the agent failed; try again.", allowRetry: true,
                detail: "hook \(point.rawValue): \(failure)", now: now)
        }
    }

    /// The plugin does not let the model's answer pass.
    mutating func stoppedByHook(_ words: String, now: Moment) {
        input(now) { turn in
            turn.fail(
                code: .hookStopped, message: words.isEmpty ? "The agent stopped this answer." : words,
                allowRetry: false, detail: "hook after_model", now: now)
        }
    }
}
