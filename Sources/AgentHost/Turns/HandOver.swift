/// What a conversation that is handed over goes on with.
enum HandOver: Sendable {
    /// The loop of another declarative agent, and what it works with.
    case declarative(ModelLoop, TurnRun.Work)
    case coded(any AgentProvider, AgentTurnRequest)
    /// Completes "The conversation could not be handed over: …".
    case impossible(String)

    /// In one turn: two agents that hand over to each other must come to an end.
    static let maximum = 3
}

extension Turn {
    /// All other calls of the step have ended: the thread gets another agent.
    mutating func handOver(_ call: ModelCall, to agent: String, _ now: Moment) {
        guard let index = loop?.calls.firstIndex(where: { $0.slot == call.slot }) else { return }
        handOvers += 1
        loop?.calls[index].outcome = .success(.string("The conversation was handed over to \(agent)."))
        if let call = loop?.calls[index] { showOutcome(call) }
        keepStep()
        self.agent = agent
        transcript.also(.bindThread(id: thread.id, owner: transcript.owner, agent: agent))
        actions.append(.handOver(to: agent))
    }

    /// The other agent goes on: it knows the conversation, and what was done in this turn.
    mutating func handedOver(_ next: ModelLoop, title: String, now: Moment) {
        input(now) { turn in
            guard let before = turn.loop else { return }
            turn.announce(title)
            turn.loop = next
            turn.loop?.goOn(from: before)
            turn.nextStep(now)
        }
    }

    /// The other agent is coded: it answers by itself.
    mutating func handedOver(title: String, now: Moment) {
        input(now) { turn in
            turn.closeWorkflow(now)
            turn.announce(title)
            turn.usage = turn.loop?.usage ?? turn.usage
            turn.loop = nil
        }
    }

    mutating func handOverFailed(_ why: String, now: Moment) {
        input(now) { turn in
            turn.fail(
                code: .agentUnavailable, message: "The conversation could not be handed over: \(why)", allowRetry: true,
                detail: why, now: now)
        }
    }

    private mutating func announce(_ title: String) {
        transcript.append(.notice(level: .info, message: "\(title) goes on from here.", title: nil), stored: true)
    }
}

extension ModelLoop {
    /// Takes over what the loop before has done and spent in this turn.
    fileprivate mutating func goOn(from before: ModelLoop) {
        steps = before.steps
        step = before.step
        firstStep = before.step
        usage = before.usage
        outputBytes = before.outputBytes
        argumentBytes = before.argumentBytes
        thoughts = before.thoughts
        workflow = before.workflow
        workflowBegan = before.workflowBegan
        records = before.records
        images = before.images
    }
}
