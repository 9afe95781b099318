/// How one tree of a widget becomes the next: the smallest updates of the protocol that say it (`chatkit-protocol.md` 5). Pure.
///
/// - Text that grew at the end of a `Text` or `Markdown` with an id, and nothing else of that node: a value delta.
/// - Other changes inside a component with an id: that component, the innermost one that holds the whole change.
/// - Anything else: the root. Also where an id would disappear or appear elsewhere, or is not unique: clients find components by
///   their ids.
enum WidgetDiff {
    /// The updates that lead from `old` to `new`, in the order of the tree; none when they are equal. Both without nulls.
    static func updates(from old: JSON, to new: JSON) -> [ChatKit.ItemUpdate] {
        if old == new { return [] }
        guard let before = Identities(old), let after = Identities(new), before.ids.isSubset(of: after.ids) else {
            return [.widgetRoot(new)]
        }
        var comparison = Comparison()
        return comparison.compare(old, new) ? comparison.updates : [.widgetRoot(new)]
    }

    /// The tree with more text in the component of that id; nil when there is no `Text` or `Markdown` of that id.
    ///
    /// - Parameter isDone: the component streams no more.
    static func appending(_ delta: String, to component: String, in tree: JSON, isDone: Bool) -> JSON? {
        switch tree {
        case .array(var elements):
            for (index, element) in elements.enumerated() {
                guard let changed = appending(delta, to: component, in: element, isDone: isDone) else { continue }
                elements[index] = changed
                return .array(elements)
            }
        case .object(var object):
            if streams(object), object["id"]?.string == component {
                object["value"] = .string((object["value"]?.string ?? "") + delta)
                if isDone, object["streaming"] != nil { object["streaming"] = false }
                return .object(object)
            }
            for (key, value) in object.members where !isFree(key) {
                guard let changed = appending(delta, to: component, in: value, isDone: isDone) else { continue }
                object[key] = changed
                return .object(object)
            }
        default: break
        }
        return nil
    }

    /// Whether the component is one whose value clients append to.
    fileprivate static func streams(_ object: JSONObject) -> Bool {
        object["type"] == "Text" || object["type"] == "Markdown"
    }

    /// Whether the member is JSON of the agent's own, which may hold what looks like components and is none.
    fileprivate static func isFree(_ key: String) -> Bool { key == "payload" || key == "data" }

    /// Whether the object is a component rather than, say, an action or a colour.
    fileprivate static func componentID(_ object: JSONObject) -> String? {
        object["type"]?.string == nil ? nil : object["id"]?.string
    }
}

/// The ids of a tree's components; nil when one is used twice.
private struct Identities {
    private(set) var ids: Set<String> = []

    init?(_ tree: JSON) {
        guard collect(tree) else { return nil }
    }

    private mutating func collect(_ tree: JSON) -> Bool {
        switch tree {
        case .array(let elements): return elements.allSatisfy { collect($0) }
        case .object(let object):
            if let id = WidgetDiff.componentID(object), !ids.insert(id).inserted { return false }
            return object.members.allSatisfy { WidgetDiff.isFree($0.key) || collect($0.value) }
        default: return true
        }
    }
}

private struct Comparison {
    var updates: [ChatKit.ItemUpdate] = []

    /// Collects updates for what differs; false when something differs that no component with an id holds.
    mutating func compare(_ old: JSON, _ new: JSON) -> Bool {
        switch (old, new) {
        case (.object(let old), .object(let new)): return compare(old, new)
        case (.array(let old), .array(let new)):
            guard old.count == new.count else { return false }
            return zip(old, new).allSatisfy { compare($0, $1) }
        default: return old == new
        }
    }

    private mutating func compare(_ old: JSONObject, _ new: JSONObject) -> Bool {
        let id = WidgetDiff.componentID(old)
        guard id == WidgetDiff.componentID(new), old["type"] == new["type"] else { return false }
        guard let id else { return compareMembers(old, new) }
        if let delta = WidgetDiff.growth(from: old, to: new) {
            if !delta.isEmpty {
                updates.append(
                    .widgetTextDelta(componentID: id, delta: delta, done: new["streaming"]?.bool != true))
            }
            return true
        }
        let before = updates.count
        if compareMembers(old, new) { return true }
        // Components inside that were told of already are part of this one.
        updates.removeSubrange(before...)
        // What leaves this component for another place would be twice in the tree, or lost.
        guard let lost = Identities(.object(old))?.ids, let kept = Identities(.object(new))?.ids,
            lost.isSubset(of: kept)
        else { return false }
        updates.append(.widgetComponent(componentID: id, component: .object(new)))
        return true
    }

    private mutating func compareMembers(_ old: JSONObject, _ new: JSONObject) -> Bool {
        guard old.members.count == new.members.count else { return false }
        return old.members.allSatisfy { key, value in
            guard let other = new[key] else { return false }
            return WidgetDiff.isFree(key) ? value == other : compare(value, other)
        }
    }
}

extension WidgetDiff {
    /// The text that was appended to a streaming component, if nothing else of it changed; empty when nothing did.
    fileprivate static func growth(from old: JSONObject, to new: JSONObject) -> String? {
        guard streams(old), let before = old["value"]?.string, let after = new["value"]?.string else { return nil }
        // By bytes: a combining mark that is appended changes the last character, but not the bytes before it.
        guard after.utf8.starts(with: before.utf8) else { return nil }
        var rest = new
        rest["value"] = old["value"]
        guard rest == old else { return nil }
        return String(decoding: after.utf8.dropFirst(before.utf8.count), as: UTF8.self)
    }
}
