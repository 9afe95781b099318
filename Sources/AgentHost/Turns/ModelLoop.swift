/// State of a declarative agent's run: the model is asked, its calls are made, their results are told, until it has answered.
struct ModelLoop: Sendable {
    let agent: DeclarativeAgent
    /// Tools the agent may use.
    let offer: ToolOffer
    /// For the first step.
    let toolChoice: JSON?
    /// The conversation before this turn, with what it answers.
    let history: ModelHistory
    /// Tokens that instructions, tools, history and this turn may take together, about.
    let budget: Int
    /// Whether there is somebody to ask for consent.
    let canAsk: Bool
    /// Calls that the person has decided about, and the tools they are of, by key: the turn begins with them.
    var answered: (approval: Approval, tools: [String: ToolDescriptor])?
    /// The steps of this turn that are over.
    var steps: [ModelHistory.Step] = []
    /// Completions asked for in this turn, and those of them that another agent asked for.
    var step = 0
    var firstStep = 0
    var isAsking = false
    /// What the running completion was asked with, about.
    var askedTokens = 0
    var said = ModelAccumulator()
    var usage = ModelUsage()
    /// Blank text that waits for something to show.
    var blank = ""
    /// Calls of the current step.
    var calls: [ModelCall] = []
    var outputBytes = 0
    var argumentBytes = 0
    /// Steps, one after the other, whose calls were all written wrongly; or all beyond the limit.
    var faultySteps = 0
    var excessiveSteps = 0
    var message: Transcript.Handle?
    var thought: Thought?
    /// Items that only show how the answer is found.
    var thoughts = 0
    var workflow: Transcript.Handle?
    var workflowBegan: Int64 = 0
    /// Calls of earlier steps that belong to the open workflow.
    var records: [JSON] = []
    /// Pictures of results that are shown when the workflow is complete.
    var images: [String] = []

    /// - Parameter toolChoice: name of a tool the person asked for; ignored when it is not the agent's.
    init(
        agent: DeclarativeAgent, offer: ToolOffer, history: ModelHistory = ModelHistory(instructions: ""),
        budget: Int = .max, canAsk: Bool = false, toolChoice: String? = nil
    ) {
        self.agent = agent
        self.offer = offer
        self.history = history
        self.budget = budget
        self.canAsk = canAsk
        self.toolChoice = offer.choice(toolChoice)
    }

    /// Steps in which a model may go on calling after it was told that it must not.
    static let maximumExcessiveSteps = 2

    /// A step is over.
    ///
    /// - Parameters:
    ///   - isFaulty: all its calls were written wrongly.
    ///   - isExcessive: all its calls were beyond the limit.
    mutating func count(isFaulty: Bool, isExcessive: Bool) {
        faultySteps = isFaulty ? faultySteps + 1 : 0
        excessiveSteps = isExcessive ? excessiveSteps + 1 : 0
    }

    /// Whether calls are under way.
    var isCalling: Bool { calls.contains(where: \.isUnderWay) }
    /// The call of the current step that the page of the client makes.
    var clientCall: ModelCall? { calls.first(where: \.isForClient) }

    /// `{calls: […]}` of the open workflow; nil when there are none.
    var openCalls: JSON? {
        guard workflow != nil else { return nil }
        let all = records + calls.filter { !$0.isForClient && !$0.isToBeAsked }.map { $0.record(step: step) }
        return all.isEmpty ? nil : ["calls": .array(all)]
    }

    /// Bytes of one result that the model is told, at most a quarter of its budget.
    var maximumResult: Int { min(max(budget / 4, 1_000), 1 << 20) * 3 }
}
