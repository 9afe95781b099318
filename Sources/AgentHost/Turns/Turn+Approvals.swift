// Calls that need the person's consent: the turn ends with questions, and a turn of its own goes on with the answers.

extension Turn {
    /// Asks the person for the calls of the step that need it. The others have run by then.
    mutating func askApproval(_ now: Moment) {
        guard let loop else { return }
        let calls = loop.calls.filter(\.isToBeAsked).map { call in
            let tool = loop.offer.tools[call.name]
            return Approval.Call(
                key: transcript.makeID("appr"), id: call.id, name: call.name,
                tool: tool.map { "\($0.plugin)/\($0.name)" } ?? call.name, title: call.title,
                arguments: call.arguments ?? [:])
        }
        let approval = Approval(agent: agent, calls: calls)
        closeWorkflow(now)
        transcript.endAll()
        let input = ChatKit.StructuredInput(status: .pending, inputs: approval.questions)
        transcript.put(.structuredInput(input), at: now.wall, hostJSON: approval.json)
        actions.append(.asked(approval))
        actions.append(.cancelWork(.cancelled))
        complete()
    }
}
