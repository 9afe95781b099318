/// Reads the stream of Chat Completions, as OpenAI, vLLM, Ollama, llama.cpp, LiteLLM and Azure send it.
struct ChatStream: CompletionStream {
    private var calls = CallNumbers()
    private var reason: String?
    private var usage: JSON?
    private(set) var end: ModelEnd?

    init() {}

    mutating func read(_ event: ServerSentEvent, _ emit: (ModelDelta) -> Void) throws(ModelFault) {
        guard end == nil else { return }
        if ChatStream.isDone(event.data) {
            end = try finish()
            return
        }
        let json = try ChatStream.parse(event.data)
        if let error = json["error"], error.object != nil || error.string != nil { throw ModelFault(event: json) }
        if let usage = json["usage"], usage.object != nil { self.usage = usage }
        guard let choice = first(json) else { return }
        if let delta = choice["delta"] { say(delta, emit) }
        if let reason = choice["finish_reason"]?.string { self.reason = reason }
    }

    mutating func readWhole(_ json: JSON, _ emit: (ModelDelta) -> Void) throws(ModelFault) {
        if json["error"]?.object != nil { throw ModelFault(event: json) }
        guard let choice = first(json), let message = choice["message"], message.object != nil else {
            throw ModelFault(.unreadable, "a document that is no completion")
        }
        usage = json["usage"]
        say(message, emit)
        reason = choice["finish_reason"]?.string ?? "stop"
        end = try finish()
    }

    mutating func finish() throws(ModelFault) -> ModelEnd {
        if let end { return end }
        guard let reason else { throw ModelFault(.brokenOff, "the stream ended without a finish_reason") }
        return ModelEnd(
            // Some servers say "stop" or "function_call" behind a call.
            finishReason: calls.count > 0 && reason != "length" && reason != "content_filter" ? "tool_calls" : reason,
            promptTokens: usage?["prompt_tokens"]?.int, completionTokens: usage?["completion_tokens"]?.int)
    }

    /// The only choice that was asked for.
    private func first(_ json: JSON) -> JSON? {
        json["choices"]?.array?.first { ($0["index"]?.int ?? 0) == 0 }
    }

    /// A delta, or a whole message.
    private mutating func say(_ delta: JSON, _ emit: (ModelDelta) -> Void) {
        for key in ["reasoning_content", "reasoning"] {
            if let text = delta[key]?.string {
                if !text.isEmpty { emit(.reasoning(text)) }
                break
            }
        }
        for key in ["content", "refusal"] {
            let text = delta[key].flatMap(ChatStream.text) ?? ""
            if !text.isEmpty { emit(.text(text)) }
        }
        for call in delta["tool_calls"]?.array ?? [] where call.object != nil {
            let function = call["function"]
            let name = function?["name"]?.string.flatMap { $0.isEmpty ? nil : $0 }
            let id = call["id"]?.string
            let index = calls.index(call["index"]?.int, id: id, begins: name != nil)
            // Ollama has sent arguments as an object.
            let arguments = function?["arguments"].map { $0.string ?? ($0.object == nil ? "" : $0.text) } ?? ""
            emit(.toolCall(index: index, id: id, name: name, arguments: arguments))
        }
    }

    /// A string, or the text of content parts.
    private static func text(_ content: JSON) -> String? {
        content.string ?? content.array?.compactMap { $0["text"]?.string }.joined()
    }

    /// `[DONE]`, with blanks around it.
    private static func isDone(_ data: [UInt8]) -> Bool {
        guard data.count < 16, data.contains(UInt8(ascii: "[")) else { return false }
        return data.filter { !HTTPSyntax.isBlank($0) } == Array("[DONE]".utf8)
    }
}
