import Dispatch
import PluginABI
import Synchronization
import Testing

@testable import AgentPluginKit

/// Coded agents and what they ask of the host, through the C tables.
struct CodedAgentTests {
    private func driver(_ configuration: String = "{}") throws -> Driver {
        let plugin = try #require(entry(for: KitFixture.self))
        return try #require(Driver(plugin, configuration: configuration))
    }

    private func answer(_ driver: Driver, _ agent: String, input: String = "[]") async throws -> FakeHost.TurnLog {
        let (status, turn) = driver.beginTurn(agent, input: input)
        try #require(status == AP_OK)
        return await driver.host.finishedLog(of: turn)
    }

    // MARK: Pace

    @Test func anAgentPausesUntilItsReaderHasCaughtUp() async throws {
        let driver = try driver()
        driver.host.state.withLock { $0.whenSlow = { _ in } }
        let (_, turn) = driver.beginTurn("six-words")
        for count in 1...6 {
            #expect(await driver.host.log(of: turn) { $0.said.count == count }.said.count == count)
            try await Task.sleep(for: .milliseconds(60))
            #expect(driver.host.log(of: turn).said.count == count, "it did not wait")
            driver.writable(turn)
        }
        let log = await driver.host.finishedLog(of: turn)
        #expect(log.said == (1...6).map { "0: word \($0)" })
        #expect(log.status == AP_OK)
        driver.writable(turn)  // Late news of a turn that is over.
        await driver.destroy()
    }

    @Test func newsThatComesBeforeTheAnswerIsNotLost() async throws {
        let driver = try driver()
        driver.host.state.withLock { $0.whenSlow = { turn in DispatchQueue.global().sync { driver.writable(turn) } } }
        let log = try await answer(driver, "six-words")
        #expect(log.said.count == 6)
        #expect(log.status == AP_OK)
        await driver.destroy()
    }

    @Test(arguments: ["six-words", "forgetful"]) func cancellingEndsThePause(agent: String) async throws {
        let driver = try driver()
        driver.host.state.withLock { $0.whenSlow = { _ in } }
        let (_, turn) = driver.beginTurn(agent)
        #expect(await driver.host.log(of: turn) { !$0.said.isEmpty }.said.count == 1)
        driver.cancelTurn(turn)
        let log = await driver.host.finishedLog(of: turn)
        #expect(log.status == AP_E_CANCELLED)
        #expect(log.said.count == 1)
        await driver.destroy()
        #expect(driver.host.log(of: turn).finishes == 1)
    }

    // MARK: Kinds

    @Test func everyKindOfEmitHasAFunction() async throws {
        let driver = try driver()
        let log = try await answer(driver, "every-kind")
        #expect(
            log.said == [
                #"1 annotation {"source":{"type":"url","title":"T","url":"u"},"index":3}"#,
                #"2 workflow {"type":"reasoning","expanded":false}"#, #"2 task {"title":"t","index":0}"#,
                #"2 workflow_end {"summary":{"title":"s","icon":"check"}}"#, "3 workflow_end {}",
                #"0 progress {"text":"p","icon":"bolt"}"#, #"0 notice {"message":"n","level":"danger"}"#,
                #"0 effect {"name":"e","data":{}}"#, #"4 widget {"widget":{"type":"Card"},"copy_text":"c"}"#,
                #"4 widget.text {"id":"x","delta":"d","done":true}"#, "5 image {}",
                #"5 image {"image":{"url":"u"},"progress":0.5}"#,
                #"0 client_tool_call {"name":"f","arguments":{"a":null}}"#,
                #"0 structured_input {"inputs":[{"id":"q","question":"?"}]}"#, #"0 thread {"title":"T"}"#,
                #"0 hidden_context {"content":[1]}"#, #"6 item {"type":"end_of_turn"}"#,
                #"0 replace {"id":"msg_1","item":{"type":"end_of_turn"}}"#, "6 remove {}", "0 end_of_turn {}",
                #"0 options {"allow_cancel":false}"#,
                #"0 error {"code":"quota","message":"no","allow_retry":true}"#,
            ])
        #expect(log.status == AP_OK)
        await driver.destroy()
    }

    static let causes: [(kind: String, input: String, said: [String])] = [
        ("user_message", #"[{"content":[{"text":"a"},{"text":"b"}]}]"#, ["0: said ab"]),
        ("retry", #"[{"content":[{"text":"a"}]}]"#, ["0: said a"]),
        ("client_tool_output", #"[{"output":{"k":null}}]"#, [#"0: output {"k":null}"#]),
        ("client_tool_output", #"[{"status":"completed"}]"#, ["0: output null"]),
        (
            "structured_input",
            #"[{"inputs":[{"id":"b","answer":{"values":[],"skipped":true}},{"id":"a","answer":{"values":["1","2"]}}]}]"#,
            [#"0: answer a ["1", "2"]"#, "0: answer b []"]
        ),
        (
            "action", #"[{"action":{"type":"go","payload":{"k":1}},"item_id":"msg_1"}]"#,
            [#"0: action go {"k":1} msg_1"#]
        ),
        ("sync_action", #"[{"action":{"type":"go"}}]"#, ["0: action go null page"]),
        ("feedback", #"[{"kind":"negative","item_ids":["a","b"]}]"#, [#"0: feedback false ["a", "b"]"#]),
    ]

    @Test(arguments: causes.indices) func whatCausedATurn(_ index: Int) async throws {
        let (kind, input, said) = CodedAgentTests.causes[index]
        let driver = try driver()
        let (status, turn) = driver.beginTurn("causes", input: input, kind: kind)
        #expect(status == AP_OK)
        #expect(await driver.host.finishedLog(of: turn).said == said)
        await driver.destroy()
    }

    @Test func speechIsAnsweredLikeACall() async throws {
        let driver = try driver()
        let input = #"[{"audio_base64":"QQ==","mime_type":"audio/webm"}]"#
        let (status, call) = driver.beginTurn(
            "causes", input: input, context: #"{"locale":"de"}"#, kind: "transcription")
        #expect(status == AP_OK)
        #expect(await driver.host.answer(call).json == ["text": "QQ== audio/webm de"])
        #expect(driver.beginTurn("six-words", input: input, kind: "transcription").status == AP_E_UNSUPPORTED)
        await driver.destroy()
    }

    @Test func aTurnReadsItsThread() async throws {
        let driver = try driver()
        let log = try await answer(driver, "reader")
        #expect(log.said == ["0: T", "0: [1, 2]", "0: [3, 4]", "0: [5]"])
        await driver.destroy()
    }

    // MARK: Turns

    @Test func whatAnAgentSaysReachesTheHost() async throws {
        let driver = try driver()
        let log = try await answer(driver, "emitter", input: "[{},{}]")
        #expect(log.said == ["7: emitter of 2", "7 done", #"0 progress {"text":"busy"}"#])
        #expect(log.status == AP_E_FAILED)
        #expect(log.message == "The host answered: unsupported.")
        await driver.destroy()
    }

    @Test func turnsThatMakeNoSenseAreRefused() async throws {
        let driver = try driver()
        #expect(driver.beginTurn("nobody").status == AP_E_NOT_FOUND)
        #expect(driver.beginTurn("emitter", input: "{}").status == AP_E_INVALID)
        #expect(driver.beginTurn("emitter", input: "[").status == AP_E_INVALID)
        #expect(driver.beginTurn("emitter", context: "?").status == AP_E_INVALID)
        await driver.destroy()
        #expect(driver.host.state.withLock { $0.turns.isEmpty })
    }

    // MARK: Services

    @Test func anAgentCallsTools() async throws {
        let driver = try driver()
        let (_, turn) = driver.beginTurn("caller")
        let log = await driver.host.finishedLog(of: turn)
        #expect(log.said == [#"0: ["double"] 42 \#(turn)"#, "0: failed it broke"])
        #expect(log.message == "The host answered: notFound.")
        await driver.destroy()
    }

    @Test func anAgentAsksTheModel() async throws {
        let driver = try driver()
        #expect(try await answer(driver, "asker").said == [#"0: ["I am ", "default"] I am default"#])
        await driver.destroy()
    }

    // MARK: Configuration

    @Test func aChangedConfigurationCountsUnlessItIsRefused() async throws {
        let driver = try driver(#"{"a":1}"#)
        #expect(try await answer(driver, "configured").said == [#"0: {"a":1}"#])
        #expect(driver.change(configuration: #"{"a":2}"#) == AP_OK)
        #expect(driver.change(configuration: #"{"bad":3}"#) == AP_E_INVALID)
        #expect(driver.change(configuration: "no json") == AP_E_INVALID)
        #expect(try await answer(driver, "configured").said == [#"0: {"a":2}"#])
        await driver.destroy()
    }
}
