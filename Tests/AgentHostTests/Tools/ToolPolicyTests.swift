import Testing

@testable import AgentHost

struct ToolPolicyTests {
    private static func tool(_ name: String, destructive: Bool = false, needsApproval: Bool = false) -> ToolDescriptor {
        ToolDescriptor(
            plugin: "dev.example.todo", name: name, exposedName: name, title: name, description: "", inputSchema: [:],
            isDestructive: destructive, needsApproval: needsApproval)
    }
    private static func policy(_ text: String) throws(ToolPolicyError) -> ToolPolicy {
        try ToolPolicy(parsing: Array(text.utf8))
    }

    @Test func withoutRulesTheManifestDecides() {
        let caller = ToolCaller(owner: ada)
        #expect(ToolPolicy().decision(for: Self.tool("a"), caller) == .allow)
        #expect(ToolPolicy().decision(for: Self.tool("a", destructive: true), caller) == .allow)
        #expect(ToolPolicy().decision(for: Self.tool("a", needsApproval: true), caller) == .ask)
    }

    @Test func theFirstRuleThatMatchesDecides() throws {
        let policy = try Self.policy(
            """
            {"rules": [
              {"comment": "ops", "tool": "dev.example.*/delete_*", "owner": "t:root", "decision": "allow"},
              {"destructive": true, "decision": "ask"},
              {"tool": "dev.example.todo/list", "agent": "Todo*", "decision": "allow"},
              {"tool": "*/read_*", "read_only": false, "decision": "allow"},
              {"decision": "deny"}
            ]}
            """)
        func decide(_ tool: ToolDescriptor, _ owner: String, _ agent: String) -> ToolPolicy.Decision {
            policy.decision(for: tool, ToolCaller(owner: OwnerKey(owner), agentID: agent))
        }
        #expect(decide(Self.tool("delete_all", destructive: true), "t:root", "x") == .allow)
        #expect(decide(Self.tool("delete_all", destructive: true), "h:root", "x") == .ask)
        #expect(decide(Self.tool("list"), "h:ada", "TodoTasks") == .allow)
        #expect(decide(Self.tool("list"), "h:ada", "Other") == .deny)
        #expect(decide(Self.tool("read_it"), "h:ada", "Other") == .allow)
        #expect(decide(Self.tool("list", needsApproval: true), "h:ada", "Other") == .deny)
    }

    @Test(arguments: [
        ("", "JSON"), ("[]", "rules"), ("{}", "rules"), (#"{"rules":{}}"#, "rules"), (#"{"rules":[],"x":1}"#, "rules"),
        (#"{"rules":[1]}"#, "rules[0] must be an object"), (#"{"rules":[{}]}"#, "rules[0].decision"),
        (#"{"rules":[{"decision":"Deny"}]}"#, "rules[0].decision"),
        (#"{"rules":[{"decision":"deny","tols":"a/b"}]}"#, "\"tols\""),
        (#"{"rules":[{"decision":"deny","tool":"delete"}]}"#, "plugin-id/tool"),
        (#"{"rules":[{"decision":"deny","tool":7}]}"#, "rules[0].tool"),
        (#"{"rules":[{"decision":"deny","agent":""}]}"#, "rules[0].agent"),
        (#"{"rules":[{"decision":"deny","owner":"ada"}]}"#, "begin with h:"),
        (#"{"rules":[{"decision":"deny","destructive":"yes"}]}"#, "rules[0].destructive"),
        (#"{"rules":[{"decision":"deny","decision":"allow"}]}"#, "JSON"),
    ]) func whatIsWrittenWronglyIsRefused(_ text: String, _ words: String) {
        let error = #expect(throws: ToolPolicyError.self) { try Self.policy(text) }
        #expect(error?.sentence.contains(words) == true)
    }
}
