import Foundation
import Testing

@testable import AgentHost

/// The traps of `chatkit-protocol.md` 13, each as clients would fall into it. Number 11, the client that leaves, needs a socket: see
/// `FaultTests`; number 16 is about attachments, which this server does not offer.
struct TrapTests {
    /// A server whose agent `code` does what the closure says.
    private func door(_ body: @escaping @Sendable (AgentTurnRequest, any AgentOutput) -> Void) throws -> Door {
        let door = try Door(defaultAgent: "code")
        let descriptor = AgentDescriptor(id: "code", title: "Code", plugin: "c", kind: .coded, accepts: [.action])
        let agent = Registry.Agent(descriptor: descriptor, provider: ScriptedAgent(body))
        #expect(door.registry.register(plugin: "c", agents: [agent], tools: [], models: []) == nil)
        return door
    }

    private func hello(_ request: AgentTurnRequest, _ output: any AgentOutput) {
        output.text(item: 1, "hello")
        output.finish(.success(()))
    }

    private func thread(_ response: Door.Response) throws -> String {
        try #require(response.events?.first?["thread"]?["id"]?.string)
    }

    private func items(_ door: Door, _ thread: String, _ parameters: JSON = [:]) async -> Door.Response {
        var params = parameters.object ?? JSONObject()
        params["thread_id"] = .string(thread)
        return await door.call("items.list", .object(params))
    }

    @Test func trap1UnsetIsAbsentAndDefaultsAreWritten() async throws {
        let door = try door(hello)
        let created = await door.create("hi")
        #expect(!created.text.contains("null"))
        let user = try #require(created.events?[1]["item"])
        #expect(user["attachments"] == [] && user["inference_options"] == [:] && user["quoted_text"] == nil)
        let first = try #require(created.events?[0]["thread"])
        #expect(first["metadata"] == [:] && first["items"] == ["data": [], "has_more": false])
        #expect(first["title"] == nil && first["allowed_image_domains"] == nil && first["status"] == ["type": "active"])
        let answer = try #require(created.events?.last?["item"]?["content"]?.array?.first)
        #expect(answer["annotations"] == [])
        let listed = await door.call("threads.list", [:])
        #expect(listed.json["has_more"] == false && listed.json["after"] == nil)
    }

    @Test func trap2TheUserMessageIsDoneAtOnceAndOptionsFollow() async throws {
        let door = try door(hello)
        let created = await door.create("hi")
        #expect(
            created.events?.prefix(4).map { $0["type"] } == [
                "thread.created", "thread.item.done", "stream_options", "thread.item.added",
            ])
        let added = await door.call(
            "threads.add_user_message", ["thread_id": .string(try thread(created)), "input": Door.input("again")])
        #expect(added.events?.prefix(2).map { $0["type"] } == ["thread.item.done", "stream_options"])
    }

    @Test func trap3ThreadsCarryAPageAndNoMetadata() async throws {
        let door = try door { _, output in
            output.emit(item: 0, "thread", ["title": "T", "metadata": ["secret": 1]])
            output.finish(.success(()))
        }
        let created = await door.create("hi")
        let id = try thread(created)
        let threads = [
            created.events?.first?["thread"], created.events?.last?["thread"],
            await door.call("threads.list", [:]).json["data"]?.array?.first,
            await door.call("threads.update", ["thread_id": .string(id), "title": "U"]).json,
        ]
        for thread in threads {
            #expect(thread?["items"] == ["data": [], "has_more": false])
            #expect(thread?["metadata"] == [:])
        }
        #expect(!(await door.call("threads.get_by_id", ["thread_id": .string(id)])).text.contains("secret"))
    }

    @Test func trap4And5OrdersAndTheLimitZero() async throws {
        let door = try door { _, output in
            for _ in 0..<30 { output.emit(item: 0, "end_of_turn", [:]) }
            output.finish(.success(()))
        }
        let id = try thread(await door.create("hi"))
        let loaded = await door.call("threads.get_by_id", ["thread_id": .string(id)]).json["items"]
        #expect(loaded?["data"]?.array?.count == 20 && loaded?["data"]?.array?.first?["type"] == "user_message")
        let newest = await items(door, id)
        let oldest = await items(door, id, ["order": "asc", "limit": 1000])
        let all = try #require(oldest.json["data"]?.array)
        #expect(newest.json["data"]?.array == Array(all.reversed().prefix(20)))
        #expect(await items(door, id, ["limit": 0]).json["data"]?.array?.count == 20)
    }

    @Test func trap6RequiredAndEmptyIsNotAbsent() async throws {
        let door = try door(hello)
        for missing in ["attachments", "inference_options", "content"] {
            var input = try #require(Door.input("hi").object)
            input[missing] = JSON?.none
            let refused = await door.call("threads.create", ["input": .object(input)])
            #expect(refused.status == 400 && refused.text.contains("params.input.\(missing)"))
        }
        var input = try #require(Door.input("hi").object)
        input["quoted_text"] = ""
        let created = await door.call("threads.create", ["input": .object(input)])
        #expect(created.events?[1]["item"]?["quoted_text"] == "")
    }

    @Test func trap7TheResultNamesNoCallAndTheCallIsNotSentAgain() async throws {
        let door = try door { request, output in
            if request.kind == .userMessage { output.emit(item: 0, "client_tool_call", ["name": "f"]) }
            output.finish(.success(()))
        }
        let created = await door.create("hi")
        let id = try thread(created)
        let call = try #require(created.events?.last?["item"])
        let gone = await door.call("threads.add_client_tool_output", ["thread_id": .string(id), "result": ["k": nil]])
        #expect(gone.events?.map { $0["type"] } == ["stream_options"])
        let stored = try #require(await items(door, id).json["data"]?.array?.first)
        #expect(stored["id"] == call["id"] && stored["status"] == "completed" && stored["output"] == ["k": nil])
    }

    @Test func trap8HiddenItemsNeitherShortenPagesNorBecomeCursors() async throws {
        let door = try door { _, output in
            for number in 0..<12 {
                output.emit(item: 0, "hidden_context", ["content": .int(Int64(number))])
                if number % 3 == 0 { output.emit(item: 0, "end_of_turn", [:]) }
            }
            output.finish(.success(()))
        }
        let id = try thread(await door.create("hi"))
        for order in ["asc", "desc"] {
            var seen: [String] = []
            var after: String?
            for _ in 0..<9 {
                var parameters: JSON = ["limit": 2, "order": .string(order)]
                if let after { parameters = ["limit": 2, "order": .string(order), "after": .string(after)] }
                let page = await items(door, id, parameters).json
                let data = page["data"]?.array ?? []
                #expect(page["has_more"] != true || data.count == 2)
                #expect(data.allSatisfy { $0["type"] != "hidden_context_item" })
                seen += data.compactMap { $0["id"]?.string }
                after = page["after"]?.string
                #expect(after == nil || after == seen.last)
                if after == nil { break }
            }
            #expect(Set(seen).count == 5 && seen.count == 5)
        }
    }

    @Test func trap9NullsSurviveInDataAndNotInWidgets() async throws {
        let door = try door { _, output in
            output.emit(item: 0, "effect", ["name": "e", "data": ["k": nil]])
            output.emit(
                item: 1, "widget",
                [
                    "type": "Card",
                    "children": [
                        ["type": "Button", "onClickAction": ["type": "a", "payload": ["k": nil, "l": [nil]]]]
                    ],
                ])
            output.itemDone(1)
            output.emit(item: 0, "client_tool_call", ["name": "f", "arguments": ["k": nil]])
        }
        let created = await door.create("hi")
        let events = try #require(created.events)
        #expect(events.first { $0["type"] == "client_effect" }?["data"] == ["k": nil])
        #expect(events.last?["item"]?["arguments"] == ["k": nil])
        let widgets = events.filter { $0["item"]?["type"] == "widget" }
        #expect(widgets.count == 2)
        for widget in widgets {
            let button = widget["item"]?["widget"]?["children"]?.array?.first
            #expect(button?["onClickAction"] == ["type": "a", "payload": ["l": []]])
        }
    }

    @Test func trap10AFailingAgentIsAnEvent() async throws {
        let door = try door { _, output in output.finish(.failure(.crashed)) }
        let created = await door.create("hi")
        #expect(created.status == 200)
        #expect(created.events?.last?["type"] == "error" && created.events?.last?["allow_retry"] == true)
    }

    @Test func trap12AReplacedItemKeepsItsPlaceAndMayChangeItsType() async throws {
        let door = try door { request, output in
            if request.kind == .userMessage {
                output.text(item: 1, "one")
                output.itemDone(1)
                output.text(item: 2, "two")
                output.itemDone(2)
                output.emit(item: 1, "replace", ["item": ["type": "task", "task": ["title": "was one"]]])
            }
            output.finish(.success(()))
        }
        let created = await door.create("hi")
        let id = try thread(created)
        let replaced = try #require(created.events?.first { $0["type"] == "thread.item.replaced" }?["item"])
        let stored = try #require(await items(door, id, ["order": "asc"]).json["data"]?.array)
        #expect(stored.map { $0["type"] } == ["user_message", "task", "assistant_message"])
        #expect(stored[1] == replaced)
    }

    @Test func trap13SummariesAreUntagged() async throws {
        let door = try door { _, output in
            output.emit(item: 1, "workflow", [:])
            output.emit(item: 1, "workflow_end", ["summary": ["duration": 3]])
            output.emit(item: 2, "workflow", [:])
            output.emit(item: 2, "workflow_end", ["summary": ["title": "t"]])
            output.finish(.success(()))
        }
        let done = try #require(await door.create("hi").events).filter { $0["type"] == "thread.item.done" }
        #expect(done[1]["item"]?["workflow"]?["summary"] == ["duration": 3])
        #expect(done[2]["item"]?["workflow"]?["summary"] == ["title": "t"])
        #expect(done[1]["item"]?["workflow"]?["expanded"] == false)
    }

    @Test func trap14ThreadChangesComeBehindTheNextEvent() async throws {
        let door = try door { _, output in
            output.emit(item: 0, "thread", ["title": "T"])
            output.emit(item: 0, "progress", ["text": "p"])
            output.emit(item: 0, "progress", ["text": "q"])
            output.emit(item: 0, "thread", ["allowed_image_domains": ["a.example"]])
            output.emit(item: 0, "error", ["message": "m"])
        }
        let events = try #require(await door.create("hi").events).dropFirst(3)
        #expect(
            events.map { $0["type"] } == [
                "progress_update", "thread.updated", "progress_update", "error", "thread.updated",
            ])
        #expect(events.last?["thread"]?["allowed_image_domains"] == ["a.example"])
    }

    @Test func trap15TextIsCutBetweenCodePointsAndLinesStayWhole() async throws {
        let pieces = ["a\r\n", "\u{2028}b\u{0085}", "e", "\u{301}", "👩", "\u{200D}👧", "\u{0}\u{1F}", "data: x\n\n"]
        let door = try door { _, output in
            for piece in pieces { output.text(item: 1, piece) }
            output.finish(.success(()))
        }
        let created = await door.create("hi")
        for line in created.body.split(separator: UInt8(ascii: "\n")) {
            #expect(line.starts(with: Array("data: {".utf8)) && line.last == UInt8(ascii: "}"))
            #expect(!line.contains(UInt8(ascii: "\r")))
        }
        let deltas = try #require(created.events).compactMap { $0["update"]?["delta"]?.string }
        #expect(deltas.map { Array($0.utf8) } == pieces.map { Array($0.utf8) })
        let text = created.events?.last?["item"]?["content"]?.array?.first?["text"]?.string
        #expect(text.map { Array($0.utf8) } == Array(pieces.joined().utf8))
    }

    @Test func trap17AnItemKeepsTheTimeItWasAnnouncedWith() async throws {
        let door = try door { _, output in
            output.text(item: 1, "a")
            output.emit(item: 2, "widget", ["type": "Card"])
            Thread.sleep(forTimeInterval: 0.005)
            output.finish(.success(()))
        }
        let events = try #require(await door.create("hi").events)
        for added in events where added["type"] == "thread.item.added" {
            let done = events.first { $0["type"] == "thread.item.done" && $0["item"]?["id"] == added["item"]?["id"] }
            #expect(done?["item"]?["created_at"] == added["item"]?["created_at"])
            #expect(added["item"]?["created_at"]?.string?.hasSuffix("Z") == true)
        }
    }

    @Test func trap18RetryingRemovesHiddenItemsToo() async throws {
        let door = try door { request, output in
            output.emit(item: 0, "hidden_context", ["content": "user stopped"])
            let contexts = (request.context["items"]?.array ?? []).filter { $0["type"] == "hidden_context_item" }
            output.text(item: 1, "\(contexts.count)")
            output.finish(.success(()))
        }
        let created = await door.create("hi")
        let id = try thread(created)
        let user = try #require(created.events?[1]["item"]?["id"])
        let retried = await door.call("threads.retry_after_item", ["thread_id": .string(id), "item_id": user])
        #expect(retried.events?.first?["type"] == "stream_options")
        #expect(retried.events?.last?["item"]?["content"]?.array?.first?["text"] == "0")
        #expect(try await door.store.history(thread: id, owner: OwnerKey("h:anonymous"), limit: 99).count == 3)
    }
}
