import Testing

@testable import AgentHost

/// What a model is told of a conversation.
struct ModelHistoryTests {
    /// A random conversation as the store keeps it.
    private struct Conversation {
        var items: [StoredItem] = []
        var input: String?
        /// Call ids of what waits for the person.
        var waiting: [String] = []
        private var number = 0

        init(_ random: inout SeededGenerator) {
            for _ in 0..<random.number(40) { addItem(&random) }
            if random.chance(80) {
                add(.userMessage(said("the newest " + ModelHistoryTests.words(&random))))
                input = items.last?.id
                // Messages of turns to come, and notes, may stand behind it.
                for _ in 0..<random.number(3) { add(.userMessage(said("later"))) }
            }
        }

        private mutating func add(_ content: ChatKit.ItemContent, _ hostJSON: JSON? = nil) {
            number += 1
            items.append(
                StoredItem(
                    ChatKit.Item(
                        id: "i\(number)", threadID: "t", createdAt: Timestamp(microseconds: 0), content: content),
                    hostJSON: hostJSON?.encoded))
        }

        private mutating func addItem(_ random: inout SeededGenerator) {
            let text = ModelHistoryTests.words(&random)
            switch random.number(8) {
            case 0, 1: add(.userMessage(said(text)))
            case 2, 3: add(.assistantMessage([ChatKit.AssistantContent(text: text)]))
            case 4, 5:
                let calls = (0..<(1 + random.number(4))).map { index -> JSON in
                    [
                        "id": .string("c\(number)_\(index)"), "name": "add", "arguments": ["text": .string(text)],
                        "step": .int(Int64(index / 2)), "status": "completed", "result": .string(text),
                    ]
                }
                add(.workflow(ChatKit.Workflow()), ["calls": .array(calls)])
            case 6:
                let decision = random.one(of: Approval.Decision.allCases)
                let call = Approval.Call(
                    key: "a\(number)", id: "w\(number)", name: "erase", tool: "p/erase", title: "Erase",
                    arguments: ["text": .string(text)], decision: decision)
                if decision == .pending { waiting.append(call.id) }
                let approval = Approval(agent: "bot", calls: [call])
                add(.structuredInput(.init(status: .pending, inputs: approval.questions)), approval.json)
            default:
                add(
                    .clientToolCall(
                        .init(
                            status: random.chance(50) ? .pending : .completed, callID: "b\(number)", name: "locate",
                            arguments: JSONObject(), output: "here")))
            }
        }
    }

    private static func words(_ random: inout SeededGenerator) -> String {
        String(repeating: "wörd ", count: random.number(120))
    }

    @Test(arguments: 0..<UInt64(40)) func anyConversationFits(_ seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for round in 0..<50 {
            let conversation = Conversation(&random)
            let limit = 1 + random.number(12)
            let budget = random.one(of: [50, 500, 2_000, 100_000])
            let history = ModelHistory(
                of: conversation.items, answering: conversation.input, instructions: "Be kind.", limit: limit)
            let (messages, tokens) = history.messages(budget: budget)
            let which = "seed \(seed), round \(round)"
            #expect(messages.first == ["role": "system", "content": "Be kind."], "\(which)")
            #expect(tokens == messages.reduce(0) { $0 + TokenEstimate.tokens($1) }, "\(which)")
            check(messages, which)
            // The newest message is there, and last.
            if conversation.input != nil {
                #expect(messages.last?["content"]?.string?.hasPrefix("the newest") == true, "\(which)")
            }
            #expect(!messages.contains { $0["content"] == "later" } || conversation.input == nil, "\(which)")
            // What waits for the person is never dropped.
            let ids = messages.flatMap { $0["tool_calls"]?.array ?? [] }.compactMap { $0["id"]?.string }
            for id in conversation.waiting { #expect(ids.contains(id), "\(which)") }
            // No more messages of people and assistant than wanted.
            let counted = messages.count {
                ["user", "assistant"].contains($0["role"]?.string) && $0["tool_calls"] == nil
            }
            #expect(counted <= limit, "\(which)")
            // Nothing is left out that would have fitted.
            let all = ModelHistory(
                of: conversation.items, answering: conversation.input, instructions: "Be kind.", limit: .max
            ).messages()
            if all.tokens <= budget, limit >= conversation.items.count { #expect(messages == all.messages, "\(which)") }
            // Over the budget only what must stay is told: it is what a budget of nothing leaves.
            if tokens > budget { #expect(messages == history.messages(budget: 0).messages, "\(which)") }
        }
    }

    /// Each call has its result right behind it, in order, and no result stands alone.
    private func check(_ messages: [JSON], _ which: String) {
        var owed: [String] = []
        for message in messages {
            if message["role"] == "tool" {
                #expect(message["tool_call_id"]?.string == owed.first, "\(which)")
                if !owed.isEmpty { owed.removeFirst() }
                continue
            }
            #expect(owed.isEmpty, "\(which)")
            owed = (message["tool_calls"]?.array ?? []).compactMap { $0["id"]?.string }
        }
        #expect(owed.isEmpty, "\(which)")
    }

    @Test func callsOfATurnTravelWithItsMessages() {
        var items: [StoredItem] = []
        func add(_ content: ChatKit.ItemContent, _ hostJSON: JSON? = nil) {
            items.append(
                StoredItem(
                    ChatKit.Item(
                        id: "i\(items.count)", threadID: "t", createdAt: Timestamp(microseconds: 0), content: content),
                    hostJSON: hostJSON?.encoded))
        }
        for number in 0..<5 {
            add(.userMessage(said("u\(number)")))
            for _ in 0..<7 {
                add(
                    .workflow(ChatKit.Workflow()),
                    ["calls": [["id": "c", "name": "add", "arguments": [:], "step": 1, "result": 1]]])
            }
            add(.assistantMessage([ChatKit.AssistantContent(text: "a\(number)")]))
        }
        let messages = ModelHistory(of: items, answering: nil, instructions: "", limit: 4).messages().messages
        #expect(messages.count { $0["role"] == "user" } == 2)
        #expect(messages.count { $0["role"] == "tool" } == 14, "calls are not counted")
        #expect(messages[1]["content"] == "u3")
    }

    /// Results of earlier steps of the running turn make room before anything else is lost.
    @Test func resultsOfEarlierStepsMakeRoom() throws {
        func step(_ id: String) throws -> ModelHistory.Step {
            var call = ModelCall(
                slot: 1, id: id, written: .init(index: 0, id: id, name: "read", arguments: "{}"), title: nil)
            call.outcome = .success(.string(String(repeating: "x", count: 3_000)))
            return ModelHistory.Step(calls: [call], text: "")
        }
        let steps = try [step("a"), step("b"), step("c")]
        let history = ModelHistory(
            instructions: "",
            groups: [.init(messages: [["role": "user", "content": "hi"]], counts: true, isUser: true)])
        let (messages, tokens) = history.messages(with: steps, budget: 2_500)
        check(messages, "steps")
        #expect(tokens <= 2_500)
        let results = messages.filter { $0["role"] == "tool" }.compactMap { $0["content"]?.string?.utf8.count }
        #expect(results[0] < 100 && results[1] == 3_000 && results[2] == 3_000)
        // The newest results stay whatever they cost.
        #expect(history.messages(with: steps, budget: 0).messages.last?["content"]?.string?.utf8.count == 3_000)
    }

    @Test func quotationsAndTagsReachTheModel() throws {
        var message = said("Ask ")
        message.content.append(
            .tag(
                id: "u_1", text: "@Ada",
                data: JSONObject(members: [
                    ("role", "chief"), ("blob", .string(String(repeating: "x", count: 9_000))),
                ]), group: "people", interactive: false))
        message.quotedText = "one\ntwo"
        let item = StoredItem(
            ChatKit.Item(
                id: "m", threadID: "t", createdAt: Timestamp(microseconds: 0), content: .userMessage(message)))
        let messages = ModelHistory(of: [item], answering: "m", instructions: "", limit: 1).messages().messages
        let text = try #require(messages.last?["content"]?.string)
        #expect(text.hasPrefix("> one\n> two\n\nAsk @Ada\n[mentioned: "))
        #expect(text.contains(#""id":"u_1""#) && text.contains(#""role":"chief""#) && text.contains("people"))
        #expect(text.utf8.count < 4_500)
    }

    @Test func budgetsAreByModel() throws {
        let budget = try #require(HistoryBudget("gpt-4.1*=200000,llama*=6000,*=9000"))
        #expect(budget.tokens(for: "gpt-4.1-mini") == 200_000)
        #expect(budget.tokens(for: "llama3") == 6_000 && budget.tokens(for: "other") == 9_000)
        #expect(try #require(HistoryBudget("16000")).tokens(for: "x") == 16_000)
        #expect(try #require(HistoryBudget("a=16000")).tokens(for: "x") == HistoryBudget.usual)
        for bad in ["", "x", "a=", "=5000", "a=b=5000", "5", "a=16000,", "99999999999"] {
            #expect(HistoryBudget(bad) == nil, "\(bad)")
        }
    }
}
