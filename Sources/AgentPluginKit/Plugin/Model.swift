internal import PluginABI

/// A language model, or something that behaves like one: called once for each step, it keeps nothing between calls.
public struct Model: Sendable {
    /// The id in the manifest.
    public let id: String
    let complete: @Sendable (ModelRequest, ModelOutput) async throws -> FinishReason

    /// - Parameter complete: writes to the output and answers why it stopped.
    public init(
        _ id: String, complete: @escaping @Sendable (ModelRequest, ModelOutput) async throws -> FinishReason
    ) {
        self.id = id
        self.complete = complete
    }

    /// Why a model stopped.
    public enum FinishReason: String, Sendable {
        case stop
        case toolCalls = "tool_calls"
        case length
        case contentFilter = "content_filter"
    }
}

/// What a model is asked, in the shapes of Chat Completions.
public struct ModelRequest: Sendable {
    /// The whole request.
    public let json: JSON
    /// The conversation, oldest first.
    public let messages: [Message]

    /// - Parameter json: an object with `messages`, `tools`, `tool_choice`, `settings`; whatever is missing is empty.
    public init(_ json: JSON) {
        self.json = json
        messages = (json["messages"]?.array ?? []).map(Message.init)
    }

    /// Names of the tools that may be called.
    public var toolNames: [String] {
        (json["tools"]?.array ?? []).compactMap { ($0["function"]?["name"] ?? $0["name"])?.string }
    }

    /// One message.
    public struct Message: Sendable, Hashable {
        /// Who speaks.
        public enum Role: String, Sendable { case system, developer, user, assistant, tool, unknown }

        /// Who speaks.
        public let role: Role
        /// The text; of a tool message its result.
        public let text: String
        /// What the assistant called.
        public let toolCalls: [ToolCall]
        /// Of a tool message: the call that this is the result of.
        public let toolCallID: String?

        /// Text parts are joined by line ends; other parts are left out.
        public init(_ json: JSON) {
            role = json["role"]?.string.flatMap(Role.init) ?? .unknown
            switch json["content"] {
            case .string(let text): self.text = text
            case .array(let parts): text = parts.compactMap { $0["text"]?.string }.joined(separator: "\n")
            default: text = ""
            }
            toolCalls = (json["tool_calls"]?.array ?? []).map(ToolCall.init)
            toolCallID = json["tool_call_id"]?.string
        }
    }

    /// A call that an assistant made earlier.
    public struct ToolCall: Sendable, Hashable {
        /// What the result refers to.
        public let id: String
        /// Which tool.
        public let name: String
        /// Empty if they were no JSON.
        public let arguments: JSON

        init(_ json: JSON) {
            let function = json["function"] ?? json
            id = json["id"]?.string ?? ""
            name = function["name"]?.string ?? ""
            let given = function["arguments"] ?? [:]
            arguments = given.string.map { (try? JSON.parse($0)) ?? [:] } ?? given
        }
    }
}

/// Where a model writes. Any task; pieces come out in the order in which they were written.
public struct ModelOutput: Sendable {
    private let send: @Sendable (JSON) async throws -> Void

    /// - Parameter send: takes each piece; for tests of models without a host.
    public init(send: @escaping @Sendable (JSON) async throws -> Void) { self.send = send }

    /// A piece of the answer. Throws `CancellationError` when nobody reads any more.
    public func text(_ delta: String) async throws { try await send(["text": .string(delta)]) }

    /// A piece of the reasoning before the answer.
    public func reasoning(_ delta: String) async throws { try await send(["reasoning": .string(delta)]) }

    /// A call, at once and as a whole.
    /// - Parameter index: 0 for the first call of a step, 1 for the second, …
    public func toolCall(index: Int, id: String, name: String, arguments: JSON) async throws {
        try await send([
            "tool_call": [
                "index": .int(index), "id": .string(id), "name": .string(name), "arguments": .string(arguments.text),
            ]
        ])
    }
}
