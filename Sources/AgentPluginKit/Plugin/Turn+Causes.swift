// What caused a turn, by its kind. Treat it as you treat any input of strangers.

extension Turn {
    /// Of kinds `user_message` and `retry`: the text of the message; nil for other kinds.
    public var message: String? {
        guard kind == "user_message" || kind == "retry" else { return nil }
        return (input.last?["content"]?.array ?? []).compactMap { $0["text"]?.string }.joined()
    }

    /// Of kind `client_tool_output`: what the page answered, perhaps null; nil for other kinds.
    public var clientToolOutput: JSON? {
        guard kind == "client_tool_output" else { return nil }
        return input.last?["output"] ?? .null
    }

    /// Of kind `structured_input`: the values by the id of the question, empty where it was skipped; nil for other kinds.
    public var answers: [String: [String]]? {
        guard kind == "structured_input" else { return nil }
        var answers: [String: [String]] = [:]
        for question in input.last?["inputs"]?.array ?? [] {
            guard let id = question["id"]?.string else { continue }
            answers[id] = (question["answer"]?["values"]?.array ?? []).compactMap(\.string)
        }
        return answers
    }

    /// An action of a widget or of the page.
    public struct Action: Sendable, Hashable {
        /// What is wanted.
        public let type: String
        /// Null when there is none.
        public let payload: JSON
        /// The widget it comes from; nil when it comes from the page.
        public let itemID: String?
        /// That widget's item.
        public let item: JSON?
    }

    /// Of kinds `action` and `sync_action`; nil for other kinds.
    public var action: Action? {
        guard kind == "action" || kind == "sync_action", let call = input.last,
            let type = call["action"]?["type"]?.string
        else { return nil }
        return Action(
            type: type, payload: call["action"]?["payload"] ?? .null, itemID: call["item_id"]?.string,
            item: call["item"])
    }

    /// What the person thinks of some items.
    public struct Feedback: Sendable, Hashable {
        /// Thumbs up, or down.
        public let isPositive: Bool
        /// The items that are meant.
        public let itemIDs: [String]
    }

    /// Of kind `feedback`; nil for other kinds.
    public var feedback: Feedback? {
        guard kind == "feedback", let given = input.last else { return nil }
        return Feedback(
            isPositive: given["kind"] == "positive",
            itemIDs: (given["item_ids"]?.array ?? []).compactMap(\.string))
    }
}

/// Speech that an agent shall turn into text.
public struct Speech: Sendable, Hashable {
    /// The recording, as Base64 text.
    public let audioBase64: String
    /// As the browser says, e.g. `audio/webm;codecs=opus`.
    public let mimeType: String
    /// A BCP 47 tag; empty if it is not known.
    public let locale: String

    /// - Parameter input: what caused the turn of kind `transcription`.
    init(input: JSON, context: JSON) {
        audioBase64 = input["audio_base64"]?.string ?? ""
        mimeType = input["mime_type"]?.string ?? ""
        locale = context["locale"]?.string ?? ""
    }
}
