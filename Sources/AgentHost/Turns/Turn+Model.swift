// What a model says: text becomes a message, thoughts a reasoning workflow, calls are collected until the completion ends.

extension Turn {
    /// Asks the model for the next step.
    mutating func nextStep(_ now: Moment) {
        guard var loop else { return }
        let limit = min(max(loop.agent.maxSteps, 1) + loop.firstStep, configuration.maximumSteps)
        guard loop.step < limit else {
            return fail(
                code: .stepLimit,
                message:
                    "The agent did not come to an answer within \(limit) steps and was stopped; ask for less at once.",
                allowRetry: true, detail: "\(limit) steps", now: now)
        }
        guard loop.usage.tokens < configuration.maximumTokens else {
            return fail(
                code: .tokenLimit,
                message: "The answer took more than \(configuration.maximumTokens) tokens and was stopped; "
                    + "ask for less at once.",
                allowRetry: true, detail: "\(loop.usage.tokens) tokens", now: now)
        }
        loop.step += 1
        loop.isAsking = true
        loop.said = ModelAccumulator()
        loop.blank = ""
        let fitting = loop.history.messages(with: loop.steps, budget: loop.budget - loop.offer.tokens)
        loop.askedTokens = fitting.tokens + loop.offer.tokens
        self.loop = loop
        actions.append(
            .askModel(
                step: loop.step, messages: fitting.messages, tools: loop.offer.list,
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
            switch delta {
            case .text(let text): turn.modelText(text, now)
            case .reasoning(let text): turn.modelThought(text, now)
            case .toolCall: turn.closeThought(now)
            }
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

    /// Thoughts close what is open: items stay in the order in which things were said.
    private mutating func modelThought(_ text: String, _ now: Moment) {
        if loop?.thought == nil {
            guard !text.allSatisfy(\.isWhitespace) else { return }
            closeMessage()
            closeWorkflow(now)
            let workflow = transcript.begin(.workflow(ChatKit.Workflow(kind: .reasoning)), at: now.wall)
            loop?.thought = Thought(workflow: workflow, began: now.milliseconds)
            loop?.thoughts += 1
        }
        loop?.thought?.add(text)
        guard loop?.thought?.takesStep(now.milliseconds) == true, let thought = loop?.thought else { return }
        transcript.put(thought.task(.loading), at: 0, in: thought.workflow)
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
                let prompt = turn.loop?.askedTokens ?? 0
                turn.loop?.usage.add(end, prompt: prompt, bytes: bytes)
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
        if transcript.shownItems == (loop?.thoughts ?? 0) {
            let text =
                end.finishReason == "content_filter"
                ? "The model's content filter withheld the answer; try to put it differently."
                : "I have no answer to that; try to put it differently."
            let message = transcript.begin(.message, at: now.wall)
            transcript.text(ChatKit.TextDeltas(text), to: message)
        } else if end.finishReason == "content_filter" {
            warn("The model's content filter cut the answer short.")
        }
        if end.finishReason == "length" {
            warn("The answer reached the model's length limit and may be incomplete.")
        }
        complete()
    }

    private mutating func warn(_ message: String) {
        transcript.append(.notice(level: .warning, message: message, title: nil))
    }

    mutating func closeMessage() {
        guard let message = loop?.message else { return }
        transcript.end(message)
        loop?.message = nil
    }

    /// Completes the open reasoning: with its duration.
    mutating func closeThought(_ now: Moment) {
        guard let thought = loop?.thought else { return }
        loop?.thought = nil
        transcript.put(thought.task(.complete), at: 0, in: thought.workflow)
        transcript.summarize(thought.workflow, .lasting(max(0, now.milliseconds - thought.began)))
        transcript.end(thought.workflow)
    }
}

extension ChatKit.Workflow.Summary {
    /// - Parameter milliseconds: rounded to seconds.
    static func lasting(_ milliseconds: Int64) -> Self { .duration((milliseconds + 500) / 1_000) }
}
