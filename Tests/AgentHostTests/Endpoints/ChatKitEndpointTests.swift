import Testing

@testable import AgentHost

/// Streams: what runs an agent.
struct ChatKitTurnTests {
    private func types(_ response: Door.Response) -> [String] {
        (response.events ?? []).compactMap { $0["type"]?.string }
    }

    /// The items that a stream left behind.
    private func items(_ response: Door.Response) -> [JSON] {
        (response.events ?? []).filter { $0["type"] == "thread.item.done" }.compactMap { $0["item"] }
    }

    private func threadID(_ response: Door.Response) throws -> JSON {
        try #require(response.events?.first?["thread"]?["id"])
    }

    @Test func createStreamsFromTheThreadToTheAnswer() async throws {
        let door = try Door()
        let response = await door.create("hello there")
        #expect(response.status == 200)
        #expect(response.fields["content-type"] == "text/event-stream")
        #expect(response.fields["cache-control"] == "no-store")
        #expect(response.fields["x-accel-buffering"] == "no")
        #expect(types(response).prefix(3) == ["thread.created", "thread.item.done", "stream_options"])
        let items = items(response)
        #expect(items.map { $0["type"] } == ["user_message", "assistant_message"])
        #expect(items.last?["content"]?.array?.first?["text"]?.string?.contains("hello there") == true)
        let stored = await door.call("threads.get_by_id", ["thread_id": try threadID(response)])
        #expect(stored.json["items"]?["data"]?.array == items)
    }

    @Test func addContinuesTheThread() async throws {
        let door = try Door()
        let thread = try threadID(await door.create("one"))
        let response = await door.call("threads.add_user_message", ["thread_id": thread, "input": Door.input("two")])
        #expect(types(response).prefix(2) == ["thread.item.done", "stream_options"])
        let stored = await door.call("items.list", ["thread_id": thread, "order": "asc"])
        #expect(stored.json["data"]?.array?.count == 4)
    }

    @Test func retryMakesTheAnswerAnew() async throws {
        let door = try Door()
        let created = await door.create("one")
        let thread = try threadID(created)
        let user = try #require(items(created).first?["id"])
        let response = await door.call("threads.retry_after_item", ["thread_id": thread, "item_id": user])
        #expect(types(response).first == "stream_options")
        let stored = await door.call("items.list", ["thread_id": thread, "order": "asc"])
        #expect(stored.json["data"]?.array == [items(created)[0]] + items(response))
        let answer = try #require(items(response).last?["id"])
        let wrong = await door.call("threads.retry_after_item", ["thread_id": thread, "item_id": answer])
        #expect(wrong.code == "not_a_user_message")
        let missing = await door.call("threads.retry_after_item", ["thread_id": thread, "item_id": "msg_missing"])
        #expect(missing.code == "item_not_found")
        let long = JSON.string(String(repeating: "x", count: 10_000))
        #expect(
            await door.call("threads.retry_after_item", ["thread_id": thread, "item_id": long]).code == "item_not_found"
        )
    }

    @Test func theSameEventsAsOneDocument() async throws {
        let door = try Door()
        let response = await door.call("threads.create", ["input": Door.input("hi")], [("x-chatkit-stream", "Off")])
        #expect(response.fields["content-type"] == "application/json")
        let types = response.json["events"]?.array?.compactMap { $0["type"]?.string } ?? []
        #expect(types.prefix(3) == ["thread.created", "thread.item.done", "stream_options"])
        #expect(types.last == "thread.item.done")
    }

    @Test func anAttachmentThatCannotExistLeavesNothingBehind() async throws {
        let door = try Door()
        let input: JSON = ["content": [], "attachments": ["atc_missing"], "inference_options": [:]]
        let response = await door.call("threads.create", ["input": input])
        #expect(response.status == 404)
        #expect(response.code == "attachment_not_found")
        #expect(await door.call("threads.list", [:]).json["data"] == [])
        let missing = await door.call("threads.add_user_message", ["thread_id": "thr_missing", "input": input])
        #expect(missing.code == "not_found")
    }

    @Test func theAgentIsChosenWhenTheThreadIsMade() async throws {
        let door = try Door(defaultAgent: nil)
        let none = await door.create("hi")
        #expect(none.status == 503)
        #expect(none.code == "agent_unavailable")
        let unknown = await door.call("threads.create", ["input": Door.input("hi")], metadata: ["agent": "nope"])
        #expect(unknown.status == 404)
        #expect(unknown.code == "unknown_agent")
        let wrong = await door.call("threads.create", ["input": Door.input("hi")], metadata: ["agent": 5])
        #expect(wrong.status == 400)
        #expect(await door.call("threads.list", [:]).json["data"] == [])
        let header = await door.call("threads.create", ["input": Door.input("hi")], [("X-ChatKit-Agent", "echo")])
        #expect(header.status == 200)
        let thread = try threadID(header)
        // Later turns keep the agent, whatever they say.
        let later = await door.call(
            "threads.add_user_message", ["thread_id": thread, "input": Door.input("hi")], metadata: ["agent": 5])
        #expect(later.status == 200)
        door.registry.withdraw(plugin: "host")
        let gone = await door.call("threads.add_user_message", ["thread_id": thread, "input": Door.input("hi")])
        #expect(gone.status == 503)
        #expect(gone.code == "agent_unavailable")
    }

    @Test func aStoreThatFailsIsSaidBeforeTheStream() async throws {
        let door = try Door()
        await door.store.close()
        for response in [await door.create("hi"), await door.call("threads.list", [:])] {
            #expect(response.status == 503)
            #expect(response.code == "storage_error")
        }
    }
}

/// Documents, and what is refused.
struct ChatKitThreadTests {
    private func create(_ door: Door, _ text: String = "hi", user: String? = nil) async throws -> JSON {
        try #require(await door.create(text, user: user).events?.first?["thread"]?["id"])
    }

    @Test func aLongThreadOpensAtItsBeginning() async throws {
        let door = try Door()
        let thread = try await create(door)
        for index in 1...11 {
            _ = await door.call(
                "threads.add_user_message", ["thread_id": thread, "input": Door.input("message \(index)")])
        }
        let first = await door.call("threads.get_by_id", ["thread_id": thread]).json["items"]
        #expect(first?["data"]?.array?.count == 20)
        #expect(first?["has_more"] == true)
        let after = try #require(first?["after"])
        #expect(after == first?["data"]?.array?.last?["id"])
        let rest = await door.call("items.list", ["thread_id": thread, "order": "asc", "after": after])
        #expect(rest.json["data"]?.array?.count == 4)
        #expect(rest.json["has_more"] == false)
        #expect(rest.json["after"] == nil)
    }

    @Test func threadsAreListedNewestFirst() async throws {
        let door = try Door()
        var ids: [JSON] = []
        for index in 0..<3 { ids.append(try await create(door, "\(index)")) }
        let page = await door.call("threads.list", ["limit": 2])
        #expect(page.fields["content-type"] == "application/json")
        #expect(page.json["data"]?.array?.compactMap { $0["id"] } == [ids[2], ids[1]])
        #expect(page.json["data"]?.array?.first?["items"] == ["data": [], "has_more": false])
        #expect(page.json["has_more"] == true)
        #expect(page.json["after"] == ids[1])
        let rest = await door.call("threads.list", ["limit": 2, "after": ids[1]])
        #expect(rest.json["data"]?.array?.compactMap { $0["id"] } == [ids[0]])
    }

    @Test func updateAndDelete() async throws {
        let door = try Door()
        let thread = try await create(door)
        let updated = await door.call("threads.update", ["thread_id": thread, "title": "Groceries"])
        #expect(updated.json["title"] == "Groceries")
        #expect(updated.json["items"] == ["data": [], "has_more": false])
        #expect(updated.json["metadata"] == [:])
        #expect(await door.call("threads.get_by_id", ["thread_id": thread]).json["title"] == "Groceries")
        for _ in 0..<2 {
            let deleted = await door.call("threads.delete", ["thread_id": thread])
            #expect(deleted.status == 200)
            #expect(deleted.text == "{}")
        }
        #expect(await door.call("threads.get_by_id", ["thread_id": thread]).status == 404)
        let long = JSON.string(String(repeating: "x", count: 10_000))
        #expect(await door.call("threads.delete", ["thread_id": long]).text == "{}")
    }

    private static let aboutThreads: [(String, JSON)] = [
        ("threads.get_by_id", [:]), ("threads.update", ["title": "x"]), ("items.list", [:]),
        ("threads.add_user_message", ["input": Door.input("hi")]), ("threads.retry_after_item", ["item_id": "msg_x"]),
        ("threads.add_client_tool_output", ["result": [:]]),
        ("threads.add_structured_input", ["item_id": "msg_x", "input": [:]]),
        ("threads.custom_action", ["action": ["type": "x"]]), ("threads.sync_custom_action", ["action": ["type": "x"]]),
        ("items.feedback", ["item_ids": ["a"], "kind": "positive"]),
    ]

    @Test(arguments: aboutThreads)
    func aForeignThreadLooksLikeAMissingOne(_ type: String, _ params: JSON) async throws {
        let door = try Door()
        let foreign = try await create(door, user: "alice")
        var bodies: Set<[UInt8]> = []
        for id in [foreign, "thr_missing", "", .string(String(repeating: "x", count: 10_000))] {
            var object = try #require(params.object)
            object["thread_id"] = id
            let response = await door.call(type, .object(object), user: "bob")
            #expect(response.status == 404)
            #expect(response.code == "not_found")
            bodies.insert(response.body)
        }
        #expect(bodies.count == 1)
        #expect(await door.call("threads.list", [:], user: "bob").json["data"] == [])
        _ = await door.call("threads.delete", ["thread_id": foreign], user: "bob")
        #expect(await door.call("threads.get_by_id", ["thread_id": foreign], user: "alice").status == 200)
    }

    /// What neither this server nor the agent `echo` offers, and what nothing in the thread waits for.
    private static let refused: [(String, JSON, Int, String)] = [
        ("threads.add_client_tool_output", ["result": [:]], 409, "not_pending"),
        ("threads.add_structured_input", ["item_id": "msg_x", "input": [:]], 404, "item_not_found"),
        ("threads.custom_action", ["action": ["type": "x"]], 501, "not_implemented"),
        ("threads.sync_custom_action", ["action": ["type": "x"]], 501, "not_implemented"),
        ("threads.custom_action", ["action": ["type": "x"], "item_id": "msg_x"], 404, "item_not_found"),
        ("attachments.create", ["name": "n", "size": 1, "mime_type": "text/plain"], 501, "not_implemented"),
        ("attachments.delete", ["attachment_id": "a"], 501, "not_implemented"),
        ("input.transcribe", ["audio_base64": "QQ==", "mime_type": "audio/webm"], 501, "not_implemented"),
        ("input.transcribe", ["audio_base64": "", "mime_type": "audio/webm"], 400, "invalid_request"),
        ("input.transcribe", ["audio_base64": "A", "mime_type": "audio/webm"], 400, "invalid_request"),
        ("input.transcribe", ["audio_base64": "QQ-=", "mime_type": "audio/webm"], 400, "invalid_request"),
    ]

    @Test(arguments: refused)
    func refusedBeforeAStreamOpens(_ type: String, _ params: JSON, _ status: Int, _ code: String) async throws {
        let door = try Door()
        var object = try #require(params.object)
        object["thread_id"] = try await create(door)
        let response = await door.call(type, .object(object))
        #expect(response.status == status)
        #expect(response.code == code)
        #expect(response.json["error"]?.string?.isEmpty == false)
        // Malformed comes first.
        #expect(await door.call(type, [:]).status == 400)
    }

    @Test func feedbackOnWhatIsNotThereIsTaken() async throws {
        let door = try Door()
        let thread = try await create(door)
        let response = await door.call(
            "items.feedback", ["thread_id": thread, "item_ids": ["msg_none"], "kind": "negative"])
        #expect(response.status == 200)
        #expect(response.json == [:])
    }

    @Test func anUnknownAgentForSpeech() async throws {
        let door = try Door()
        let params: JSON = ["audio_base64": "QQ==", "mime_type": "audio/webm"]
        #expect(await door.call("input.transcribe", params, metadata: ["agent": "none"]).code == "unknown_agent")
    }

    @Test func unknownCursors() async throws {
        let door = try Door()
        let thread = try await create(door)
        for after in ["x_missing", "", String(repeating: "x", count: 10_000)] {
            for response in [
                await door.call("threads.list", ["after": .string(after)]),
                await door.call("items.list", ["thread_id": thread, "after": .string(after)]),
            ] {
                #expect(response.status == 404)
                #expect(response.code == "cursor_not_found")
            }
        }
    }

    @Test func bodiesAreBounded() async throws {
        let door = try Door()
        let request = #"{"type":"threads.list","params":{}}"#
        let most = Array(request.utf8) + [UInt8](repeating: 0x20, count: (1 << 20) - request.utf8.count)
        #expect(await door.send("POST", "/chatkit", [], most).status == 200)
        let response = await door.send("POST", "/chatkit", [], most + [0x20])
        #expect(response.status == 413)
        #expect(response.code == "body_too_large")
    }

    @Test func whoCalls() async throws {
        let door = try Door()
        let list = Array(#"{"type":"threads.list","params":{}}"#.utf8)
        let unauthorized = await door.send("POST", "/chatkit", [("Authorization", "Bearer x")], list)
        #expect(unauthorized.status == 401)
        #expect(unauthorized.code == "unauthorized")
        #expect(unauthorized.fields["www-authenticate"] == "Bearer")
        for headers in [
            [("X-User-ID", "")], [("x-user-id", "a"), ("X-UserID", "a")], [("X-User-ID", "a"), ("X-User-ID", "b")],
        ] {
            let response = await door.send("POST", "/chatkit", headers, list)
            #expect(response.status == 400)
            #expect(response.code == "invalid_user")
        }
        _ = try await create(door, user: "alice")
        #expect(await door.send("POST", "/chatkit", [("x-userid", "alice")], list).json["data"]?.array?.count == 1)
        #expect(await door.send("POST", "/chatkit", [], list).json["data"]?.array?.count == 0)
    }
}
