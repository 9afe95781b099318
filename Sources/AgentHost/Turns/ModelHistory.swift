/// Items of a thread as messages for a model, in the shape of Chat Completions.
///
/// Calls and their results are never separated: both come from one record beside the workflow item. Pending client tool calls are
/// left out.
enum ModelHistory {
    /// The conversation before and with `input`.
    ///
    /// - Parameters:
    ///   - items: newest items of the thread, oldest first, hidden ones too.
    ///   - input: id of the user message to be answered; it comes last. Other user messages after it wait for turns of their own
    ///     and are left out. Nil when something else is gone on from, such as the result of a client tool.
    ///   - waiting: ids of user messages that wait for turns of their own.
    ///   - limit: user and assistant messages at most, `input` counted.
    static func messages(
        of items: [StoredItem], answering input: String?, waiting: Set<String> = [], instructions: String, limit: Int
    ) -> [JSON] {
        var groups: [Group] = []
        var asked: Group?
        for item in items where !waiting.contains(item.id) {
            guard let json = try? JSON.parse(item.json), let group = group(item, json) else { continue }
            if item.id == input {
                asked = group
            } else if asked == nil || item.type != "user_message" {
                groups.append(group)
            }
        }
        if let asked { groups.append(asked) }
        return [["role": "system", "content": .string(instructions)]] + newest(groups, limit).flatMap(\.messages)
    }

    /// Messages that stay together.
    private struct Group {
        var messages: [JSON]
        /// Whether it is a user or assistant message; calls and notes are not counted.
        var counts = false
        var isUser = false
    }

    private static func newest(_ groups: [Group], _ limit: Int) -> ArraySlice<Group> {
        var start = groups.count
        var count = 0
        while start > 0 {
            if groups[start - 1].counts { count += 1 }
            if count > limit { break }
            start -= 1
        }
        // A conversation that was cut starts with the person again, if it can.
        if start > 0, let user = groups[start...].firstIndex(where: \.isUser) { start = user }
        return groups[start...]
    }

    private static func group(_ item: StoredItem, _ json: JSON) -> Group? {
        switch item.type {
        case "user_message": Group(messages: [message("user", userText(json))], counts: true, isUser: true)
        case "assistant_message":
            Group(messages: [message("assistant", texts(json["content"], separator: "\n"))], counts: true)
        case "widget": json["copy_text"]?.string.map { Group(messages: [message("assistant", $0)], counts: true) }
        case "client_tool_call": clientToolCall(json)
        case "structured_input":
            answers(json).map { Group(messages: [message("user", $0)], counts: true, isUser: true) }
        case "hidden_context_item": json["content"].map { Group(messages: [message("system", $0.string ?? $0.text)]) }
        case "sdk_hidden_context": Group(messages: calls(item) + [message("system", json["content"]?.string ?? "")])
        default: item.hostJSON == nil ? nil : Group(messages: calls(item))
        }
    }

    private static func message(_ role: String, _ content: String) -> JSON {
        ["role": .string(role), "content": .string(content)]
    }

    private static func texts(_ parts: JSON?, separator: String) -> String {
        (parts?.array ?? []).compactMap { $0["text"]?.string }.joined(separator: separator)
    }

    /// Questions with what the person answered; nil as long as there is no answer.
    private static func answers(_ json: JSON) -> String? {
        let lines = (json["inputs"]?.array ?? []).compactMap { input -> String? in
            guard let question = input["question"]?.string, let answer = input["answer"] else { return nil }
            let values = (answer["values"]?.array ?? []).compactMap(\.string).joined(separator: ", ")
            return "\(question) \(values.isEmpty ? "(skipped)" : values)"
        }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    private static func userText(_ json: JSON) -> String {
        var text = texts(json["content"], separator: "")
        for attachment in json["attachments"]?.array ?? [] {
            text += "\n[attachment: \(attachment["name"]?.string ?? "file")]"
        }
        guard let quote = json["quoted_text"]?.string, !quote.isEmpty else { return text }
        return quote.split(separator: "\n", omittingEmptySubsequences: false).map { "> \($0)\n" }.joined() + "\n" + text
    }

    private static func clientToolCall(_ json: JSON) -> Group? {
        guard json["status"] == "completed", let id = json["call_id"]?.string, let name = json["name"]?.string else {
            return nil
        }
        let call = function(id: id, name: name, arguments: json["arguments"]?.text ?? "{}")
        return Group(messages: [
            ["role": "assistant", "content": nil, "tool_calls": [call]],
            result(id: id, text: json["output"].map { $0.string ?? $0.text } ?? "null"),
        ])
    }

    /// The calls beside an item, one assistant message a step.
    private static func calls(_ item: StoredItem) -> [JSON] {
        guard let bytes = item.hostJSON, let calls = (try? JSON.parse(bytes))?["calls"]?.array else { return [] }
        var messages: [JSON] = []
        var rest = calls[...]
        while let step = rest.first?["step"] ?? rest.first.map({ _ in JSON.null }) {
            let together = rest.prefix { ($0["step"] ?? .null) == step }
            rest = rest.dropFirst(together.count)
            messages.append([
                "role": "assistant", "content": nil, "tool_calls": .array(together.map { recorded($0) }),
            ])
            for call in together { messages.append(result(id: call["id"]?.string ?? "", text: recordedResult(call))) }
        }
        return messages
    }

    private static func recorded(_ call: JSON) -> JSON {
        let arguments = call["arguments"] ?? [:]
        return function(
            id: call["id"]?.string ?? "", name: call["name"]?.string ?? "",
            arguments: arguments.string ?? arguments.text)
    }

    private static func recordedResult(_ call: JSON) -> String {
        if let error = call["error"]?.string { return error }
        if let result = call["result"] { return result.string ?? result.text }
        return "Error: The call was interrupted; whether it had an effect is not known."
    }

    private static func function(id: String, name: String, arguments: String) -> JSON {
        [
            "id": .string(id), "type": "function",
            "function": ["name": .string(name), "arguments": .string(arguments)],
        ]
    }

    // MARK: The current turn

    /// The model's own message of a step with calls.
    static func message(calls: [ModelLoop.Call], text: String) -> JSON {
        [
            "role": "assistant", "content": text.isEmpty ? nil : .string(text),
            "tool_calls": .array(calls.map { function(id: $0.id, name: $0.name, arguments: $0.argumentText) }),
        ]
    }

    /// What a call came to.
    static func result(id: String, text: String) -> JSON {
        ["role": "tool", "tool_call_id": .string(id), "content": .string(text)]
    }
}
