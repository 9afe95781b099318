import Foundation
import Testing

/// Consent to tool calls, over HTTP, across restarts and in the terminal. The plugin is `Tests/Fixtures/ToolsC`: its tool `guarded` counts
/// how often it really ran.
struct ApprovalTests {
    private static let good = ServerProcess.products.appendingPathComponent("fixtures")

    private func question(_ response: ChatKitClient.Response) throws -> (item: String, key: String, text: String) {
        let item = try #require(response.events.last?.item)
        #expect(item["type"] as? String == "structured_input" && item["status"] as? String == "pending")
        let input = try #require((item["inputs"] as? [[String: Any]])?.first)
        return (
            try #require(item["id"] as? String), try #require(input["id"] as? String),
            try #require(input["question"] as? String)
        )
    }

    private func answer(
        _ client: ChatKitClient, _ thread: String, _ item: String, _ key: String, _ word: String
    ) throws -> ChatKitClient.Response {
        try client.call(
            "threads.add_structured_input",
            ["thread_id": thread, "item_id": item, "input": ["answers": [key: ["values": [word]]]]])
    }

    @Test(arguments: ["", "*"]) func theAnswerComesAfterTheServerWasKilled(trusted: String) throws {
        let first = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let asked = try first.client(user: "ann").create(#"call guarded {"why":"test"}"#, agent: "tools-c")
        let thread = try #require(asked.threadID)
        let (item, key, text) = try question(asked)
        #expect(text.contains("Count with consent") && text.contains(#"{"why":"test"}"#))
        #expect(text.contains("dev.agenthost.fixture.tools-c/guarded"))
        #expect(first.waitForLog(#""msg":"approval asked""#))
        #expect(first.stop(SIGKILL) == -SIGKILL)

        let second = try ServerProcess(folder: first.folder, plugins: [Self.good], trusted: trusted)
        let ann = second.client(user: "ann")
        #expect(try answer(second.client(user: "eve"), thread, item, key, "Approve").status == 404)
        let done = try answer(ann, thread, item, key, "Approve")
        #expect(done.texts.joined().contains(#"{"count":1}"#))
        #expect(done.events.prefix(2).map(\.type) == ["stream_options", "thread.item.replaced"])
        let again = try answer(ann, thread, item, key, "Approve")
        #expect(again.status == 409 && again.code == "not_pending")
        // Once more, and denied: it has run once in all.
        let next = try ann.say(#"call guarded {"why":"again"}"#, in: thread)
        let (secondItem, secondKey, _) = try question(next)
        #expect(try answer(ann, thread, secondItem, secondKey, "Deny").texts.joined().contains("did not agree"))
        #expect(try ann.say("call counter {}", in: thread).texts.joined().contains(#"{"count":2}"#))

        #expect(second.waitForLog(#""decision":"denied""#))
        let lines = second.log.components(separatedBy: "\n").filter { $0.contains("approval decided") }
        #expect(lines.count == 2)
        let line = try #require(
            try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        #expect(line["owner"] as? String == "h:ann" && line["decision"] as? String == "approved")
        #expect(line["tool"] as? String == "dev.agenthost.fixture.tools-c/guarded")
        // printf '{"why":"test"}' | sha256sum
        #expect(
            line["arguments_sha256"] as? String == "ffa6cbc61c4e00ef899eb77683da4d2b2c7152f80c29aef1dd75f7fc839f64d3")
        #expect(line["thread_id"] as? String == thread && line["ts"] is String)
        #expect(!lines.joined().contains("why"), "arguments are not logged")
    }

    @Test func theOperatorsPolicyDecides() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("policy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("policy.json")
        try
            #"{"rules":[{"tool":"*/guarded","owner":"h:boss","decision":"allow"},{"tool":"*/add","decision":"ask"},{"tool":"*/counter","owner":"h:guest","decision":"deny"}]}"#
            .write(to: file, atomically: true, encoding: .utf8)
        let environment = ["AGENTHOST_TOOL_POLICY": file.path]
        let server = try ServerProcess(plugins: [Self.good], environment: environment)
        let boss = try server.client(user: "boss").create("call guarded {}", agent: "tools-c")
        #expect(boss.texts.joined().contains(#"{"count":1}"#))
        _ = try question(try server.client(user: "ann").create(#"call add {"a":1,"b":2}"#, agent: "tools-c"))
        let guest = try server.client(user: "guest").create("call counter {}", agent: "tools-c")
        #expect(guest.texts.joined().contains("no tool named"))

        try #"{"rules":[{"tool":"guarded","decision":"allow"}]}"#.write(to: file, atomically: true, encoding: .utf8)
        let refusal = #expect(throws: ServerProcess.DidNotStart.self) {
            try ServerProcess(plugins: [Self.good], environment: environment)
        }
        #expect(refusal?.status == 1)
        let words = (refusal?.log ?? "") + (refusal?.output ?? "")
        #expect(words.contains("rules[0].tool"))
    }

    @Test(arguments: [("y", "Tool said: {\"count\":1}"), ("n", "did not agree"), ("", "did not agree")])
    func theTerminalAsks(_ word: String, _ expected: String) throws {
        let (status, output, errors) = try runHostServer(
            ["chat", "tools-c", "--plugins", Self.good.path], input: "call guarded {\"n\":1}\n\(word)\nquit\n")
        #expect(status == 0, "\(errors)")
        #expect(output.contains("Allow “Count with consent”: n: 1?"))
        #expect(output.contains("[y/n] "))
        #expect(output.contains(expected), "\(output)")
    }
}
