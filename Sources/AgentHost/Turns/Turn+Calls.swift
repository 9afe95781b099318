// Function calls of a model: checked, shown as tasks of a workflow, made all at once, and told to the model in its order.

extension Turn {
    /// Shows the step's calls and makes them, all at once.
    mutating func makeCalls(_ now: Moment) {
        guard let said = loop?.said.calls else { return }
        closeMessage()
        closeThought(now)
        loop?.calls = []
        for written in said {
            let call = makeCall(written, now)
            loop?.calls.append(call)
        }
        deferCalls(now)
        begin(now)
    }

    /// Starts the calls of the step that may run, and shows those that were refused; when nothing else is under way, the model is told.
    private mutating func begin(_ now: Moment) {
        for call in loop?.calls ?? [] {
            if call.outcome != nil {
                showOutcome(call)
            } else if call.isUnderWay, let arguments = call.arguments {
                actions.append(
                    .callTool(
                        slot: call.slot, name: call.name, arguments: arguments, isApproved: call.approval != nil))
            }
        }
        if loop?.isCalling == false { stepEnded(now) }
    }

    private mutating func makeCall(_ written: ModelAccumulator.Call, _ now: Moment) -> ModelCall {
        toolCalls += 1
        let tool = loop?.offer.tools[written.name]
        var call = ModelCall(slot: toolCalls, id: callID(written), written: written, title: tool?.title)
        loop?.argumentBytes += written.arguments.utf8.count
        refuse(&call, tool, written)
        if call.outcome == nil, let tool {
            if loop?.offer.asking.contains(tool.exposedName) == true {
                guard loop?.canAsk == true else {
                    call.outcome = .failure(ToolDispatcher.approvalRequired(tool))
                    show(&call, now)
                    return call
                }
                call.isToBeAsked = true
                return call
            }
            if tool.runsInClient {
                call.isForClient = true
                return call
            }
            if tool.plugin == AgentTools.handingOver { call.handsOverTo = tool.name }
        }
        show(&call, now)
        return call
    }

    /// The call's task.
    private mutating func show(_ call: inout ModelCall, _ now: Moment) {
        openWorkflow(now)
        let summary = call.arguments.map { CallSummary.arguments($0) } ?? nil
        let task = ChatKit.Task(indicator: .loading, kind: .custom(title: call.title, icon: nil, content: summary))
        if let workflow = loop?.workflow { call.taskIndex = transcript.put(task, in: workflow) }
    }

    /// The model's own id, if it gave one that is not taken and that a model API would take back.
    private func callID(_ written: ModelAccumulator.Call) -> String {
        let taken = (loop?.calls ?? []).map(\.id)
        if let id = written.id, (1...128).contains(id.utf8.count), id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !taken.contains(id)
        {
            return id
        }
        return "call_\(toolCalls)"
    }

    /// Decides why a call is not made, in words for the model; leaves it as it is when nothing speaks against it.
    private func refuse(_ call: inout ModelCall, _ tool: ToolDescriptor?, _ written: ModelAccumulator.Call) {
        func refuse(_ words: String, isFaulty: Bool = true) {
            call.outcome = .failure(words)
            call.isFaulty = isFaulty
        }
        if toolCalls > configuration.maximumToolCalls {
            return refuse(
                "No more than \(configuration.maximumToolCalls) tool calls are allowed in one turn. Answer with what you have.",
                isFaulty: false)
        }
        guard let tool else {
            return refuse("There is no tool named \"\(call.name)\". " + (loop?.offer.names ?? ""))
        }
        if (loop?.argumentBytes ?? 0) > configuration.maximumArgumentBytes {
            call.dropArguments()
            return refuse("The arguments of this turn's calls are too large together. Write less.")
        }
        guard let arguments = call.arguments else {
            return refuse("The arguments are not a valid JSON object. Correct them and call the tool again.")
        }
        if let problems = ToolDispatcher.problems(of: arguments, for: tool) { return refuse(problems) }
        if tool.plugin == AgentTools.handingOver, handOvers >= HandOver.maximum {
            refuse("The conversation was handed over often enough in this turn. Answer yourself.", isFaulty: false)
        }
    }

    /// One call of a step can go to the page, and only when nothing is to be asked: either ends the turn. And one can hand the conversation
    /// over, when neither is the case.
    private mutating func deferCalls(_ now: Moment) {
        guard let calls = loop?.calls else { return }
        let isAsking = calls.contains(where: \.isToBeAsked)
        let page = calls.firstIndex(where: \.isForClient)
        let successor = calls.firstIndex { $0.handsOverTo != nil }
        for index in calls.indices {
            var call = calls[index]
            if call.isForClient, isAsking || index != page {
                call.isForClient = false
                call.outcome = .failure(
                    isAsking
                        ? "Another call of this step needs the person's approval first. Call \"\(call.name)\" again then."
                        : "Only one tool that runs in the browser can be called at a time. "
                            + "Call \"\(call.name)\" again when the other one has answered.")
            } else if call.handsOverTo != nil, isAsking || page != nil || index != successor {
                call.handsOverTo = nil
                call.outcome = .failure(
                    index != successor
                        ? "The conversation can be handed over to one agent only."
                        : "Another call of this step needs the person first. Hand over when it has ended.")
            } else {
                continue
            }
            if call.taskIndex == nil { show(&call, now) }
            loop?.calls[index] = call
        }
    }

    // MARK: News of tools

    /// A tool reports how far it is.
    mutating func toolProgressed(_ progress: JSON, slot: Int, now: Moment) {
        guard let call = loop?.calls.first(where: { $0.slot == slot }), call.outcome == nil else { return }
        // A reader that is far behind is spared what is only for the moment.
        guard transcript.log.retainedBytes < 256 << 10, let text = CallSummary.progress(progress) else { return }
        input(now) { turn in
            guard let workflow = turn.loop?.workflow, let index = call.taskIndex else { return }
            let task = ChatKit.Task(indicator: .loading, kind: .custom(title: call.title, icon: nil, content: text))
            turn.transcript.put(task, at: index, in: workflow)
        }
    }

    /// A tool has answered.
    mutating func toolEnded(_ outcome: ToolOutcome, slot: Int, now: Moment) {
        guard let index = loop?.calls.firstIndex(where: { $0.slot == slot }), loop?.calls[index].outcome == nil else {
            return
        }
        input(now) { turn in
            turn.loop?.calls[index].outcome = outcome
            if let call = turn.loop?.calls[index] { turn.showOutcome(call) }
            if turn.loop?.isCalling == false { turn.stepEnded(now) }
        }
    }

    mutating func showOutcome(_ call: ModelCall) {
        if case .success(let result)? = call.outcome, let content = try? ToolContent(result) {
            loop?.images += content.images
        }
        guard let workflow = loop?.workflow, let index = call.taskIndex else { return }
        let content = CallSummary.text(arguments: call.arguments, outcome: call.outcome)
        let task = ChatKit.Task(indicator: .complete, kind: .custom(title: call.title, icon: nil, content: content))
        transcript.put(task, at: index, in: workflow)
    }

    // MARK: The end of a step

    /// All calls that could be made have ended: the person is asked for the others, or the page is, or the model reads the results, in
    /// the order of its calls.
    private mutating func stepEnded(_ now: Moment) {
        guard let loop else { return }
        if loop.calls.contains(where: \.isToBeAsked) { return askApproval(now) }
        if let call = loop.calls.first(where: { $0.handsOverTo != nil && $0.outcome == nil }),
            let agent = call.handsOverTo
        {
            return handOver(call, to: agent, now)
        }
        if let call = loop.clientCall {
            return callClient(
                ChatKit.ClientToolCall(
                    status: .pending, callID: call.id, name: call.name,
                    arguments: call.arguments?.object ?? JSONObject()),
                approval: call.approval, now: now)
        }
        keepStep()
        guard isGoingSomewhere(loop.calls, now) else { return }
        nextStep(now)
    }

    /// Results become part of what the model is told.
    mutating func keepStep() {
        guard var loop else { return }
        loop.steps.append(
            ModelHistory.Step(calls: loop.calls, text: loop.said.text, maximumResult: loop.maximumResult))
        loop.records += loop.calls.map { $0.record(step: loop.step) }
        loop.calls = []
        loop.said = ModelAccumulator()
        self.loop = loop
    }

    /// A model that only makes mistakes, or does not stop calling, is stopped: false.
    private mutating func isGoingSomewhere(_ calls: [ModelCall], _ now: Moment) -> Bool {
        let isExcessive = toolCalls - calls.count >= configuration.maximumToolCalls
        loop?.count(isFaulty: !calls.isEmpty && calls.allSatisfy(\.isFaulty), isExcessive: isExcessive)
        guard let loop else { return false }
        if loop.faultySteps >= configuration.maximumFaultySteps {
            fail(
                code: .badToolCalls,
                message: "The model did not manage to call its tools correctly and was stopped; "
                    + "try again, or put it differently.",
                allowRetry: true, detail: "\(loop.faultySteps) faulty steps, the last is \(loop.step)", now: now)
            return false
        }
        if loop.excessiveSteps >= ModelLoop.maximumExcessiveSteps {
            fail(
                code: .callLimit,
                message: "The agent wanted to make more than \(configuration.maximumToolCalls) tool calls for one "
                    + "answer and was stopped; ask for less at once.",
                allowRetry: true, detail: "\(toolCalls) calls", now: now)
            return false
        }
        return true
    }

    // MARK: Calls that were agreed to

    /// Goes on with calls the person was asked for: those that were agreed to are made, the others refused.
    mutating func resume(_ approval: Approval, tools: [String: ToolDescriptor], _ now: Moment) {
        loop?.calls = []
        for asked in approval.calls {
            toolCalls += 1
            let tool = tools[asked.key]
            var call = ModelCall(slot: toolCalls, asked: asked, title: tool?.title ?? asked.title)
            if asked.decision != .approved {
                call.outcome = .failure(asked.refusal)
            } else if let tool {
                // It may have another name since another plugin was loaded.
                call.name = tool.exposedName
                call.isForClient = tool.runsInClient
                if tool.plugin == AgentTools.handingOver { call.handsOverTo = tool.name }
            } else {
                call.outcome = .failure("The tool \"\(asked.tool)\" is not available any more. Go on without it.")
            }
            if asked.decision == .approved && !call.isForClient { show(&call, now) }
            loop?.calls.append(call)
        }
        deferCalls(now)
        begin(now)
    }

    // MARK: The workflow

    private mutating func openWorkflow(_ now: Moment) {
        guard loop?.workflow == nil else { return }
        loop?.workflow = transcript.begin(.workflow(ChatKit.Workflow()), at: now.wall)
        loop?.workflowBegan = now.milliseconds
    }

    /// Completes what shows how the answer is found: the open reasoning, and the workflow of function calls with its duration, the
    /// calls beside it, and then the pictures they brought.
    mutating func closeWorkflow(_ now: Moment) {
        closeThought(now)
        guard let workflow = loop?.workflow else { return }
        for call in loop?.calls ?? [] where call.isUnderWay {
            guard let index = call.taskIndex else { continue }
            let task = ChatKit.Task(
                indicator: .complete, kind: .custom(title: call.title, icon: nil, content: "Interrupted"))
            transcript.put(task, at: index, in: workflow)
        }
        transcript.summarize(workflow, .lasting(max(0, now.milliseconds - (loop?.workflowBegan ?? 0))))
        if let calls = loop?.openCalls { transcript.remember(calls, with: workflow) }
        transcript.end(workflow)
        loop?.workflow = nil
        loop?.records = []
        for url in loop?.images ?? [] {
            let image = ChatKit.GeneratedImage(id: transcript.makeID("img"), url: url)
            transcript.put(.generatedImage(image), at: now.wall)
        }
        loop?.images = []
    }
}
