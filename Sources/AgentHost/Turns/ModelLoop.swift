/// State of a declarative agent's run: the model is asked, its calls are made, their results are told, until it has answered.
struct ModelLoop: Sendable {
    /// A function call of the current step.
    struct Call: Sendable {
        /// Unique in the turn.
        var slot: Int
        var id: String
        var name: String
        /// For people.
        var title: String
        /// As the model wrote them.
        var argumentText: String
        /// Nil when the text is no JSON object.
        var arguments: JSON?
        /// The call's task in the open workflow.
        var taskIndex: Int?
        /// Whether the page of the client makes the call, after this turn.
        var isForClient = false
        var outcome: ToolOutcome?

        /// The call as it is kept with the workflow item.
        func record(step: Int) -> JSON {
            var object = JSONObject(members: [
                ("id", .string(id)), ("name", .string(name)), ("arguments", arguments ?? .string(argumentText)),
                ("step", .int(Int64(step))),
            ])
            switch outcome {
            case .success(let result):
                object["status"] = "completed"
                object["result"] = result
            case let outcome?:
                object["status"] = "failed"
                object["error"] = .string(outcome.modelText)
            case nil: object["status"] = "interrupted"
            }
            return .object(object)
        }
    }

    let agent: DeclarativeAgent
    /// Tools the agent may use, by the name the model knows.
    let tools: [String: ToolDescriptor]
    /// The same, as the model is told.
    let toolList: [JSON]
    /// For the first step.
    let toolChoice: JSON?
    /// The conversation so far, in the shape of Chat Completions.
    var messages: [JSON]
    /// Completions asked for.
    var step = 0
    var isAsking = false
    var said = ModelAccumulator()
    /// Blank text that waits for something to show.
    var blank = ""
    /// Calls of the current step.
    var calls: [Call] = []
    var outputBytes = 0
    var argumentBytes = 0
    var message: Transcript.Handle?
    var workflow: Transcript.Handle?
    var workflowBegan: Int64 = 0
    /// Calls of earlier steps that belong to the open workflow.
    var records: [JSON] = []

    /// - Parameter toolChoice: name of a tool the person asked for; ignored when it is not the agent's.
    init(agent: DeclarativeAgent, tools: [ToolDescriptor], messages: [JSON], toolChoice: String? = nil) {
        self.agent = agent
        self.tools = Dictionary(tools.map { ($0.exposedName, $0) }, uniquingKeysWith: { first, _ in first })
        self.messages = messages
        toolList = tools.map { tool in
            [
                "type": "function",
                "function": [
                    "name": .string(tool.exposedName), "description": .string(tool.description),
                    "parameters": tool.inputSchema,
                ],
            ]
        }
        if let toolChoice, self.tools[toolChoice] != nil {
            self.toolChoice = ["type": "function", "function": ["name": .string(toolChoice)]]
        } else {
            self.toolChoice = nil
        }
    }

    /// Whether calls are under way.
    var isCalling: Bool { calls.contains { $0.outcome == nil && !$0.isForClient } }
    /// The call of the current step that the page of the client makes.
    var clientCall: Call? { calls.first(where: \.isForClient) }

    /// `{calls: […]}` of the open workflow; nil when there are none.
    var openCalls: JSON? {
        guard workflow != nil else { return nil }
        let all = records + calls.filter { !$0.isForClient }.map { $0.record(step: step) }
        return all.isEmpty ? nil : ["calls": .array(all)]
    }
}

extension Turn {
    // MARK: The model

    /// Asks the model for the next step.
    mutating func nextStep(_ now: Moment) {
        guard var loop else { return }
        let limit = min(max(loop.agent.maxSteps, 1), configuration.maximumSteps)
        guard loop.step < limit else {
            return fail(
                code: .stepLimit,
                message:
                    "The agent did not come to an answer within \(limit) steps and was stopped; ask for less at once.",
                allowRetry: true, detail: "\(limit) steps", now: now)
        }
        loop.step += 1
        loop.isAsking = true
        loop.said = ModelAccumulator()
        loop.blank = ""
        self.loop = loop
        actions.append(
            .askModel(
                step: loop.step, messages: loop.messages, tools: loop.toolList,
                toolChoice: loop.step == 1 ? loop.toolChoice : nil))
    }

    /// A piece of the model's answer.
    mutating func modelSaid(_ delta: ModelDelta, step: Int, now: Moment) {
        guard isRunning, loop?.step == step, loop?.isAsking == true else { return }
        input(now) { turn in
            do throws(ModelAccumulator.Excess) {
                let limit = turn.configuration.maximumOutputBytes - (turn.loop?.outputBytes ?? 0)
                try turn.loop?.said.add(delta, limit: limit)
            } catch {
                return turn.failOutput(error, now)
            }
            if case .text(let text) = delta { turn.modelText(text, now) }
        }
    }

    private mutating func failOutput(_ excess: ModelAccumulator.Excess, _ now: Moment) {
        fail(
            code: .outputLimit,
            message: "The model wrote more than one turn may hold and was stopped; ask for less at once.",
            allowRetry: true, detail: "\(excess)", now: now)
    }

    /// Text goes to the open message. Blank text alone opens none.
    private mutating func modelText(_ text: String, _ now: Moment) {
        if let message = loop?.message {
            transcript.text(ChatKit.TextDeltas(text), to: message)
        } else if text.allSatisfy(\.isWhitespace) {
            loop?.blank += text
        } else {
            closeWorkflow(now)
            let message = transcript.begin(.message, at: now.wall)
            transcript.text(ChatKit.TextDeltas((loop?.blank ?? "") + text), to: message)
            loop?.message = message
            loop?.blank = ""
        }
        planCheckpoint(now)
    }

    /// The completion is over.
    mutating func modelEnded(_ result: Result<ModelEnd, ProviderFailure>, step: Int, now: Moment) {
        guard isRunning, loop?.step == step, loop?.isAsking == true else { return }
        input(now) { turn in
            turn.loop?.isAsking = false
            let bytes = turn.loop?.said.bytes ?? 0
            turn.loop?.outputBytes += bytes
            switch result {
            case .failure(let failure): turn.fail(failure, of: .model, now: now)
            case .success(let end):
                if turn.loop?.said.calls.isEmpty != false {
                    turn.answered(end, now)
                } else {
                    turn.makeCalls(now)
                }
            }
        }
    }

    private mutating func answered(_ end: ModelEnd, _ now: Moment) {
        closeMessage()
        closeWorkflow(now)
        if transcript.shownItems == 0 {
            let text =
                end.finishReason == "content_filter"
                ? "The model's content filter withheld the answer; try to put it differently."
                : "I have no answer to that; try to put it differently."
            let message = transcript.begin(.message, at: now.wall)
            transcript.text(ChatKit.TextDeltas(text), to: message)
        }
        if end.finishReason == "length" {
            transcript.append(
                .notice(
                    level: .warning, message: "The answer reached the model's length limit and may be incomplete.",
                    title: nil))
        }
        complete()
    }

    private mutating func closeMessage() {
        guard let message = loop?.message else { return }
        transcript.end(message)
        loop?.message = nil
    }

    // MARK: Calls

    /// Shows the step's calls as tasks of a workflow and makes them, all at once.
    private mutating func makeCalls(_ now: Moment) {
        guard let said = loop?.said.calls else { return }
        closeMessage()
        loop?.calls = []
        for written in said {
            let call = makeCall(written, now)
            loop?.calls.append(call)
            if call.outcome == nil, !call.isForClient, let arguments = call.arguments {
                actions.append(.callTool(slot: call.slot, name: call.name, arguments: arguments))
            }
        }
        // Refusals are shown at once; when nothing else is under way, the model is told.
        for call in loop?.calls ?? [] where call.outcome != nil { showOutcome(call) }
        if loop?.isCalling == false { tellResults(now) }
    }

    private mutating func makeCall(_ written: ModelAccumulator.Call, _ now: Moment) -> ModelLoop.Call {
        toolCalls += 1
        let tool = loop?.tools[written.name]
        var call = ModelLoop.Call(
            slot: toolCalls, id: callID(written), name: written.name, title: tool?.title ?? written.name,
            argumentText: written.arguments)
        let parsed = try? JSON.parse(written.arguments.isEmpty ? "{}" : written.arguments)
        if parsed?.object != nil { call.arguments = parsed }
        loop?.argumentBytes += written.arguments.utf8.count
        call.outcome = refusal(call, tool).map { .failure($0) }
        if tool?.runsInClient == true, call.outcome == nil {
            call.isForClient = true
            return call
        }
        openWorkflow(now)
        let summary = call.arguments.map { CallSummary.arguments($0) } ?? nil
        let task = ChatKit.Task(indicator: .loading, kind: .custom(title: call.title, icon: nil, content: summary))
        if let workflow = loop?.workflow { call.taskIndex = transcript.put(task, in: workflow) }
        return call
    }

    /// The model's own id, if it gave one that is not taken.
    private func callID(_ written: ModelAccumulator.Call) -> String {
        let taken = (loop?.calls ?? []).map(\.id)
        if let id = written.id, id.utf8.count <= 128, !taken.contains(id) { return id }
        return "call_\(toolCalls)"
    }

    /// Why a call is not made, for the model; nil when it is.
    private func refusal(_ call: ModelLoop.Call, _ tool: ToolDescriptor?) -> String? {
        if toolCalls > configuration.maximumToolCalls {
            return
                "No more than \(configuration.maximumToolCalls) tool calls are allowed in one turn. Answer with what you have."
        }
        guard let tool else {
            let names = (loop?.tools.keys.sorted() ?? []).joined(separator: ", ")
            return "There is no tool named \"\(call.name.prefix(64))\". "
                + (names.isEmpty ? "You have no tools." : "Your tools are: \(names).")
        }
        if (loop?.argumentBytes ?? 0) > configuration.maximumArgumentBytes {
            return "The arguments of this turn's calls are too large together. Write less."
        }
        guard let arguments = call.arguments else {
            return "The arguments are not a valid JSON object. Correct them and call the tool again."
        }
        // The others are checked by the dispatcher.
        guard tool.runsInClient else { return nil }
        if loop?.clientCall != nil {
            return "Only one tool that runs in the browser can be called at a time. "
                + "Call \"\(call.name)\" again when the other one has answered."
        }
        return ToolDispatcher.problems(of: arguments, for: tool)
    }

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
            if turn.loop?.isCalling == false { turn.tellResults(now) }
        }
    }

    private mutating func showOutcome(_ call: ModelLoop.Call) {
        guard let workflow = loop?.workflow, let index = call.taskIndex else { return }
        let content = CallSummary.text(arguments: call.arguments, outcome: call.outcome)
        let task = ChatKit.Task(indicator: .complete, kind: .custom(title: call.title, icon: nil, content: content))
        transcript.put(task, at: index, in: workflow)
    }

    /// All calls of the step have ended: the model reads the results, in the order of its calls.
    private mutating func tellResults(_ now: Moment) {
        guard var loop else { return }
        if let call = loop.clientCall {
            return callClient(
                ChatKit.ClientToolCall(
                    status: .pending, callID: call.id, name: call.name,
                    arguments: call.arguments?.object ?? JSONObject()),
                now: now)
        }
        loop.messages.append(ModelHistory.message(calls: loop.calls, text: loop.said.text))
        for call in loop.calls {
            loop.messages.append(ModelHistory.result(id: call.id, text: call.outcome?.modelText ?? ""))
            loop.records.append(call.record(step: loop.step))
        }
        loop.calls = []
        self.loop = loop
        nextStep(now)
    }

    // MARK: The workflow

    private mutating func openWorkflow(_ now: Moment) {
        guard loop?.workflow == nil else { return }
        loop?.workflow = transcript.begin(.workflow(ChatKit.Workflow()), at: now.wall)
        loop?.workflowBegan = now.milliseconds
    }

    /// Completes the open workflow of function calls: with its duration, and the calls beside it.
    mutating func closeWorkflow(_ now: Moment) {
        guard let workflow = loop?.workflow else { return }
        for call in loop?.calls ?? [] where call.outcome == nil && !call.isForClient {
            guard let index = call.taskIndex else { continue }
            let task = ChatKit.Task(
                indicator: .complete, kind: .custom(title: call.title, icon: nil, content: "Interrupted"))
            transcript.put(task, at: index, in: workflow)
        }
        let milliseconds = max(0, now.milliseconds - (loop?.workflowBegan ?? 0))
        transcript.summarize(workflow, .duration((milliseconds + 500) / 1_000))
        if let calls = loop?.openCalls { transcript.remember(calls, with: workflow) }
        transcript.end(workflow)
        loop?.workflow = nil
        loop?.records = []
    }
}
