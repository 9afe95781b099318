// Items read back: from the store, from checkpoints, from agents (`chatkit-protocol.md` 6). Unknown members are ignored, required
// ones are not forgiven.

extension ChatKit {
    /// Why JSON is no item: the member and what it should have been.
    struct DecodingError: Error, Hashable {
        /// For example `workflow.tasks[0].type`.
        var path: String
        /// For example `must be a string`.
        var problem: String

        var sentence: String { "\(path) \(problem)" }
    }
}

extension ChatKit.Item {
    /// Reads an item of any kind, hidden ones too: the inverse of `encode`.
    init(json: JSON) throws(ChatKit.DecodingError) {
        let reader = try MemberReader(json, at: "item")
        id = try reader.string("id")
        threadID = try reader.string("thread_id")
        createdAt = try reader.timestamp("created_at")
        content = try ChatKit.ItemContent(type: reader.string("type"), reader)
    }
}

extension ChatKit.ItemContent {
    /// Reads the members beside `type`.
    init(type: String, _ reader: MemberReader) throws(ChatKit.DecodingError) {
        switch type {
        case "user_message": self = .userMessage(try ChatKit.UserMessage(reader))
        case "assistant_message":
            self = .assistantMessage(
                try reader.list("content") { json, path throws(ChatKit.DecodingError) in
                    try ChatKit.AssistantContent(MemberReader(json, at: path))
                })
        case "client_tool_call": self = .clientToolCall(try ChatKit.ClientToolCall(reader))
        case "widget":
            let widget = try reader.required("widget")
            guard widget.object != nil else { throw reader.error("widget", "must be an object") }
            self = .widget(widget, copyText: try reader.optionalString("copy_text"))
        case "generated_image":
            let image = try reader.optional("image")
            self = .generatedImage(
                try image.map { json throws(ChatKit.DecodingError) in try .init(json, at: reader.path("image")) })
        case "structured_input":
            let status: ChatKit.StructuredInput.Status = try reader.word("status")
            self = .structuredInput(.init(status: status, inputs: try reader.array("inputs")))
        case "workflow":
            self = .workflow(try ChatKit.Workflow(json: reader.required("workflow"), at: reader.path("workflow")))
        case "task": self = .task(try ChatKit.Task(json: reader.required("task"), at: reader.path("task")))
        case "end_of_turn": self = .endOfTurn
        case "hidden_context_item": self = .hiddenContext(try reader.required("content"))
        case "sdk_hidden_context": self = .sdkHiddenContext(try reader.string("content"))
        default: throw reader.error("type", "names no kind of item: \"\(type.prefix(40))\"")
        }
    }
}

extension ChatKit.UserMessage {
    fileprivate init(_ reader: MemberReader) throws(ChatKit.DecodingError) {
        content = try reader.list("content") { json, path throws(ChatKit.DecodingError) in
            try ChatKit.UserContent(MemberReader(json, at: path))
        }
        attachments = try reader.array("attachments")
        quotedText = try reader.optionalString("quoted_text")
        let options = try MemberReader(reader.required("inference_options"), at: reader.path("inference_options"))
        inferenceOptions.model = try options.optionalString("model")
        if let choice = try options.optional("tool_choice") {
            inferenceOptions.toolChoice = try MemberReader(choice, at: options.path("tool_choice")).string("id")
        }
    }
}

extension ChatKit.UserContent {
    fileprivate init(_ reader: MemberReader) throws(ChatKit.DecodingError) {
        switch try reader.string("type") {
        case "input_text": self = .text(try reader.string("text"))
        case "input_tag":
            self = .tag(
                id: try reader.string("id"), text: try reader.string("text"), data: try reader.object("data"),
                group: try reader.optionalString("group"), interactive: try reader.optionalBool("interactive") ?? false)
        default: throw reader.error("type", "must be input_text or input_tag")
        }
    }
}

extension ChatKit.AssistantContent {
    fileprivate init(_ reader: MemberReader) throws(ChatKit.DecodingError) {
        guard try reader.string("type") == "output_text" else { throw reader.error("type", "must be output_text") }
        text = try reader.string("text")
        annotations = try reader.optionalArray("annotations")
    }
}

extension ChatKit.ClientToolCall {
    fileprivate init(_ reader: MemberReader) throws(ChatKit.DecodingError) {
        status = try reader.word("status")
        callID = try reader.string("call_id")
        name = try reader.string("name")
        arguments = try reader.object("arguments")
        output = try reader.optional("output")
    }
}

extension ChatKit.GeneratedImage {
    init(_ json: JSON, at path: String) throws(ChatKit.DecodingError) {
        let reader = try MemberReader(json, at: path)
        id = try reader.string("id")
        url = try reader.string("url")
    }
}

extension ChatKit.Workflow {
    /// Reads a workflow; `type`, `tasks` and `expanded` may be left out, as agents do.
    init(json: JSON, at path: String = "workflow") throws(ChatKit.DecodingError) {
        let reader = try MemberReader(json, at: path)
        kind = try reader.optionalWord("type") ?? .custom
        if try reader.optional("tasks") != nil {
            tasks = try reader.list("tasks") { json, path throws(ChatKit.DecodingError) in
                try ChatKit.Task(json: json, at: path)
            }
        }
        summary = try reader.optional("summary").map { json throws(ChatKit.DecodingError) in
            try Summary(json: json, at: reader.path("summary"))
        }
        expanded = try reader.optionalBool("expanded") ?? false
    }
}

extension ChatKit.Workflow.Summary {
    /// `{title, icon?}` or `{duration}`.
    init(json: JSON, at path: String = "summary") throws(ChatKit.DecodingError) {
        let reader = try MemberReader(json, at: path)
        if let seconds = try reader.optional("duration") {
            guard let seconds = seconds.int else { throw reader.error("duration", "must be a whole number of seconds") }
            self = .duration(seconds)
        } else {
            self = .title(try reader.string("title"), icon: try reader.icon("icon"))
        }
    }
}

extension ChatKit.Task {
    /// Reads a task; lists and the indicator may be left out, as agents do.
    init(json: JSON, at path: String = "task") throws(ChatKit.DecodingError) {
        let reader = try MemberReader(json, at: path)
        indicator = try reader.optionalWord("status_indicator") ?? .none
        let title = try reader.optionalString("title")
        switch try reader.optionalString("type") ?? "custom" {
        case "custom":
            kind = .custom(title: title, icon: try reader.icon("icon"), content: try reader.optionalString("content"))
        case "web_search":
            kind = .webSearch(
                title: title, titleQuery: try reader.optionalString("title_query"),
                queries: try reader.strings("queries"), sources: try reader.optionalArray("sources"))
        case "thought": kind = .thought(title: title, content: try reader.string("content"))
        case "file": kind = .file(title: title, sources: try reader.optionalArray("sources"))
        case "image": kind = .image(title: title)
        default: throw reader.error("type", "must be custom, web_search, thought, file or image")
        }
    }
}

/// Reads members of one object and says where something is wrong.
///
/// A member that is `null` counts as absent: unset fields are never null on our side, but agents write them so.
struct MemberReader {
    let members: JSONObject
    private let place: String

    init(_ json: JSON, at path: String) throws(ChatKit.DecodingError) {
        guard let object = json.object else { throw ChatKit.DecodingError(path: path, problem: "must be an object") }
        members = object
        place = path
    }

    func path(_ key: String) -> String { "\(place).\(key)" }
    func error(_ key: String, _ problem: String) -> ChatKit.DecodingError { .init(path: path(key), problem: problem) }

    func optional(_ key: String) throws(ChatKit.DecodingError) -> JSON? {
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    /// Any value, `null` too.
    func required(_ key: String) throws(ChatKit.DecodingError) -> JSON {
        guard let value = members[key] else { throw error(key, "is missing") }
        return value
    }

    func string(_ key: String) throws(ChatKit.DecodingError) -> String {
        guard let text = try required(key).string else { throw error(key, "must be a string") }
        return text
    }

    func optionalString(_ key: String) throws(ChatKit.DecodingError) -> String? {
        guard let value = try optional(key) else { return nil }
        guard let text = value.string else { throw error(key, "must be a string") }
        return text
    }

    func optionalBool(_ key: String) throws(ChatKit.DecodingError) -> Bool? {
        guard let value = try optional(key) else { return nil }
        guard let truth = value.bool else { throw error(key, "must be true or false") }
        return truth
    }

    func object(_ key: String) throws(ChatKit.DecodingError) -> JSONObject {
        guard let object = try required(key).object else { throw error(key, "must be an object") }
        return object
    }

    func array(_ key: String) throws(ChatKit.DecodingError) -> [JSON] {
        guard let elements = try required(key).array else { throw error(key, "must be an array") }
        return elements
    }

    func optionalArray(_ key: String) throws(ChatKit.DecodingError) -> [JSON] {
        try optional(key) == nil ? [] : try array(key)
    }

    func strings(_ key: String) throws(ChatKit.DecodingError) -> [String] {
        var result: [String] = []
        for element in try optionalArray(key) {
            guard let text = element.string else { throw error(key, "must hold strings") }
            result.append(text)
        }
        return result
    }

    /// Each element read by `read`, which is told its path.
    func list<Element>(
        _ key: String, _ read: (JSON, String) throws(ChatKit.DecodingError) -> Element
    ) throws(ChatKit.DecodingError) -> [Element] {
        var result: [Element] = []
        for (index, element) in try array(key).enumerated() {
            result.append(try read(element, "\(path(key))[\(index)]"))
        }
        return result
    }

    /// One of the words of an enumeration.
    func word<Word: RawRepresentable<String>>(_ key: String) throws(ChatKit.DecodingError) -> Word {
        let text = try string(key)
        guard let word = Word(rawValue: text) else { throw error(key, "has no meaning: \"\(text.prefix(40))\"") }
        return word
    }

    func optionalWord<Word: RawRepresentable<String>>(_ key: String) throws(ChatKit.DecodingError) -> Word? {
        try optional(key) == nil ? nil : try word(key)
    }

    /// The name of an icon that clients know (section 11).
    func icon(_ key: String) throws(ChatKit.DecodingError) -> String? {
        guard let name = try optionalString(key) else { return nil }
        guard ChatKit.isIcon(name) else { throw error(key, "names no icon: \"\(name.prefix(40))\"") }
        return name
    }

    func timestamp(_ key: String) throws(ChatKit.DecodingError) -> Timestamp {
        guard let time = Timestamp(iso8601: try string(key)) else {
            throw error(key, "must be an ISO 8601 time such as 2026-11-21T07:54:56.914981Z")
        }
        return time
    }
}
