@testable import AgentHost

/// What a client does with updates of a widget (`chatkit-protocol.md` 5).
enum WidgetClient {
    static func apply(_ update: ChatKit.ItemUpdate, to tree: JSON) -> JSON {
        switch update {
        case .widgetRoot(let root): root
        case .widgetComponent(let id, let component): replace(id, in: tree) { _ in component }
        case .widgetTextDelta(let id, let delta, _):
            replace(id, in: tree) { object in
                var object = object
                object["value"] = .string((object["value"]?.string ?? "") + delta)
                return .object(object)
            }
        default: tree
        }
    }

    /// The tree with every component of that id changed.
    private static func replace(_ id: String, in tree: JSON, by change: (JSONObject) -> JSON) -> JSON {
        switch tree {
        case .array(let elements): .array(elements.map { replace(id, in: $0, by: change) })
        case .object(let object):
            if object["id"]?.string == id, object["type"] != nil {
                change(object)
            } else {
                .object(
                    JSONObject(
                        members: object.members.map { key, value in
                            (key, key == "payload" ? value : replace(id, in: value, by: change))
                        }))
            }
        default: tree
        }
    }
}
