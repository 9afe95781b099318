extension Emission {
    /// Reads the JSON of an emission: lenient where a default is meant, strict everywhere else.
    init(kind: String, json bytes: [UInt8]) throws(Malformed) {
        let json: JSON
        do { json = try JSON.parse(bytes, maximumDepth: Emission.maximumDepth) } catch {
            throw Malformed(sentence: "\(kind): \(error.sentence)")
        }
        do throws(ChatKit.DecodingError) {
            guard let emission = try Emission.read(kind, json) else {
                throw ChatKit.DecodingError(path: "kind \"\(kind.prefix(40))\"", problem: "is not known to this host")
            }
            self = emission
        } catch {
            throw Malformed(sentence: error.sentence)
        }
    }

    private static func read(_ kind: String, _ json: JSON) throws(ChatKit.DecodingError) -> Emission? {
        switch kind {
        case "workflow": .workflow(try ChatKit.Workflow(json: json).checked(at: kind))
        case "task": try task(json)
        case "annotation": .annotation(try ChatKit.annotation(json))
        case "widget": try widget(json)
        case "structured_input":
            .structuredInput(
                try ChatKit.StructuredInput(
                    questions: MemberReader(json, at: kind).array("inputs"), at: "structured_input.inputs"))
        case "item": .item(try newItem(json))
        default: try simple(kind, MemberReader(json, at: kind))
        }
    }

    private static func simple(_ kind: String, _ reader: MemberReader) throws(ChatKit.DecodingError) -> Emission? {
        switch kind {
        case "workflow_end":
            let summary = try reader.optional("summary")
            return .workflowEnd(
                try summary.map { json throws(ChatKit.DecodingError) in try ChatKit.Workflow.Summary(json: json) },
                expanded: try reader.optionalBool("expanded"))
        case "progress": return .progress(text: try reader.string("text"), icon: try reader.icon("icon"))
        case "notice":
            return .notice(
                level: try reader.optionalWord("level") ?? .info, message: try reader.string("message"),
                title: try reader.optionalString("title"))
        case "effect":
            return .effect(name: try reader.string("name"), data: try reader.optionalObject("data") ?? JSONObject())
        case "thread": return .thread(try thread(reader))
        case "hidden_context": return .hiddenContext(try reader.required("content"))
        case "end_of_turn": return .endOfTurn
        case "options":
            guard let allowed = try reader.optionalBool("allow_cancel") else {
                throw reader.error("allow_cancel", "is missing")
            }
            return .options(allowCancel: allowed)
        default: return try another(kind, reader)
        }
    }

    private static func another(_ kind: String, _ reader: MemberReader) throws(ChatKit.DecodingError) -> Emission? {
        switch kind {
        case "widget.text":
            return .widgetText(
                component: try reader.string("id"), delta: try reader.optionalString("delta") ?? "",
                isDone: try reader.optionalBool("done") ?? false)
        case "image": return try image(reader)
        case "client_tool_call":
            return .clientToolCall(
                name: try reader.identifier("name"), arguments: try reader.optionalObject("arguments") ?? JSONObject())
        case "replace": return try replace(reader)
        case "remove":
            return .remove(id: try reader.optional("id") == nil ? nil : reader.identifier("id"))
        case "error":
            let code = try reader.optional("code") == nil ? TurnErrorCode.custom.rawValue : reader.identifier("code")
            // The protocol has no custom error without words.
            let mayBeWordless = code != TurnErrorCode.custom.rawValue
            return .error(
                code: code,
                message: mayBeWordless ? try reader.optionalString("message") : try reader.string("message"),
                allowRetry: try reader.optionalBool("allow_retry") ?? (code == TurnErrorCode.streamError.rawValue))
        default: return nil
        }
    }

    private static func task(_ json: JSON) throws(ChatKit.DecodingError) -> Emission {
        let index = json["index"]
        if let index, index.int.flatMap({ Int(exactly: $0) }) == nil {
            throw ChatKit.DecodingError(path: "task.index", problem: "must be a whole number")
        }
        return .task(
            try ChatKit.Task(json: json).checked(at: "task"), index: index?.int.flatMap { Int(exactly: $0) })
    }

    private static func thread(_ reader: MemberReader) throws(ChatKit.DecodingError) -> ThreadChange {
        var change = ThreadChange()
        if let json = try reader.optional("status") {
            let members = try MemberReader(json, at: reader.path("status"))
            let reason = try members.optionalString("reason")
            switch try members.string("type") {
            case "active": change.status = .active
            case "locked": change.status = .locked(reason: reason)
            case "closed": change.status = .closed(reason: reason)
            default: throw members.error("type", "must be active, locked or closed")
            }
        }
        change.title = try reader.optionalString("title")
        change.metadata = try reader.optionalObject("metadata")
        if try reader.optional("allowed_image_domains") != nil {
            change.allowedImageDomains = try reader.strings("allowed_image_domains")
        }
        return change
    }

    /// A root, or `{widget, copy_text?}`.
    private static func widget(_ json: JSON) throws(ChatKit.DecodingError) -> Emission {
        let isWrapped = json["widget"] != nil && json["type"] == nil
        let tree = isWrapped ? json["widget"] ?? .null : json
        try ChatKit.checkWidget(tree, at: "widget")
        let copyText = isWrapped ? try MemberReader(json, at: "widget").optionalString("copy_text") : nil
        return .widget(tree.withoutNulls, copyText: copyText)
    }

    private static func image(_ reader: MemberReader) throws(ChatKit.DecodingError) -> Emission {
        var progress: Double?
        if let json = try reader.optional("progress") {
            guard let value = json.double, (0...1).contains(value) else {
                throw reader.error("progress", "must be a number from 0 to 1")
            }
            progress = value
        }
        guard let image = try reader.optional("image") else { return .image(url: nil, id: nil, progress: progress) }
        let members = try MemberReader(image, at: reader.path("image"))
        return .image(
            url: try members.string("url"), id: try members.optional("id") == nil ? nil : members.identifier("id"),
            progress: progress)
    }

    // MARK: Whole items

    /// The content of an item that is new to the thread.
    private static func newItem(_ json: JSON) throws(ChatKit.DecodingError) -> ChatKit.ItemContent {
        let content = try content(json, at: "item")
        switch content {
        case .userMessage, .clientToolCall, .sdkHiddenContext:
            throw ChatKit.DecodingError(
                path: "item.type", problem: "must not be user_message, client_tool_call or sdk_hidden_context")
        default: return content
        }
    }

    private static func replace(_ reader: MemberReader) throws(ChatKit.DecodingError) -> Emission {
        let json = try reader.required("item")
        let item = try MemberReader(json, at: reader.path("item"))
        let named = try reader.optional("id") == nil ? item : reader
        return .replace(
            id: try named.optional("id") == nil ? nil : named.identifier("id"),
            createdAt: try item.optional("created_at") == nil ? nil : item.timestamp("created_at"),
            try content(json, at: reader.path("item")))
    }

    private static func content(_ json: JSON, at path: String) throws(ChatKit.DecodingError) -> ChatKit.ItemContent {
        let reader = try MemberReader(json, at: path)
        let type = try reader.string("type")
        // Agents leave out what has a default.
        if type == "structured_input", try reader.optional("status") == nil {
            return .structuredInput(
                try ChatKit.StructuredInput(questions: reader.array("inputs"), at: reader.path("inputs")))
        }
        return try ChatKit.ItemContent(type: type, reader).checked(at: path)
    }
}

extension MemberReader {
    /// An object whose members are free; nil when it is absent.
    fileprivate func optionalObject(_ key: String) throws(ChatKit.DecodingError) -> JSONObject? {
        try optional(key) == nil ? nil : try object(key)
    }

    /// 1 to 128 bytes of visible ASCII, as ids, codes and names of tools are.
    fileprivate func identifier(_ key: String) throws(ChatKit.DecodingError) -> String {
        let text = try string(key)
        guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw error(key, "must be 1 to 128 visible ASCII characters")
        }
        return text
    }
}
