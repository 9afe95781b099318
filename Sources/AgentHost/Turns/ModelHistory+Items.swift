// Items of a thread as groups of messages.

extension ModelHistory {
    /// The conversation before and with `input`.
    ///
    /// - Parameters:
    ///   - items: newest items of the thread, oldest first, hidden ones too.
    ///   - input: id of the user message to be answered; it comes last. Other user messages after it wait for turns of their own
    ///     and are left out. Nil when something else is gone on from, such as the result of a client tool.
    ///   - waiting: ids of user messages that wait for turns of their own.
    ///   - resumed: id of the item whose approval is gone on from: its calls are told with this turn.
    ///   - limit: user and assistant messages at most, `input` counted.
    init(
        of items: [StoredItem], answering input: String?, waiting: Set<String> = [], resuming resumed: String? = nil,
        instructions: String, limit: Int
    ) {
        var groups: [Group] = []
        var asked: Group?
        let kept = items.filter { !waiting.contains($0.id) && $0.id != resumed }
        let reader = ItemReader(kept)
        for item in kept {
            guard let group = reader.group(item) else { continue }
            if item.id == input {
                asked = group
            } else if asked == nil || item.type != "user_message" {
                groups.append(group)
            }
        }
        if let asked { groups.append(asked) }
        self.init(instructions: instructions, groups: groups, limit: limit)
    }
}

/// Reads what is kept of a thread.
private struct ItemReader {
    /// Keys of approvals whose calls are recorded beside another item.
    private let recorded: Set<String>

    init(_ items: [StoredItem]) {
        recorded = Set(
            items.flatMap { ItemReader.calls(of: $0) }.compactMap { $0["approval"]?.string })
    }

    func group(_ item: StoredItem) -> ModelHistory.Group? {
        guard let json = try? JSON.parse(item.json) else { return nil }
        switch item.type {
        case "user_message": return .init(messages: [message("user", userText(json))], counts: true, isUser: true)
        case "assistant_message":
            return .init(messages: [message("assistant", texts(json["content"], separator: "\n"))], counts: true)
        case "widget":
            return json["copy_text"]?.string.map { .init(messages: [message("assistant", $0)], counts: true) }
        case "client_tool_call": return clientToolCall(json)
        case "structured_input":
            if let approval = Approval(hostJSON: item.hostJSON) { return asked(approval) }
            return answers(json).map { .init(messages: [message("user", $0)], counts: true, isUser: true) }
        case "hidden_context_item":
            return json["content"].map { .init(messages: [message("system", $0.string ?? $0.text)]) }
        case "sdk_hidden_context":
            return .init(messages: calls(item) + [message("system", json["content"]?.string ?? "")])
        default:
            let messages = calls(item)
            return messages.isEmpty ? nil : .init(messages: messages)
        }
    }

    private func message(_ role: String, _ content: String) -> JSON {
        ["role": .string(role), "content": .string(content)]
    }

    private func texts(_ parts: JSON?, separator: String) -> String {
        (parts?.array ?? []).compactMap { $0["text"]?.string }.joined(separator: separator)
    }

    // MARK: People

    /// Questions with what the person answered; nil as long as there is no answer.
    private func answers(_ json: JSON) -> String? {
        let lines = (json["inputs"]?.array ?? []).compactMap { input -> String? in
            guard let question = input["question"]?.string, let answer = input["answer"] else { return nil }
            let values = (answer["values"]?.array ?? []).compactMap(\.string).joined(separator: ", ")
            return "\(question) \(values.isEmpty ? "(skipped)" : values)"
        }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    /// The text with the quotation before it, and behind it what the composer attached: tags with their data, and files.
    private func userText(_ json: JSON) -> String {
        var text = texts(json["content"], separator: "")
        for tag in json["content"]?.array ?? [] where tag["type"] == "input_tag" {
            text += "\n[mentioned: \(described(tag))]"
        }
        for attachment in json["attachments"]?.array ?? [] {
            text += "\n[attachment: \(attachment["name"]?.string ?? "file")]"
        }
        guard let quote = json["quoted_text"]?.string, !quote.isEmpty else { return text }
        return quote.split(separator: "\n", omittingEmptySubsequences: false).map { "> \($0)\n" }.joined() + "\n" + text
    }

    /// Bytes of a tag's data that a model is told.
    private static let maximumTagData = 4_096

    private func described(_ tag: JSON) -> String {
        var shown = JSONObject()
        for key in ["id", "text", "group"] { shown[key] = tag[key] }
        if let data = tag["data"]?.object, !data.members.isEmpty { shown["data"] = tag["data"] }
        return ModelHistory.cut(JSON.object(shown).text, to: ItemReader.maximumTagData)
    }

    // MARK: Calls

    /// Calls the person was asked for and that no other item tells of: those that wait stay until they are answered; what was agreed to
    /// and is recorded nowhere broke off.
    private func asked(_ approval: Approval) -> ModelHistory.Group? {
        let calls = approval.calls.filter { !recorded.contains($0.key) }
        guard !calls.isEmpty else { return nil }
        let messages = calls.map { ModelHistory.function(id: $0.id, name: $0.name, arguments: $0.arguments.text) }
        return .init(
            messages: [["role": "assistant", "content": nil, "tool_calls": .array(messages)]]
                + calls.map { call in
                    let text =
                        switch call.decision {
                        case .pending: "This call has not run: the person has not yet answered whether it may."
                        case .approved: ItemReader.interrupted
                        case .denied, .expired: "Error: " + call.refusal
                        }
                    return ModelHistory.result(id: call.id, text: text)
                },
            isPinned: calls.contains { $0.decision == .pending })
    }

    private func clientToolCall(_ json: JSON) -> ModelHistory.Group? {
        guard json["status"] == "completed", let id = json["call_id"]?.string, let name = json["name"]?.string else {
            return nil
        }
        let call = ModelHistory.function(id: id, name: name, arguments: json["arguments"]?.text ?? "{}")
        let output = json["output"].map { ToolText.withoutTags($0.string ?? $0.text) } ?? "null"
        return .init(messages: [
            ["role": "assistant", "content": nil, "tool_calls": [call]],
            ModelHistory.result(id: id, text: ModelHistory.cut(output, to: ItemReader.maximumResult)),
        ])
    }

    private static func calls(of item: StoredItem) -> [JSON] {
        guard let bytes = item.hostJSON else { return [] }
        return (try? JSON.parse(bytes))?["calls"]?.array ?? []
    }

    /// The calls beside an item, one assistant message a step.
    private func calls(_ item: StoredItem) -> [JSON] {
        var messages: [JSON] = []
        var rest = ItemReader.calls(of: item)[...]
        while let step = rest.first?["step"] ?? rest.first.map({ _ in JSON.null }) {
            let together = rest.prefix { ($0["step"] ?? .null) == step }
            rest = rest.dropFirst(together.count)
            messages.append([
                "role": "assistant", "content": nil, "tool_calls": .array(together.map { recordedCall($0) }),
            ])
            for call in together {
                messages.append(ModelHistory.result(id: call["id"]?.string ?? "", text: recordedResult(call)))
            }
        }
        return messages
    }

    private func recordedCall(_ call: JSON) -> JSON {
        let arguments = call["arguments"] ?? [:]
        return ModelHistory.function(
            id: call["id"]?.string ?? "", name: call["name"]?.string ?? "",
            arguments: arguments.string ?? arguments.text)
    }

    /// Bytes of a result of an earlier turn that a model is told.
    private static let maximumResult = 64 << 10

    private func recordedResult(_ call: JSON) -> String {
        if let error = call["error"]?.string { return error }
        guard let result = call["result"] else { return ItemReader.interrupted }
        return ModelHistory.cut(ToolOutcome.text(of: result), to: ItemReader.maximumResult)
    }

    private static let interrupted = "Error: The call was interrupted; whether it had an effect is not known."
}
