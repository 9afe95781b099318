/// A function call of a step.
struct ModelCall: Sendable {
    /// Unique in the turn.
    var slot: Int
    var id: String
    /// As it is told back to the model: fit for model APIs.
    var name: String
    /// For people.
    var title: String
    /// Nil when what the model wrote is no JSON object.
    var arguments: JSON?
    /// JSON of an object, as it is told back to the model.
    var argumentText: String
    /// The call's task in the open workflow.
    var taskIndex: Int?
    /// Whether the page of the client makes the call, after this turn.
    var isForClient = false
    /// Whether the person is to be asked first, after this turn.
    var isToBeAsked = false
    /// The agent that is to go on when all other calls of the step have ended.
    var handsOverTo: String?
    /// The key under which the person was asked.
    var approval: String?
    /// Whether it was refused before it reached a tool because the model wrote it wrongly.
    var isFaulty = false
    var outcome: ToolOutcome?

    /// Characters of arguments that are not JSON that the model is told back.
    private static let maximumInvalid = 1_000

    init(slot: Int, id: String, written: ModelAccumulator.Call, title: String?) {
        self.slot = slot
        self.id = id
        name = ToolText.name(written.name)
        self.title = title ?? name
        let text = written.arguments.allSatisfy(\.isWhitespace) ? "{}" : written.arguments
        let parsed = try? JSON.parse(text)
        if let parsed, parsed.object != nil {
            arguments = parsed
            argumentText = text
        } else {
            // Servers refuse a whole conversation that holds arguments they cannot read: the model sees its mistake as a string.
            argumentText = ModelCall.invalid(text).text
        }
    }

    /// A call that was asked for before.
    init(slot: Int, asked: Approval.Call, title: String?) {
        self.slot = slot
        id = asked.id
        name = asked.name
        self.title = title ?? asked.name
        arguments = asked.arguments
        argumentText = asked.arguments.text
        approval = asked.key
    }

    private static func invalid(_ text: String) -> JSON {
        ["invalid_json": .string(String(text.prefix(maximumInvalid)))]
    }

    /// Forgets the arguments: they are too large to be kept or told back.
    mutating func dropArguments() {
        argumentText = ModelCall.invalid(argumentText).text
        arguments = nil
    }

    /// Whether the tool is at work.
    var isUnderWay: Bool { outcome == nil && !isForClient && !isToBeAsked && handsOverTo == nil }

    /// The call as it is kept with the workflow item.
    func record(step: Int) -> JSON {
        var object = JSONObject(members: [
            ("id", .string(id)), ("name", .string(name)),
            ("arguments", arguments ?? ((try? JSON.parse(argumentText)) ?? [:])), ("step", .int(Int64(step))),
        ])
        if let approval { object["approval"] = .string(approval) }
        switch outcome {
        case .success(let result):
            object["status"] = "completed"
            object["result"] = (try? ToolContent(result))?.record ?? result
        case let outcome?:
            object["status"] = "failed"
            object["error"] = .string(outcome.modelText)
        case nil: object["status"] = "interrupted"
        }
        return .object(object)
    }

    /// The call in the shape of Chat Completions.
    var message: JSON { ModelHistory.function(id: id, name: name, arguments: argumentText) }
}
