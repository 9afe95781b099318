import Foundation
import Testing

/// Strange things that a plugin says, in both plugin modes: they cost at most the turn, and its stream ends with its `error` event.
struct HostilePluginTests {
    /// The script of steps for the fixture ScriptC.
    private func script(_ steps: [[Any]]) throws -> String {
        "@script " + String(decoding: try JSONSerialization.data(withJSONObject: steps), as: UTF8.self)
    }

    private static let kinds = [
        "widget", "annotation", "workflow", "task", "workflow_end", "progress", "notice", "effect", "hidden_context",
        "thread", "options",
    ]

    @Test(arguments: ["", "*"]) func textThatIsNotUTF8IsRepaired(trusted: String) throws {
        let server = try ServerProcess(plugins: [FaultTests.good], trusted: trusted)
        for (hex, text) in [
            ("61ff62", "a\u{FFFD}b"), ("eda080", "\u{FFFD}\u{FFFD}\u{FFFD}"), ("c0af", "\u{FFFD}\u{FFFD}"),
            ("610062", "a\u{FFFD}b"), ("f09f98", "\u{FFFD}"), ("01021f7f", "\u{1}\u{2}\u{1F}\u{7F}"),
        ] {
            let response = try server.client().create(
                try script([["bytes", 1, hex], ["done", 1]]), agent: "script-c")
            #expect(response.isComplete)
            #expect(response.texts == [text], "\(hex)")
            #expect(try server.client().items(try #require(response.threadID)).count == 2)
        }
        #expect(server.waitForLog("it broke the contract"))
    }

    @Test(arguments: ["", "*"]) func contentThatCannotBeReadFailsItsTurn(trusted: String) throws {
        let server = try ServerProcess(plugins: [FaultTests.good], trusted: trusted)
        let client = server.client()
        let surrogate = #"{"type":"Card","text":"\ud800","name":"x","content":"x","message":"x","allow_cancel":true}"#
        for kind in Self.kinds {
            let steps: [(String, [Any])] = [
                ("empty", ["raw", 2, kind, ""]), ("malformed", ["raw", 2, kind, "{,}"]),
                ("array", ["raw", 2, kind, "[]"]),
                ("null", ["raw", 2, kind, "null"]), ("bytes behind", ["raw", 2, kind, "{}x"]),
                ("key twice", ["raw", 2, kind, #"{"a":1,"a":1}"#]), ("number", ["raw", 2, kind, #"{"a":1e999}"#]),
                ("surrogate", ["raw", 2, kind, surrogate]), ("no UTF-8", ["rawbytes", 2, kind, "7bff7d"]),
                ("100,000 arrays", ["nest", 2, kind, #"{"a":"#, "[", 100_000, "", "]", "}"]),
                ("65 levels", ["nest", 2, kind, #"{"a":"#, "[", 64, "", "]", "}"]),
            ]
            for (name, step) in steps {
                let said = try script([["text", 1, "Before."], ["done", 1], step, ["text", 3, "Behind."]])
                let response = try client.create(said, agent: "script-c")
                #expect(response.isComplete, "\(kind), \(name)")
                #expect(response.events.last?.type == "error", "\(kind), \(name)")
                #expect(response.events.last?.json["code"] as? String == "agent_misbehaved", "\(kind), \(name)")
                #expect(response.texts == ["Before."], "\(kind), \(name)")
            }
        }
        #expect(try client.create(try script([["text", 1, "Well."]]), agent: "script-c").texts == ["Well."])
    }

    /// What the runtime refuses at once: the plugin is told, and goes on.
    @Test(arguments: ["", "*"]) func whatIsTooMuchIsNotAccepted(trusted: String) throws {
        let server = try ServerProcess(plugins: [FaultTests.good], trusted: trusted)
        for (step, status): ([Any], String) in [
            (["emit", 2, "nonsense", [String: Any]()], "-8"), (["emit", 2, "", [String: Any]()], "-8"),
            (["emit", 2, String(repeating: "x", count: 100_000), [String: Any]()], "-8"),
            (["rawbytes", 2, "widget\u{1}", "7b7d"], "-8"), (["many", 2, "x", 65_537], "-7"),
            (["nest", 2, "effect", #"{"name":"x","data":{"a":""#, "y", 1_048_576, "", "", #""}}"#], "-7"),
        ] {
            let response = try server.client().create(
                try script([step, ["status", 1], ["done", 1]]), agent: "script-c")
            #expect(response.isComplete)
            #expect(response.texts == [status], "\(step.prefix(3))")
        }
    }

    /// As deep as an emission may be: stored, listed, and the thread goes on.
    @Test(arguments: ["", "*"]) func deepContentWithinTheLimitStays(trusted: String) throws {
        let server = try ServerProcess(plugins: [FaultTests.good], trusted: trusted)
        let client = server.client()
        let deep: [Any] = ["nest", 2, "widget", #"{"type":"Card","children":"#, "[", 63, "", "]", "}"]
        let response = try client.create(try script([deep, ["done", 2]]), agent: "script-c")
        #expect(response.events.last?.item?["type"] as? String == "widget")
        let thread = try #require(response.threadID)
        #expect(try client.say(try script([["text", 1, "On."]]), in: thread).texts == ["On."])
        #expect(try client.items(thread).count == 4)
    }

    @Test(arguments: ["", "*"]) func strangeEnds(trusted: String) throws {
        let server = try ServerProcess(plugins: [FaultTests.good], trusted: trusted)
        for (status, sentence) in [
            (-1, "a\0b"), (-77, ""), (-12, "conflict"), (Int(Int32.min), "least"),
            (-1, String(repeating: "x", count: 200_000)),
        ] {
            let response = try server.client().create(try script([["finish", status, sentence]]), agent: "script-c")
            #expect(response.isComplete)
            #expect(response.events.last?.type == "error", "\(status)")
            #expect(response.events.last?.json["allow_retry"] is Bool, "\(status)")
        }
        #expect(try server.client().create(try script([["finish", 5, ""]]), agent: "script-c").isComplete)
    }
}
