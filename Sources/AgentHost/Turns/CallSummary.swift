/// Function calls in words for people: what a task of a workflow shows. A result that has a `message` is shown by it.
enum CallSummary {
    /// Characters of one value, of all arguments, of a result.
    private static let valueLength = 80
    private static let argumentLength = 200
    private static let resultLength = 500

    /// `title: Buy groceries, id: 3`; nil when there are none.
    static func arguments(_ arguments: JSON) -> String? {
        guard let object = arguments.object, !object.members.isEmpty else { return nil }
        return cut(members(object), to: argumentLength)
    }

    /// What the task of a call that has ended shows.
    static func text(arguments: JSON?, outcome: ToolOutcome?) -> String {
        let before = arguments.flatMap { CallSummary.arguments($0) }
        let after: String
        switch outcome {
        case .success(let result): after = self.result(result)
        case let outcome?: after = cut(outcome.modelText, to: resultLength)
        case nil: after = "Interrupted"
        }
        return before.map { "\($0) → \(after)" } ?? after
    }

    /// What a progress report shows; nil when it has no words. `{"text": …}`, `{"message": …}` or a string.
    static func progress(_ json: JSON) -> String? {
        guard let text = json.string ?? json["text"]?.string ?? json["message"]?.string, !text.isEmpty else {
            return nil
        }
        return cut(text, to: resultLength)
    }

    private static func result(_ json: JSON) -> String {
        if let content = try? ToolContent(json) { return cut(content.shownText, to: resultLength) }
        let text: String
        switch json {
        case .null: text = "Done"
        // Tools that put their result into words for people are taken at their word.
        case .object(let object) where object["message"]?.string?.isEmpty == false:
            text = object["message"]?.string ?? ""
        case .object(let object) where !object.members.isEmpty: text = members(object)
        default: text = value(json, length: resultLength)
        }
        return cut(text, to: resultLength)
    }

    private static func members(_ object: JSONObject) -> String {
        object.members.prefix(12).map { "\($0.key): \(value($0.value, length: valueLength))" }.joined(separator: ", ")
    }

    private static func value(_ json: JSON, length: Int) -> String {
        switch json {
        case .string(let text): cut(text, to: length)
        case .array(let elements) where elements.contains(where: { $0.object != nil }):
            "\(elements.count) \(elements.count == 1 ? "entry" : "entries")"
        case .object(let object): "\(object.members.count) \(object.members.count == 1 ? "field" : "fields")"
        default: cut(json.text, to: length)
        }
    }

    /// One line, at most `length` characters.
    private static func cut(_ text: String, to length: Int) -> String {
        // Looked at only as far as needed: a result may be megabytes long.
        let head = String(text.prefix(length + 1)).split(whereSeparator: \.isNewline).joined(separator: " ")
        return head.count > length ? head.prefix(length - 1) + "…" : head
    }
}
