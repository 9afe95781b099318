/// Reads the stream of the Responses API.
struct ResponsesStream: CompletionStream {
    private var calls = CallNumbers()
    /// Bytes of arguments seen of each call.
    private var argumentBytes: [Int: Int] = [:]
    private(set) var end: ModelEnd?

    init() {}

    mutating func read(_ event: ServerSentEvent, _ emit: (ModelDelta) -> Void) throws(ModelFault) {
        guard end == nil, event.data != Array("[DONE]".utf8) else { return }
        let json = try ResponsesStream.parse(event.data)
        switch json["type"]?.string {
        case "response.output_text.delta", "response.refusal.delta":
            if let text = json["delta"]?.string, !text.isEmpty { emit(.text(text)) }
        case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
            if let text = json["delta"]?.string, !text.isEmpty { emit(.reasoning(text)) }
        case "response.output_item.added":
            if let item = json["item"] { begin(item, json["output_index"]?.int, emit) }
        case "response.function_call_arguments.delta":
            argue(json["output_index"]?.int, json["delta"]?.string ?? "", isWhole: false, emit)
        case "response.function_call_arguments.done":
            argue(json["output_index"]?.int, json["arguments"]?.string ?? "", isWhole: true, emit)
        case "response.output_item.done":
            if let item = json["item"], item["type"] == "function_call" {
                begin(item, json["output_index"]?.int, emit)
                argue(json["output_index"]?.int, item["arguments"]?.string ?? "", isWhole: true, emit)
            }
        case "response.completed", "response.incomplete": end = ended(json["response"] ?? .null)
        case "response.failed": throw ModelFault(event: json["response"] ?? .null)
        case "error": throw ModelFault(event: json)
        case nil:
            // The error object of an API that broke off before it had begun.
            if json["error"]?.object != nil { throw ModelFault(event: json) }
            throw ModelFault(.unreadable, "an event without a type")
        default: break
        }
    }

    mutating func readWhole(_ json: JSON, _ emit: (ModelDelta) -> Void) throws(ModelFault) {
        if json["error"]?.object != nil { throw ModelFault(event: json) }
        guard let items = json["output"]?.array else {
            throw ModelFault(.unreadable, "a document that is no response")
        }
        for (index, item) in items.enumerated() {
            switch item["type"]?.string {
            case "message":
                for part in item["content"]?.array ?? [] {
                    let text = part["text"]?.string ?? part["refusal"]?.string ?? ""
                    if !text.isEmpty { emit(.text(text)) }
                }
            case "reasoning":
                for part in item["summary"]?.array ?? [] {
                    if let text = part["text"]?.string, !text.isEmpty { emit(.reasoning(text)) }
                }
            case "function_call":
                begin(item, Int64(index), emit)
                argue(Int64(index), item["arguments"]?.string ?? "", isWhole: true, emit)
            default: break
            }
        }
        end = ended(json)
    }

    mutating func finish() throws(ModelFault) -> ModelEnd {
        guard let end else { throw ModelFault(.brokenOff, "the stream ended before the response did") }
        return end
    }

    /// Tells of a call when it is new.
    private mutating func begin(_ item: JSON, _ place: Int64?, _ emit: (ModelDelta) -> Void) {
        guard item["type"] == "function_call", let name = item["name"]?.string else { return }
        let before = calls.count
        let id = item["call_id"]?.string ?? item["id"]?.string
        let index = calls.index(place, id: id, begins: true)
        guard calls.count > before else { return }
        argumentBytes[index] = 0
        emit(.toolCall(index: index, id: id, name: name, arguments: ""))
    }

    /// - Parameter isWhole: whether these are all arguments of the call: of use when no pieces came before.
    private mutating func argue(_ place: Int64?, _ text: String, isWhole: Bool, _ emit: (ModelDelta) -> Void) {
        guard calls.count > 0, !text.isEmpty else { return }
        let index = calls.index(place, id: nil, begins: false)
        guard !isWhole || argumentBytes[index, default: 0] == 0 else { return }
        argumentBytes[index, default: 0] += text.utf8.count
        emit(.toolCall(index: index, id: nil, name: nil, arguments: text))
    }

    private func ended(_ response: JSON) -> ModelEnd {
        let reason: String =
            switch response["incomplete_details"]?["reason"]?.string {
            case "content_filter": "content_filter"
            case .some: "length"
            case nil: calls.count > 0 ? "tool_calls" : "stop"
            }
        return ModelEnd(
            finishReason: reason, promptTokens: response["usage"]?["input_tokens"]?.int,
            completionTokens: response["usage"]?["output_tokens"]?.int)
    }
}
