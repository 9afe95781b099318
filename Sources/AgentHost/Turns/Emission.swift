/// What a coded agent emits besides text, read from its JSON (abi.md 4.5).
///
/// | kind | JSON |
/// | --- | --- |
/// | `workflow` | `{type?, summary?, expanded?}`; announces the workflow |
/// | `task` | a task, `{type?, status_indicator?, title?, content?, …, index?}`: of the workflow of this number (`index` names the one to replace, absent adds), else a task of its own |
/// | `workflow_end` | `{summary?}` |
/// | `progress` | `{text, icon?}` |
/// | `notice` | `{level?, message, title?}` |
/// | `effect` | `{name, data?}` |
/// | `annotation` | an annotation, `{source, index?}` |
/// | `thread` | `{title?, status?, metadata?}` |
/// | `widget` | a widget's root, or `{widget, copy_text?}` |
/// | `hidden_context` | `{content}` |
/// | `options` | `{allow_cancel}` |
enum Emission: Sendable, Hashable {
    case workflow(ChatKit.Workflow)
    case task(ChatKit.Task, index: Int?)
    case workflowEnd(ChatKit.Workflow.Summary?)
    case progress(text: String, icon: String?)
    case notice(level: ChatKit.NoticeLevel, message: String, title: String?)
    case effect(name: String, data: JSONObject)
    case annotation(JSON)
    case thread(title: String?, status: ChatKit.ThreadStatus?, metadata: JSONObject?)
    case widget(JSON, copyText: String?)
    case hiddenContext(JSON)
    case options(allowCancel: Bool)

    /// Nested arrays and objects, as `agent_plugin.h` promises.
    static let maximumDepth = 64

    /// Why an emission cannot be read.
    struct Malformed: Error, Hashable {
        var sentence: String
    }

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
        case "workflow": return .workflow(try ChatKit.Workflow(json: json))
        case "task":
            if let index = json["index"], index.int.flatMap({ Int(exactly: $0) }) == nil {
                throw ChatKit.DecodingError(path: "task.index", problem: "must be a whole number")
            }
            return .task(try ChatKit.Task(json: json), index: json["index"]?.int.flatMap { Int(exactly: $0) })
        case "annotation": return .annotation(try annotation(json))
        case "widget": return try widget(json)
        default: return try simple(kind, MemberReader(json, at: kind))
        }
    }

    private static func simple(_ kind: String, _ reader: MemberReader) throws(ChatKit.DecodingError) -> Emission? {
        switch kind {
        case "workflow_end":
            guard let summary = try reader.optional("summary") else { return .workflowEnd(nil) }
            return .workflowEnd(try ChatKit.Workflow.Summary(json: summary))
        case "progress": return .progress(text: try reader.string("text"), icon: try reader.icon("icon"))
        case "notice":
            return .notice(
                level: try reader.optionalWord("level") ?? .info, message: try reader.string("message"),
                title: try reader.optionalString("title"))
        case "effect":
            return .effect(
                name: try reader.string("name"),
                data: try reader.optional("data") == nil ? JSONObject() : reader.object("data"))
        case "thread": return try thread(reader)
        case "hidden_context": return .hiddenContext(try reader.required("content"))
        case "options":
            guard let allowed = try reader.optionalBool("allow_cancel") else {
                throw reader.error("allow_cancel", "is missing")
            }
            return .options(allowCancel: allowed)
        default: return nil
        }
    }

    private static func thread(_ reader: MemberReader) throws(ChatKit.DecodingError) -> Emission {
        var status: ChatKit.ThreadStatus?
        if let json = try reader.optional("status") {
            let members = try MemberReader(json, at: reader.path("status"))
            let reason = try members.optionalString("reason")
            switch try members.string("type") {
            case "active": status = .active
            case "locked": status = .locked(reason: reason)
            case "closed": status = .closed(reason: reason)
            default: throw members.error("type", "must be active, locked or closed")
            }
        }
        return .thread(
            title: try reader.optionalString("title"), status: status,
            metadata: try reader.optional("metadata") == nil ? nil : reader.object("metadata"))
    }

    private static func widget(_ json: JSON) throws(ChatKit.DecodingError) -> Emission {
        let wrapped = json["widget"] != nil && json["type"] == nil
        let tree = wrapped ? json["widget"] ?? .null : json
        let reader = try MemberReader(tree, at: "widget")
        guard ["Card", "ListView", "Basic"].contains(try reader.string("type")) else {
            throw reader.error("type", "must be Card, ListView or Basic")
        }
        return .widget(tree, copyText: wrapped ? json["copy_text"]?.string : nil)
    }

    /// The annotation with the defaults that are written out (`chatkit-protocol.md` 2).
    private static func annotation(_ json: JSON) throws(ChatKit.DecodingError) -> JSON {
        let reader = try MemberReader(json["annotation"] ?? json, at: "annotation")
        let source = try MemberReader(reader.required("source"), at: reader.path("source"))
        _ = try source.string("title")
        var object = source.members
        switch try source.string("type") {
        case "url": _ = try source.string("url")
        case "file": _ = try source.string("filename")
        case "entity":
            _ = try source.string("id")
            _ = try source.icon("icon")
            object["interactive"] = .bool(try source.optionalBool("interactive") ?? false)
            object["data"] = .object(try source.optional("data") == nil ? JSONObject() : source.object("data"))
        default: throw source.error("type", "must be url, file or entity")
        }
        for (key, value) in object.members where value == .null { object[key] = JSON?.none }
        var annotation: JSONObject = JSONObject(members: [("type", "annotation"), ("source", .object(object))])
        if let index = try reader.optional("index") {
            guard index.int != nil else { throw reader.error("index", "must be a whole number") }
            annotation["index"] = index
        }
        return .object(annotation)
    }
}
