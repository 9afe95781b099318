import Synchronization
import Testing

@testable import AgentHost

struct CodedAgentTests {
    private func run(_ body: @escaping @Sendable (AgentTurnRequest, any AgentOutput) -> Void) async throws -> (
        [ChatKit.Event], Bench, String
    ) {
        let bench = Bench()
        bench.code(body)
        let reader = try await bench.create("code")
        let events = await all(reader)
        events.checkConformance()
        return (events, bench, reader.threadID)
    }

    /// Plugins are promised that no JSON is deeper than 64 levels: an item that is, within the context, is left out, and not what came
    /// before it.
    @Test func theContextIsNotDeeperThanPromised() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in
            var deep: JSON = []
            for _ in 0..<62 { deep = [deep] }
            output.emit(item: 1, "widget", ["type": "Card", "children": deep])
            output.itemDone(1)
            output.text(item: 2, "said")
            output.finish(.success(()))
        }
        let first = try await bench.create("code", "one")
        let events = await all(first)
        #expect(events.done.map(\.type) == ["user_message", "widget", "assistant_message"])
        _ = await all(
            try await bench.engine.add(to: first.threadID, message: said("two"), origin: origin))
        let context = try #require(agent.seen.withLock { $0.last }?.context)
        #expect(
            context["items"]?.array?.map { $0["type"]?.string } == [
                "user_message", "assistant_message", "user_message",
            ])
        #expect(!context.isNested(deeperThan: 64))
    }

    @Test func everyKindBecomesItsEvents() async throws {
        let (events, bench, thread) = try await run { _, output in
            output.emit(item: 0, "options", ["allow_cancel": false])
            output.emit(item: 1, "workflow", ["expanded": true])
            output.emit(item: 1, "task", ["title": "One", "status_indicator": "loading"])
            output.emit(item: 1, "task", ["title": "One", "status_indicator": "complete", "index": 0])
            output.emit(item: 1, "task", ["title": "Two"])
            output.emit(item: 1, "workflow_end", ["summary": ["title": "Two things"]])
            output.emit(item: 2, "task", ["type": "thought", "content": "hm"])
            output.itemDone(2)
            output.emit(item: 0, "progress", ["text": "soon", "icon": "bolt"])
            output.emit(item: 0, "notice", ["level": "warning", "message": "careful"])
            output.emit(item: 0, "effect", ["name": "sing"])
            output.text(item: 3, "See there.")
            output.emit(
                item: 3, "annotation", ["source": ["type": "url", "title": "T", "url": "https://x/"], "index": 3])
            output.emit(item: 4, "widget", ["type": "Card", "children": []])
            output.emit(
                item: 4, "widget", ["widget": ["type": "Card", "size": nil, "children": []], "copy_text": "card"])
            output.emit(item: 0, "hidden_context", ["content": ["k": 1]])
            output.finish(.success(()))
        }
        #expect(
            events.names.dropFirst(3) == [
                "options no cancel", "added workflow", "task 0 loading One", "task 0 complete One", "task 1 none Two",
                "done workflow", "added task", "done task", "progress soon", "notice careful", "effect sing",
                "added assistant_message", "part", "delta See there.", "annotation", "added widget",
                "part done See there.", "done assistant_message", "done widget",
            ])
        #expect(
            bench.store.types(thread) == [
                "user_message", "workflow", "task", "hidden_context_item", "assistant_message", "widget",
            ])
    }

    @Test func changeOfTheThreadIsToldRightAfterTheNextEvent() async throws {
        let (events, bench, thread) = try await run { _, output in
            output.emit(item: 0, "thread", ["title": "Groceries", "metadata": ["k": 1]])
            output.text(item: 1, "hi")
            output.emit(item: 0, "thread", ["status": ["type": "locked", "reason": "done"]])
            output.finish(.success(()))
        }
        #expect(
            events.names.dropFirst(3) == [
                "added assistant_message", "thread.updated Groceries", "part", "delta hi", "part done hi",
                "thread.updated Groceries", "done assistant_message",
            ])
        let record = ThreadRecord(json: try #require(try await bench.store.thread(thread, owner: ada)).json)
        #expect(record.status == .locked(reason: "done") && record.metadata["k"] == 1)
    }

    @Test func changeAtTheVeryEndIsToldToo() async throws {
        let (events, _, _) = try await run { _, output in
            output.emit(item: 0, "thread", ["title": "Late"])
            output.finish(.success(()))
        }
        #expect(events.names.last == "thread.updated Late")
    }

    static let mistakes: [(String, @Sendable (any AgentOutput) -> Void)] = [
        (
            "item done twice",
            {
                $0.text(item: 1, "a"); $0.itemDone(1); $0.itemDone(1)
            }
        ),
        ("unknown item", { $0.itemDone(7) }),
        (
            "text after done",
            {
                $0.text(item: 1, "a"); $0.itemDone(1); $0.text(item: 1, "b")
            }
        ),
        (
            "text to a widget",
            {
                $0.emit(item: 1, "widget", ["type": "Card"]); $0.text(item: 1, "b")
            }
        ),
        ("unknown kind", { $0.emit(item: 1, "hologram", [:]) }),
        ("no JSON", { $0.emit(item: 1, kind: "progress", json: Array("{".utf8)) }),
        ("not UTF-8", { $0.emit(item: 1, kind: "progress", json: [0x22, 0xFF, 0x22]) }),
        ("missing member", { $0.emit(item: 1, "progress", [:]) }),
        ("bad icon", { $0.emit(item: 1, "progress", ["text": "a", "icon": "nope"]) }),
        ("workflow end without workflow", { $0.emit(item: 1, "workflow_end", [:]) }),
        (
            "task out of range",
            {
                $0.emit(item: 1, "workflow", [:]); $0.emit(item: 1, "task", ["index": 5])
            }
        ),
        (
            "task index that overflows",
            {
                $0.emit(item: 1, "workflow", [:]); $0.emit(item: 1, "task", ["index": 9e18])
            }
        ),
        (
            "workflow twice",
            {
                $0.emit(item: 1, "workflow", [:]); $0.emit(item: 1, "workflow", [:])
            }
        ),
        ("annotation without a source", { $0.emit(item: 1, "annotation", ["index": 1]) }),
        ("source without an address", { $0.emit(item: 1, "annotation", ["source": ["type": "url", "title": "t"]]) }),
        (
            "source of the wrong type",
            { $0.emit(item: 1, "task", ["type": "file", "sources": [["type": "url", "title": "t", "url": "u"]]]) }
        ),
        (
            "bad icon of an entity",
            { $0.emit(item: 1, "annotation", ["source": ["type": "entity", "id": "i", "title": "t", "icon": "nope"]]) }
        ),
        ("bad icon of a summary", { $0.emit(item: 1, "workflow", ["summary": ["title": "t", "icon": "nope"]]) }),
        ("questions that are none", { $0.emit(item: 1, "structured_input", ["inputs": []]) }),
        (
            "two questions with one id",
            {
                $0.emit(
                    item: 1, "structured_input",
                    ["inputs": [["id": "a", "question": "?"], ["id": "a", "question": "!"]]])
            }
        ),
        (
            "choice without options",
            {
                $0.emit(
                    item: 1, "structured_input", ["inputs": [["id": "a", "type": "multiple_choice", "question": "?"]]])
            }
        ),
        ("client tool without a name", { $0.emit(item: 1, "client_tool_call", ["arguments": [:]]) }),
        ("client tool with a list", { $0.emit(item: 1, "client_tool_call", ["name": "f", "arguments": []]) }),
        (
            "text for a component that is none",
            {
                $0.emit(item: 1, "widget", ["type": "Card"]);
                $0.emit(item: 1, "widget.text", ["id": "x", "delta": "y"])
            }
        ),
        ("text for a widget that is none", { $0.emit(item: 1, "widget.text", ["id": "x", "delta": "y"]) }),
        ("progress beyond the end", { $0.emit(item: 1, "image", ["image": ["url": "u"], "progress": 1.5]) }),
        ("image without an address", { $0.emit(item: 1, "image", ["image": ["id": "i"]]) }),
        (
            "an item of the person",
            {
                $0.emit(
                    item: 1, "item",
                    ["type": "user_message", "content": [], "attachments": [], "inference_options": [:]])
            }
        ),
        ("an item of no type", { $0.emit(item: 1, "item", ["type": "hologram"]) }),
        (
            "one number for two items",
            {
                $0.emit(item: 1, "end_of_turn", [:]); $0.emit(item: 1, "end_of_turn", [:])
            }
        ),
        (
            "replaced what is open",
            {
                $0.text(item: 1, "a"); $0.emit(item: 1, "replace", ["item": ["type": "end_of_turn"]])
            }
        ),
        ("replaced nothing", { $0.emit(item: 1, "replace", ["item": ["type": "end_of_turn"]]) }),
        ("removed nothing", { $0.emit(item: 1, "remove", [:]) }),
        ("removed an id that is none", { $0.emit(item: 1, "remove", ["id": "a b"]) }),
        ("custom error without words", { $0.emit(item: 1, "error", [:]) }),
        ("code that is none", { $0.emit(item: 1, "error", ["code": "no code"]) }),
        ("status that is none", { $0.emit(item: 1, "thread", ["status": ["type": "open"]]) }),
        ("widget without type", { $0.emit(item: 1, "widget", ["children": []]) }),
        ("huge emission", { $0.emit(item: 1, "progress", ["text": .string(String(repeating: "x", count: 1 << 20))]) }),
    ]

    @Test(arguments: mistakes.indices)
    func mistakeFailsTheTurn(_ index: Int) async throws {
        let mistake = CodedAgentTests.mistakes[index]
        let (events, bench, _) = try await run { _, output in
            mistake.1(output)
            output.text(item: 99, "too late")
            output.finish(.success(()))
        }
        #expect(events.names.last == "error agent_misbehaved", "\(mistake.0)")
        #expect(!events.names.contains("delta too late"))
        #expect(await eventually { bench.store.openTurns.isEmpty })
    }

    @Test func errorsOfTheAgentsOwn() async throws {
        let cases: [(JSON, ChatKit.Event)] = [
            (["message": "No."], .error(code: "custom", message: "No.", allowRetry: false)),
            (["code": "stream.error"], .error(code: "stream.error", message: nil, allowRetry: true)),
            (
                ["code": "stream.error", "allow_retry": false],
                .error(code: "stream.error", message: nil, allowRetry: false)
            ),
            (
                ["code": "quota", "message": "Later.", "allow_retry": true],
                .error(code: "quota", message: "Later.", allowRetry: true)
            ),
        ]
        for (json, expected) in cases {
            let (events, bench, thread) = try await run { _, output in
                output.text(item: 1, "kept")
                output.emit(item: 0, "error", json)
                output.text(item: 1, "too late")
            }
            #expect(events.last == expected)
            #expect(events.text == "kept")
            #expect(bench.store.types(thread) == ["user_message", "assistant_message"])
        }
    }

    /// Traps 9 and 12 of the protocol: nulls survive in data but not in widgets; a replaced item keeps its place.
    @Test func replacingAndRemovingByIdAndNumber() async throws {
        let (events, bench, thread) = try await run { _, output in
            output.text(item: 1, "one")
            output.itemDone(1)
            output.text(item: 2, "two")
            output.itemDone(2)
            output.emit(item: 1, "replace", ["item": ["type": "widget", "widget": ["type": "Card", "size": nil]]])
            output.emit(item: 2, "remove", [:])
            output.text(item: 3, "open")
            output.emit(item: 3, "remove", [:])
            output.emit(item: 0, "effect", ["name": "e", "data": ["k": nil]])
            // Its number does not matter.
            output.emit(item: 1, "hidden_context", ["content": 1])
            output.emit(item: 4, "item", ["type": "hidden_context_item", "content": 2])
            output.emit(item: 4, "replace", ["item": ["type": "hidden_context_item", "content": ["k": nil]]])
            output.finish(.success(()))
        }
        #expect(
            events.names.filter { $0.hasPrefix("re") || $0.hasPrefix("effect") } == [
                "replaced widget", "removed", "removed", "effect e",
            ])
        let items = bench.store.allItems(thread)
        #expect(items.map(\.type) == ["user_message", "widget", "hidden_context_item", "hidden_context_item"])
        #expect(String(decoding: items[1].json, as: UTF8.self).hasSuffix(#""widget":{"type":"Card"}}"#))
        #expect(String(decoding: items[3].json, as: UTF8.self).hasSuffix(#""content":{"k":null}}"#))
        let replaced = try #require(events.compactMap(\.item).first { $0.type == "widget" })
        let first = try #require(events.done.first { $0.type == "assistant_message" })
        #expect(replaced.id == first.id && replaced.createdAt == first.createdAt)
        #expect(events.contains(.clientEffect(name: "e", data: JSONObject(members: [("k", nil)]))))
    }

    @Test func whatComesAfterFinishIsIgnored() async throws {
        let (events, bench, thread) = try await run { _, output in
            output.text(item: 1, "all")
            output.finish(.success(()))
            output.text(item: 1, "more")
            output.emit(item: 2, "progress", ["text": "x"])
            output.itemDone(1)
            output.finish(.failure(.crashed))
        }
        #expect(events.names.last == "done assistant_message")
        #expect(bench.store.types(thread) == ["user_message", "assistant_message"])
    }

    @Test(arguments: [
        (ProviderFailure.crashed, "agent_crashed"), (.deadline, "turn_timeout"), (.unavailable, "agent_unavailable"),
        (.failed("My own words."), "stream.error"),
    ])
    func failureKeepsWhatWasShown(_ failure: ProviderFailure, _ code: String) async throws {
        let (events, bench, thread) = try await run { _, output in
            output.text(item: 1, "partial")
            output.text(item: 2, " ")
            output.finish(.failure(failure))
        }
        #expect(events.names.suffix(3) == ["done assistant_message", "removed", "error \(code)"])
        #expect(bench.store.types(thread) == ["user_message", "assistant_message"])
    }

    @Test func agentIsToldTheConversation() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in
            output.text(item: 1, "hi")
            output.finish(.success(()))
        }
        let reader = try await bench.create("code", "one")
        _ = await all(reader)
        _ = await all(try await bench.engine.add(to: reader.threadID, message: said("two"), origin: origin))
        let request = agent.seen.withLock { $0[1] }
        #expect(request.kind == .userMessage && request.agentID == "code")
        #expect(request.input.first?["content"]?.array?.first?["text"] == "two")
        #expect(
            request.context["items"]?.array?.map { $0["type"] } == [
                "user_message", "assistant_message", "user_message",
            ])
        #expect(request.context["locale"] == "en")
    }

    @Test func creditComesBackAsTheReaderTakes() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.emit(item: 0, "hidden_context", ["content": 1]) }
        let reader = try await bench.create("code")
        // What becomes no event is given back at once.
        #expect(await eventually { agent.credit.withLock { $0 } == 13 })
        let output = agent.outputs.withLock { $0[0] }
        output.text(item: 1, String(repeating: "x", count: 1_000))
        #expect(agent.credit.withLock { $0 } == 13)
        _ = await events(reader, until: "delta")
        #expect(agent.credit.withLock { $0 } == 1_013)
        reader.leave()
    }

    @Test func readerFarBehindStopsTheTurn() async throws {
        var limits = TurnConfiguration()
        limits.maximumBytesAhead = 10_000
        let bench = Bench(limits)
        bench.code { _, output in
            for _ in 0..<100 { output.text(item: 1, String(repeating: "x", count: 1_000)) }
        }
        let events = await all(try await bench.create("code"))
        events.checkConformance()
        #expect(events.names.last == "error output_limit")
        #expect(events.text.utf8.count < 12_000)
    }

    @Test func partialTextIsCheckpointed() async throws {
        var limits = TurnConfiguration()
        limits.checkpointInterval = 10
        let bench = Bench(limits)
        let agent = bench.code { _, output in for _ in 0..<50 { output.text(item: 1, "x") } }
        let reader = try await bench.create("code")
        #expect(await eventually { bench.store.checkpoints.count == 1 })
        let items = try JSON.parse(bench.store.checkpoints[0])["items"]?.array ?? []
        let item = try ChatKit.Item(json: try #require(items.first))
        #expect(item.content == .assistantMessage([.init(text: String(repeating: "x", count: 50))]))
        agent.outputs.withLock { $0[0] }.finish(.success(()))
        #expect(await all(reader).done.last?.id == item.id)
    }
}

extension AgentOutput {
    func emit(item: UInt32, _ kind: String, _ json: JSON) {
        emit(item: item, kind: kind, json: json.encoded)
    }
}
