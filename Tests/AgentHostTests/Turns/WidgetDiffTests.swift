import Testing

@testable import AgentHost

struct WidgetDiffTests {
    private static func card(_ children: JSON...) -> JSON { ["type": "Card", "children": .array(children)] }
    private static func text(_ id: String, _ value: String, streaming: Bool? = true) -> JSON {
        var object = JSONObject(members: [("type", "Text"), ("id", .string(id)), ("value", .string(value))])
        object["streaming"] = streaming.map { .bool($0) }
        return .object(object)
    }

    /// What is sent, in short, for a step from one tree to the next.
    static let steps: [(String, JSON, JSON, [String])] = [
        ("nothing", card(text("a", "x")), card(text("a", "x")), []),
        ("order of members", ["type": "Card", "size": "sm"], ["size": "sm", "type": "Card"], []),
        ("text grows", card(text("a", "x")), card(text("a", "xy")), ["a +y"]),
        (
            "streaming is over", card(text("a", "x", streaming: nil)), card(text("a", "xy", streaming: nil)),
            ["a +y done"]
        ),
        ("two texts", card(text("a", ""), text("b", "1")), card(text("a", "x"), text("b", "12")), ["a +x", "b +2"]),
        ("text is cut", card(text("a", "xy")), card(text("a", "x")), ["component a"]),
        ("streaming changes", card(text("a", "x")), card(text("a", "xy", streaming: false)), ["component a"]),
        ("a combining mark", card(text("a", "e")), card(text("a", "e\u{301}")), ["a +\u{301}"]),
        (
            "a component", card(["type": "Badge", "id": "b", "label": "1"]),
            card(["type": "Badge", "id": "b", "label": "2"]), ["component b"]
        ),
        (
            "the innermost one",
            card(["type": "Box", "id": "o", "children": [["type": "Badge", "id": "b", "label": "1"]]]),
            card(["type": "Box", "id": "o", "children": [["type": "Badge", "id": "b", "label": "2"]]]), ["component b"]
        ),
        (
            "its container takes it in",
            card(["type": "Box", "id": "o", "gap": 1, "children": [text("t", "x")]]),
            card(["type": "Box", "id": "o", "gap": 2, "children": [text("t", "xy")]]), ["component o"]
        ),
        ("no id", card(["type": "Badge", "label": "1"]), card(["type": "Badge", "label": "2"]), ["root"]),
        ("an id vanishes", card(text("a", "x"), text("b", "y")), card(text("a", "xz")), ["root"]),
        (
            "an id vanishes inside a component", card(["type": "Box", "id": "o", "children": [text("t", "x")]]),
            card(["type": "Box", "id": "o", "children": []]), ["root"]
        ),
        (
            "an id appears inside a component", card(["type": "Box", "id": "o", "children": []]),
            card(["type": "Box", "id": "o", "children": [text("t", "x")]]), ["component o"]
        ),
        ("places are swapped", card(text("a", "x"), text("b", "y")), card(text("b", "y"), text("a", "x")), ["root"]),
        ("an id twice", card(text("a", "x"), text("a", "x")), card(text("a", "xy"), text("a", "x")), ["root"]),
        ("a child more", card(text("a", "x")), card(text("a", "x"), text("b", "")), ["root"]),
        ("another type", card(text("a", "x")), card(["type": "Markdown", "id": "a", "value": "xy"]), ["root"]),
        ("another root", ["type": "Card", "children": []], ["type": "Basic", "children": []], ["root"]),
        (
            "an action's payload is no component",
            card([
                "type": "Button",
                "onClickAction": ["type": "go", "payload": ["type": "Text", "id": "a", "value": "1"]],
            ]),
            card([
                "type": "Button",
                "onClickAction": ["type": "go", "payload": ["type": "Text", "id": "a", "value": "12"]],
            ]),
            ["root"]
        ),
    ]

    @Test(arguments: steps.indices) func step(_ index: Int) {
        let (name, old, new, expected) = WidgetDiffTests.steps[index]
        let updates = WidgetDiff.updates(from: old, to: new)
        #expect(updates.map(\.short) == expected, "\(name)")
        #expect(updates.reduce(old) { WidgetClient.apply($1, to: $0) } == new, "\(name)")
    }

    @Test func appending() {
        let tree = WidgetDiffTests.card(WidgetDiffTests.text("a", "x"))
        #expect(
            WidgetDiff.appending("y", to: "a", in: tree, isDone: true)
                == WidgetDiffTests.card(WidgetDiffTests.text("a", "xy", streaming: false)))
        #expect(WidgetDiff.appending("y", to: "b", in: tree, isDone: false) == nil)
        #expect(
            WidgetDiff.appending(
                "y", to: "b", in: WidgetDiffTests.card(["type": "Badge", "id": "b"]), isDone: false) == nil)
    }

    // MARK: Properties

    /// Whatever the agent makes of its tree: a client that applies the updates has that tree, at every step.
    @Test(arguments: 0..<UInt64(40)) func updatesAlwaysAddUpToTheNextTree(_ seed: UInt64) {
        var random = SeededGenerator(seed)
        for _ in 0..<40 {
            var maker = TreeMaker(random: SeededGenerator(random.next()))
            var shown = maker.root()
            var tree = shown
            for _ in 0..<12 {
                tree = random.chance(5) ? maker.root() : maker.changed(tree)
                let updates = WidgetDiff.updates(from: shown, to: tree)
                let next = updates.reduce(shown) { WidgetClient.apply($1, to: $0) }
                guard next == tree else {
                    Issue.record("seed \(seed): \(shown.text) → \(tree.text) by \(updates.map(\.short))")
                    return
                }
                #expect((shown == tree) == updates.isEmpty)
                shown = next
            }
        }
    }

    /// Text that only grows is never sent twice.
    @Test(arguments: 0..<UInt64(20)) func growingTextIsSentAsDeltasAlone(_ seed: UInt64) {
        var random = SeededGenerator(seed)
        var values = ["a": "", "b": "", "c": ""]
        func tree() -> JSON {
            WidgetDiffTests.card(
                WidgetDiffTests.text("a", values["a"] ?? ""),
                ["type": "Box", "children": [WidgetDiffTests.text("b", values["b"] ?? "")]],
                ["type": "Markdown", "id": "c", "value": .string(values["c"] ?? "")])
        }
        var sent = ["a": "", "b": "", "c": ""]
        for _ in 0..<60 {
            let before = tree()
            for id in ["a", "b", "c"] where random.chance(50) {
                values[id]? += random.one(of: ["é", "e\u{301}", " ", "👩‍👩‍👧", "\n", "word", "\u{2028}"])
            }
            for update in WidgetDiff.updates(from: before, to: tree()) {
                guard case .widgetTextDelta(let id, let delta, _) = update else {
                    Issue.record("seed \(seed): \(update.short)")
                    continue
                }
                sent[id]? += delta
            }
        }
        #expect(sent.mapValues { Array($0.utf8) } == values.mapValues { Array($0.utf8) })
    }
}

extension ChatKit.ItemUpdate {
    fileprivate var short: String {
        switch self {
        case .widgetTextDelta(let id, let delta, let done): "\(id) +\(delta)\(done ? " done" : "")"
        case .widgetComponent(let id, _): "component \(id)"
        case .widgetRoot: "root"
        default: "something else"
        }
    }
}

/// Makes widgets and changes them as agents may: from a letter that is appended to components that swap their places.
private struct TreeMaker {
    var random: SeededGenerator
    private var ids = 0

    init(random: SeededGenerator) { self.random = random }

    mutating func root() -> JSON {
        ["type": .string(random.one(of: ["Card", "Basic", "ListView"])), "children": .array(children(depth: 0))]
    }

    private mutating func children(depth: Int) -> [JSON] { (0..<random.number(4)).map { _ in node(depth: depth) } }

    private mutating func node(depth: Int) -> JSON {
        var object = JSONObject(members: [])
        object["type"] = .string(random.one(of: ["Text", "Markdown", "Badge", "Box", "Button"]))
        // Now and then an id that is taken already.
        if random.chance(70) {
            ids += 1
            object["id"] = .string("n\(random.chance(4) ? random.number(ids) : ids)")
        }
        if random.chance(60) { object["value"] = .string(word()) }
        if random.chance(30) { object["streaming"] = .bool(random.chance(50)) }
        if random.chance(15) { object["onClickAction"] = ["type": "go", "payload": ["type": "Text", "id": "n1"]] }
        if depth < 3, random.chance(50) { object["children"] = .array(children(depth: depth + 1)) }
        return .object(object)
    }

    private mutating func word() -> String { random.one(of: ["", "a", "é", "e\u{301}", "two words", "😀"]) }

    /// The tree with one thing changed somewhere.
    mutating func changed(_ tree: JSON) -> JSON {
        guard var object = tree.object else { return tree }
        if var children = object["children"]?.array, !children.isEmpty, random.chance(75) {
            let index = random.number(children.count)
            switch random.number(12) {
            case 0: children.remove(at: index)
            case 1: children.insert(node(depth: 2), at: index)
            case 2: children.swapAt(index, random.number(children.count))
            case 3: children[index] = node(depth: 2)
            default: children[index] = changed(children[index])
            }
            object["children"] = .array(children)
        } else {
            switch random.number(6) {
            case 0: object["label"] = .int(Int64(random.number(3)))
            case 1: object["streaming"] = .bool(random.chance(50))
            case 2: object["gap"] = object["gap"] == nil ? 1 : JSON?.none
            default: object["value"] = .string((object["value"]?.string ?? "") + word())
            }
        }
        return .object(object)
    }
}
