// Questions to the person and their answers (`chatkit-protocol.md` 6 and 7, "Structured input").

extension ChatKit.StructuredInput {
    /// The questions of an agent, not answered yet: only the protocol's members, with their defaults.
    init(questions: [JSON], at path: String) throws(ChatKit.DecodingError) {
        guard !questions.isEmpty else {
            throw ChatKit.DecodingError(path: path, problem: "must hold at least one question")
        }
        var ids: Set<String> = []
        var inputs: [JSON] = []
        for (index, question) in questions.enumerated() {
            let reader = try MemberReader(question, at: "\(path)[\(index)]")
            guard ids.insert(try reader.string("id")).inserted else {
                throw reader.error("id", "is used twice")
            }
            inputs.append(try ChatKit.StructuredInput.question(reader))
        }
        self.init(status: .pending, inputs: inputs)
    }

    private static func question(_ reader: MemberReader) throws(ChatKit.DecodingError) -> JSON {
        var object = JSONObject(members: [
            ("id", .string(try reader.string("id"))), ("question", .string(try reader.string("question"))),
        ])
        let usual = try reader.optional("options") == nil ? "freeform" : "multiple_choice"
        switch try reader.optionalString("type") ?? usual {
        case "multiple_choice":
            object["type"] = "multiple_choice"
            let options = try reader.list("options") { json, path throws(ChatKit.DecodingError) in
                JSON.object(JSONObject(members: [("value", .string(try MemberReader(json, at: path).string("value")))]))
            }
            object["options"] = .array(options)
            object["multiple"] = .bool(try reader.optionalBool("multiple") ?? false)
        case "freeform":
            object["type"] = "freeform"
            object["description"] = try reader.optionalString("description").map { .string($0) }
        default: throw reader.error("type", "must be multiple_choice or freeform")
        }
        return .object(object)
    }

    /// The item as it is once the person has answered: answers to unknown questions are ignored; none, an empty one or
    /// skipping all counts as skipped; of a single choice the first value counts. Values need not be among the options.
    func answered(_ submission: ChatKit.StructuredInputSubmission) -> ChatKit.StructuredInput {
        var result = self
        result.status = submission.status == .skipped ? .skipped : .answered
        result.inputs = inputs.map { input in
            guard var object = input.object else { return input }
            let given = object["id"]?.string.flatMap { submission.answers[$0] }
            var values = submission.status == .skipped || given?.skipped == true ? [] : given?.values ?? []
            if object["type"] == "multiple_choice", object["multiple"] != true { values = Array(values.prefix(1)) }
            object["answer"] = [
                "values": .array(values.map { .string($0) }), "skipped": .bool(values.isEmpty),
            ]
            return .object(object)
        }
        return result
    }
}
