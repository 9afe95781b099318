import Synchronization
import Testing

@testable import AgentHost

/// Questions to the person (`chatkit-protocol.md` 7, "Structured input").
struct StructuredInputTests {
    private static let questions: JSON = [
        "inputs": [
            ["id": "color", "question": "Which?", "options": [["value": "red"], ["value": "blue"]], "zzz": 1],
            [
                "id": "many", "type": "multiple_choice", "question": "More?", "options": [["value": "a"]],
                "multiple": true,
            ],
            ["id": "why", "question": "Why?", "description": nil],
        ]
    ]

    private func ask() async throws -> (Bench, ScriptedAgent, String, ChatKit.Item) {
        let bench = Bench()
        let agent = bench.code { request, output in
            if request.kind == .structuredInput {
                output.text(item: 1, "thanks")
            } else {
                output.emit(item: 1, "structured_input", StructuredInputTests.questions)
            }
            output.finish(.success(()))
        }
        let reader = try await bench.create("code")
        let events = await all(reader)
        events.checkConformance()
        return (bench, agent, reader.threadID, try #require(events.done.last))
    }

    @Test func questionsAreShownWithTheirDefaults() async throws {
        let (_, _, _, item) = try await ask()
        #expect(
            item.json["inputs"] == [
                [
                    "id": "color", "question": "Which?", "type": "multiple_choice",
                    "options": [["value": "red"], ["value": "blue"]], "multiple": false,
                ],
                [
                    "id": "many", "question": "More?", "type": "multiple_choice", "options": [["value": "a"]],
                    "multiple": true,
                ],
                ["id": "why", "question": "Why?", "type": "freeform"],
            ])
        #expect(item.json["status"] == "pending")
    }

    @Test func answersAreShownThenTheAgentGoesOn() async throws {
        let (bench, agent, thread, item) = try await ask()
        let submission = ChatKit.StructuredInputSubmission(answers: [
            "color": .init(values: ["green", "red"]), "many": .init(values: ["a", "b"]), "nobody": .init(values: ["x"]),
        ])
        let events = await all(
            try await bench.engine.addStructuredInput(submission, item: item.id, thread: thread, origin: origin))
        events.checkConformance()
        #expect(
            events.names == [
                "options", "replaced structured_input", "added assistant_message", "part", "delta thanks",
                "part done thanks", "done assistant_message",
            ])
        let replaced = try #require(events[1].item)
        #expect(replaced.id == item.id && replaced.createdAt == item.createdAt)
        let json = replaced.json
        #expect(json["status"] == "answered")
        #expect(
            json["inputs"]?.array?.map { $0["answer"] } == [
                ["values": ["green"], "skipped": false], ["values": ["a", "b"], "skipped": false],
                ["values": [], "skipped": true],
            ])
        #expect(bench.store.allItems(thread).map(\.type) == ["user_message", "structured_input", "assistant_message"])
        let request = agent.seen.withLock { $0[1] }
        #expect(request.kind == .structuredInput && request.input.map(\.json) == [json])
        await #expect(throws: TurnError.answeredAlready) {
            try await bench.engine.addStructuredInput(submission, item: item.id, thread: thread, origin: origin)
        }
    }

    @Test(arguments: [
        (ChatKit.StructuredInputSubmission(status: .skipped, answers: ["color": .init(values: ["red"])]), "skipped"),
        (.init(answers: ["color": .init(values: ["red"], skipped: true)]), "answered"),
        (.init(answers: ["color": .init(values: [])]), "answered"), (.init(), "answered"),
    ])
    func noAnswerIsSkipped(_ submission: ChatKit.StructuredInputSubmission, _ status: String) async throws {
        let (bench, _, thread, item) = try await ask()
        let events = await all(
            try await bench.engine.addStructuredInput(submission, item: item.id, thread: thread, origin: origin))
        let json = try #require(events[1].item).json
        #expect(json["status"]?.string == status)
        #expect(json["inputs"]?.array?.allSatisfy { $0["answer"] == ["values": [], "skipped": true] } == true)
    }

    @Test func onlyAStructuredInputCanBeAnswered() async throws {
        let (bench, _, thread, _) = try await ask()
        let message = try #require(bench.store.allItems(thread).first)
        await #expect(throws: TurnError.notAStructuredInput) {
            try await bench.engine.addStructuredInput(.init(), item: message.id, thread: thread, origin: origin)
        }
        await #expect(throws: TurnError.itemNotFound) {
            try await bench.engine.addStructuredInput(.init(), item: "msg_none", thread: thread, origin: origin)
        }
    }

    @Test func aModelReadsWhatWasAnswered() {
        let item = StoredItem(
            ChatKit.Item(
                id: "m", threadID: "t", createdAt: Timestamp(microseconds: 0),
                content: .structuredInput(
                    ChatKit.StructuredInput(
                        status: .pending,
                        inputs: [["id": "a", "type": "freeform", "question": "Where to?"]]
                    ).answered(.init(answers: ["a": .init(values: ["Rome"])])))))
        let messages = ModelHistory(of: [item], answering: nil, instructions: "", limit: 9).messages().messages
        #expect(messages.last == ["role": "user", "content": "Where to? Rome"])
    }
}
