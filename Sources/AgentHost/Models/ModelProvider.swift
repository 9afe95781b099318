/// A completion to make, in the shapes of Chat Completions (abi.md A3).
struct ModelRequest: Sendable {
    /// Which of the provider's models.
    var model: String
    /// `system`, `user`, `assistant` (with `tool_calls`), `tool` messages.
    var messages: [JSON]
    /// `{"type":"function","function":{name, description, parameters}}` each.
    var tools: [JSON]
    var toolChoice: JSON?
    var settings: JSON = [:]
    /// Milliseconds of the monotonic clock.
    var deadline: Int64
    /// Of the request that caused it, for the log; empty when there is none.
    var requestID = ""
    /// Of the turn the completion is made for.
    var meter: WorkMeter?

    /// `request_json` of the ABI and body of an HTTP request, but for transport fields.
    var json: JSON {
        var object = JSONObject(members: [
            ("messages", .array(messages)), ("tools", .array(tools)), ("settings", settings),
        ])
        if let toolChoice { object["tool_choice"] = toolChoice }
        return .object(object)
    }
}

/// What a model says on the way.
enum ModelDelta: Sendable, Hashable {
    case text(String)
    case reasoning(String)
    /// Pieces of one index are joined; id and name come with the first.
    case toolCall(index: Int, id: String?, name: String?, arguments: String)
}

/// How a completion ended.
struct ModelEnd: Sendable, Hashable {
    /// `stop`, `tool_calls`, `length`, `content_filter`.
    var finishReason: String
    var promptTokens: Int64?
    var completionTokens: Int64?
}

/// Where completions come from: a plugin's model, an OpenAI-compatible server.
protocol ModelProvider: Sendable {
    /// Starts a completion. Does not block. `delta` any number of times, in order, then `completion` exactly once, from any thread.
    func complete(
        _ request: ModelRequest,
        delta: @escaping @Sendable (ModelDelta) -> Void,
        completion: @escaping @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    ) -> any Cancellable
}
