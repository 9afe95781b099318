// What agents write inside items: checked, with the defaults that are written out (`chatkit-protocol.md` 2 and 6). What is read back
// from the store was checked before.

extension ChatKit.ItemContent {
    /// The content as it may be shown: annotations, sources and widgets are in order.
    func checked(at path: String) throws(ChatKit.DecodingError) -> ChatKit.ItemContent {
        switch self {
        case .assistantMessage(var parts):
            for index in parts.indices {
                parts[index].annotations = try parts[index].annotations.map { json throws(ChatKit.DecodingError) in
                    try ChatKit.annotation(json, at: "\(path).content[\(index)].annotations")
                }
            }
            return .assistantMessage(parts)
        case .widget(let tree, let copyText):
            try ChatKit.checkWidget(tree, at: "\(path).widget")
            return .widget(tree.withoutNulls, copyText: copyText)
        case .workflow(let workflow): return .workflow(try workflow.checked(at: "\(path).workflow"))
        case .task(let task): return .task(try task.checked(at: "\(path).task"))
        default: return self
        }
    }
}

extension ChatKit.Workflow {
    func checked(at path: String) throws(ChatKit.DecodingError) -> ChatKit.Workflow {
        var workflow = self
        for (index, task) in tasks.enumerated() {
            workflow.tasks[index] = try task.checked(at: "\(path).tasks[\(index)]")
        }
        return workflow
    }
}

extension ChatKit.Task {
    func checked(at path: String) throws(ChatKit.DecodingError) -> ChatKit.Task {
        func check(_ sources: [JSON], _ type: String) throws(ChatKit.DecodingError) -> [JSON] {
            try sources.map { json throws(ChatKit.DecodingError) in
                try ChatKit.source(json, at: "\(path).sources", types: [type])
            }
        }
        var task = self
        switch kind {
        case .webSearch(let title, let titleQuery, let queries, let sources):
            task.kind = .webSearch(
                title: title, titleQuery: titleQuery, queries: queries, sources: try check(sources, "url"))
        case .file(let title, let sources): task.kind = .file(title: title, sources: try check(sources, "file"))
        case .custom, .thought, .image: break
        }
        return task
    }
}

extension ChatKit {
    /// A widget's root must be one of three types; what is below is the agent's affair (section 10).
    static func checkWidget(_ tree: JSON, at path: String) throws(DecodingError) {
        let reader = try MemberReader(tree, at: path)
        guard ["Card", "ListView", "Basic"].contains(try reader.string("type")) else {
            throw reader.error("type", "must be Card, ListView or Basic")
        }
    }

    /// A source of one of these types, without nulls.
    static func source(_ json: JSON, at path: String, types: [String]) throws(DecodingError) -> JSON {
        let reader = try MemberReader(json, at: path)
        var object = reader.members
        let type = try reader.optionalString("type") ?? (types.count == 1 ? types[0] : "")
        guard types.contains(type) else {
            throw reader.error("type", "must be \(types.joined(separator: " or "))")
        }
        object["type"] = .string(type)
        _ = try reader.string("title")
        for key in ["description", "timestamp", "group"] { _ = try reader.optionalString(key) }
        switch type {
        case "url":
            _ = try reader.string("url")
            _ = try reader.optionalString("attribution")
        case "file": _ = try reader.string("filename")
        default:
            _ = try reader.string("id")
            _ = try reader.icon("icon")
            for key in ["label", "inline_label"] { _ = try reader.optionalString(key) }
            object["interactive"] = .bool(try reader.optionalBool("interactive") ?? false)
            object["data"] = .object(try reader.optional("data") == nil ? JSONObject() : reader.object("data"))
        }
        for (key, value) in object.members where value == .null { object[key] = JSON?.none }
        return .object(object)
    }

    /// An annotation: `{source, index?}`, or that inside `annotation`.
    static func annotation(_ json: JSON, at path: String = "annotation") throws(DecodingError) -> JSON {
        let reader = try MemberReader(json["annotation"] ?? json, at: path)
        let source = try source(
            reader.required("source"), at: reader.path("source"), types: ["url", "file", "entity"])
        var annotation = JSONObject(members: [("type", "annotation"), ("source", source)])
        if let index = try reader.optional("index") {
            guard index.int != nil else { throw reader.error("index", "must be a whole number") }
            annotation["index"] = index
        }
        return .object(annotation)
    }
}
