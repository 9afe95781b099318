/// Bodies of requests for completions.
enum CompletionBody {
    /// Settings that are passed on; everything else that a plugin may have written stays here.
    private static let settings: Set<String> = [
        "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "frequency_penalty",
        "presence_penalty", "parallel_tool_calls", "reasoning_effort", "response_format", "verbosity",
    ]

    /// For Chat Completions.
    ///
    /// - Parameter countsTokens: whether to ask for the numbers of tokens at the end of the stream: some servers refuse to.
    static func chat(_ request: ModelRequest, model: String, countsTokens: Bool) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("model", model)
            writer.key("messages")
            writer.array { writer in for message in request.messages { writer.value(filled(message)) } }
            addTools(request, request.tools, &writer)
            if let choice = request.toolChoice { writer.member("tool_choice", choice) }
            for (name, value) in known(request) {
                writer.key(escaped: name)
                writer.value(value)
            }
            writer.member("stream", true)
            if countsTokens { writer.member("stream_options", ["include_usage": true] as JSON) }
        }
        return writer.bytes
    }

    /// For the Responses API. The server is asked to keep nothing.
    static func responses(_ request: ModelRequest, model: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("model", model)
            writer.key("input")
            writer.array { writer in
                for message in request.messages { for item in items(message) { writer.value(item) } }
            }
            let tools = request.tools.map { tool -> JSON in
                let function = tool["function"]
                return [
                    "type": "function", "name": function?["name"] ?? "", "description": function?["description"] ?? "",
                    "parameters": function?["parameters"] ?? [:], "strict": false,
                ]
            }
            addTools(request, tools, &writer)
            if let name = request.toolChoice?["function"]?["name"] {
                writer.member("tool_choice", ["type": "function", "name": name] as JSON)
            } else if let choice = request.toolChoice {
                writer.member("tool_choice", choice)
            }
            for (name, value) in known(request) { addResponses(setting: name, value, &writer) }
            writer.member("stream", true)
            writer.member("store", false)
        }
        return writer.bytes
    }

    private static func addTools(_ request: ModelRequest, _ tools: [JSON], _ writer: inout JSONWriter) {
        // An empty list is refused by most servers.
        if !tools.isEmpty { writer.member("tools", .array(tools)) }
    }

    private static func known(_ request: ModelRequest) -> [(key: String, value: JSON)] {
        (request.settings.object?.members ?? []).filter { settings.contains($0.key) && !$0.value.isNull }
    }

    /// Servers of several kinds fail at `null` beside calls.
    private static func filled(_ message: JSON) -> JSON {
        guard var object = message.object, object["content"]?.isNull == true else { return message }
        object["content"] = ""
        return .object(object)
    }

    private static func addResponses(setting: String, _ value: JSON, _ writer: inout JSONWriter) {
        switch setting {
        case "max_tokens", "max_completion_tokens": writer.member("max_output_tokens", value)
        case "reasoning_effort": writer.member("reasoning", ["effort": value] as JSON)
        case "temperature", "top_p", "parallel_tool_calls":
            writer.key(escaped: setting)
            writer.value(value)
        case "verbosity": writer.member("text", ["verbosity": value] as JSON)
        default: break
        }
    }

    /// A message of Chat Completions as items of the Responses API.
    private static func items(_ message: JSON) -> [JSON] {
        let role = message["role"]?.string ?? "user"
        let content = message["content"] ?? .null
        if role == "tool" {
            return [
                [
                    "type": "function_call_output", "call_id": message["tool_call_id"] ?? "",
                    "output": content.string.map { .string($0) } ?? .string(content.text),
                ]
            ]
        }
        var items: [JSON] = []
        if let text = content.string, !text.isEmpty {
            items.append(["role": .string(role), "content": .string(text)])
        } else if let parts = content.array, !parts.isEmpty {
            items.append(["role": .string(role), "content": .array(parts.map(part))])
        }
        for call in message["tool_calls"]?.array ?? [] {
            items.append([
                "type": "function_call", "call_id": call["id"] ?? "", "name": call["function"]?["name"] ?? "",
                "arguments": call["function"]?["arguments"] ?? "{}",
            ])
        }
        return items
    }

    private static func part(_ part: JSON) -> JSON {
        switch part["type"]?.string {
        case "text": ["type": "input_text", "text": part["text"] ?? ""]
        case "image_url": ["type": "input_image", "image_url": part["image_url"]?["url"] ?? ""]
        default: part
        }
    }
}
