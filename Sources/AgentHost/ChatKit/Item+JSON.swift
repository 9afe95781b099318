// Items on the wire and in the store: one form for both (`chatkit-protocol.md` 2 and 6). Unset fields are left out, defaults
// are written.

extension ChatKit.Item {
    /// The protocol's `type`.
    var type: String {
        switch content {
        case .userMessage: "user_message"
        case .assistantMessage: "assistant_message"
        case .clientToolCall: "client_tool_call"
        case .widget: "widget"
        case .generatedImage: "generated_image"
        case .structuredInput: "structured_input"
        case .workflow: "workflow"
        case .task: "task"
        case .endOfTurn: "end_of_turn"
        case .hiddenContext: "hidden_context_item"
        case .sdkHiddenContext: "sdk_hidden_context"
        }
    }

    func encode(into writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", id)
            writer.member("thread_id", threadID)
            writer.member("created_at", createdAt.iso8601)
            writer.member("type", type)
            content.encodeMembers(into: &writer)
        }
    }

    /// Compact JSON text.
    var encoded: [UInt8] {
        var writer = JSONWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// As a value: what `encoded` says.
    var json: JSON { (try? JSON.parse(encoded)) ?? [:] }
}

extension ChatKit.ItemContent {
    fileprivate func encodeMembers(into writer: inout JSONWriter) {
        switch self {
        case .userMessage(let message): message.encodeMembers(into: &writer)
        case .assistantMessage(let parts):
            writer.key("content")
            writer.array { for part in parts { part.encode(into: &$0) } }
        case .clientToolCall(let call):
            writer.member("status", call.status.rawValue)
            writer.member("call_id", call.callID)
            writer.member("name", call.name)
            writer.member("arguments", .object(call.arguments))
            // A null output disappears; nulls inside it stay (section 2).
            if let output = call.output, output != .null { writer.member("output", output) }
        case .widget(let widget, let copyText):
            writer.member("widget", widget.withoutNulls)
            writer.member("copy_text", ifSet: copyText)
        case .generatedImage(let image):
            if let image {
                writer.key("image")
                image.encode(into: &writer)
            }
        case .structuredInput(let input):
            writer.member("status", input.status.rawValue)
            writer.member("inputs", .array(input.inputs))
        case .workflow(let workflow):
            writer.key("workflow")
            workflow.encode(into: &writer)
        case .task(let task):
            writer.key("task")
            task.encode(into: &writer)
        case .endOfTurn: break
        case .hiddenContext(let content): writer.member("content", content)
        case .sdkHiddenContext(let content): writer.member("content", content)
        }
    }
}

extension ChatKit.UserMessage {
    fileprivate func encodeMembers(into writer: inout JSONWriter) {
        writer.key("content")
        writer.array { for part in content { part.encode(into: &$0) } }
        writer.member("attachments", .array(attachments))
        writer.member("quoted_text", ifSet: quotedText)
        writer.key("inference_options")
        writer.object { writer in
            if let toolChoice = inferenceOptions.toolChoice {
                writer.key("tool_choice")
                writer.object { $0.member("id", toolChoice) }
            }
            writer.member("model", ifSet: inferenceOptions.model)
        }
    }
}

extension ChatKit.UserContent {
    fileprivate func encode(into writer: inout JSONWriter) {
        writer.object { writer in
            switch self {
            case .text(let text):
                writer.member("type", "input_text")
                writer.member("text", text)
            case .tag(let id, let text, let data, let group, let interactive):
                writer.member("type", "input_tag")
                writer.member("id", id)
                writer.member("text", text)
                writer.member("data", .object(data))
                writer.member("group", ifSet: group)
                writer.member("interactive", interactive)
            }
        }
    }
}

extension ChatKit.AssistantContent {
    func encode(into writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("type", "output_text")
            writer.member("text", text)
            writer.member("annotations", .array(annotations))
        }
    }
}

extension ChatKit.GeneratedImage {
    func encode(into writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", id)
            writer.member("url", url)
        }
    }
}

extension ChatKit.Workflow {
    func encode(into writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("type", kind.rawValue)
            writer.key("tasks")
            writer.array { for task in tasks { task.encode(into: &$0) } }
            switch summary {
            case nil: break
            case .title(let title, let icon):
                writer.key("summary")
                writer.object {
                    $0.member("title", title)
                    $0.member("icon", ifSet: icon)
                }
            case .duration(let seconds):
                writer.key("summary")
                writer.object { $0.member("duration", seconds) }
            }
            writer.member("expanded", expanded)
        }
    }
}

extension ChatKit.Task {
    func encode(into writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("status_indicator", indicator.rawValue)
            switch kind {
            case .custom(let title, let icon, let content):
                writer.member("type", "custom")
                writer.member("title", ifSet: title)
                writer.member("icon", ifSet: icon)
                writer.member("content", ifSet: content)
            case .webSearch(let title, let titleQuery, let queries, let sources):
                writer.member("type", "web_search")
                writer.member("title", ifSet: title)
                writer.member("title_query", ifSet: titleQuery)
                writer.member("queries", .array(queries.map { .string($0) }))
                writer.member("sources", .array(sources))
            case .thought(let title, let content):
                writer.member("type", "thought")
                writer.member("title", ifSet: title)
                writer.member("content", content)
            case .file(let title, let sources):
                writer.member("type", "file")
                writer.member("title", ifSet: title)
                writer.member("sources", .array(sources))
            case .image(let title):
                writer.member("type", "image")
                writer.member("title", ifSet: title)
            }
        }
    }
}

extension JSON {
    /// The value without members and elements that are null, at every depth: the rule for widgets (section 2).
    var withoutNulls: JSON {
        switch self {
        case .array(let elements): .array(elements.filter { $0 != .null }.map(\.withoutNulls))
        case .object(let object):
            .object(
                JSONObject(members: object.members.filter { $0.value != .null }.map { ($0.key, $0.value.withoutNulls) })
            )
        default: self
        }
    }
}
