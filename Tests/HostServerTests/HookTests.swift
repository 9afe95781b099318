import Foundation
import Testing

/// Hooks, agents as tools and handing over, through the ABI and over HTTP, with the same `.so` in both modes. The plugin is
/// `Tests/Fixtures/ToolsC`.
struct HookTests {
    private static let good = ServerProcess.products.appendingPathComponent("fixtures")

    private func code(_ response: ChatKitClient.Response) -> String? {
        response.events.last.flatMap { $0.type == "error" ? $0.json["code"] as? String : nil }
    }

    @Test(arguments: ["", "*"]) func hooksHaveTheirSay(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let client = server.client()
        #expect(try client.create("hello", agent: "hooked-c").texts == ["You said: hello [Of the hook.\n\nWhat tools]"])
        for (said, answered) in [
            (#"call add {"a":1,"b":2}"#, #"Tool said: {"sum":3}"#),
            (#"call add {"a":13,"b":2}"#, "Tool said: Error: Thirteen is not allowed."),
            (#"call add {"a":7,"b":2}"#, #"Tool said: {"sum":710}"#),
            (
                #"call add {"a":99,"b":2}"#,
                "Tool said: Error: The call was not made: the agent's own check of it failed."
            ),
            (
                #"call add {"a":250,"b":250}"#,
                "Tool said: Error: The result is withheld: the agent's own check of it failed."
            ),
        ] { #expect(try client.create(said, agent: "hooked-c").texts == [answered], "\(said)") }
        let stopped = try client.create("say @stop", agent: "hooked-c")
        #expect(code(stopped) == "hook_stopped")
        #expect(stopped.events.last?.json["message"] as? String == "That must not be said.")
        for word in ["@fail", "@nonsense", "@hang"] {
            let failed = try client.create("say \(word)", agent: "hooked-c")
            #expect(failed.isComplete && code(failed) == "hook_failed", "\(word)")
            let thread = try #require(failed.threadID)
            #expect(try client.call("threads.get_by_id", ["thread_id": thread]).status == 200)
        }
        #expect(server.waitForLog("The hook was told to fail."))
        #expect(try client.create("hello", agent: "hooked-c").texts.joined().hasPrefix("You said: hello"))
    }

    @Test func aHookThatCrashesEndsOneTurn() throws {
        let server = try ServerProcess(plugins: [Self.good])
        let crashed = try server.client().create("say @crash", agent: "hooked-c")
        #expect(crashed.isComplete && ["hook_failed", "model_crashed"].contains(code(crashed)))
        #expect(try server.client().create("hello", agent: "hooked-c").texts.joined().contains("hello"))
    }

    @Test(arguments: ["", "*"]) func anAgentAsksAnotherAndHandsOver(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let client = server.client()
        let asked = try client.create(
            #"call ask_tools-c {"message":"call add {\"a\":1,\"b\":2}"}"#, agent: "front-c")
        #expect(asked.texts == [#"Tool said: Tool said: {"sum":3}"#])
        let handed = try client.create("call transfer_to_tools-c {}", agent: "front-c")
        #expect(handed.texts.joined().contains("handed over to tools-c"))
        #expect(
            handed.events.contains {
                $0.type == "notice" && $0.json["message"] as? String == "Tools in C goes on from here."
            })
        let thread = try #require(handed.threadID)
        // The thread belongs to the other agent now, which has other tools.
        #expect(try client.say(#"call add {"a":2,"b":3}"#, in: thread).texts == [#"Tool said: {"sum":5}"#])
        #expect(server.waitForLog("conversation handed over"))
    }
}
