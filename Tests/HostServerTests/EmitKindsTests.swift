import Foundation
import Testing

/// Everything a plugin can emit, through the ABI and over HTTP, with the same `.so` in both modes. The plugin is
/// `Tests/Fixtures/KindsC`.
struct EmitKindsTests {
    static let good = ServerProcess.products.appendingPathComponent("fixtures")
    static let modes = ["", "*"]

    private func run(_ text: String, trusted: String) throws -> ChatKitClient.Response {
        let server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let response = try server.client().create(text, agent: "kinds-c")
        #expect(response.isComplete)
        #expect(response.events.prefix(3).map(\.type) == ["thread.created", "thread.item.done", "stream_options"])
        return response
    }

    /// The agent's own events, in short: type of event, of update and item.
    private func names(_ response: ChatKitClient.Response) -> [String] {
        response.events.dropFirst(3).map { event in
            let update = event.json["update"] as? [String: Any]
            let detail = update?["type"] as? String ?? event.item?["type"] as? String
            return [event.type.replacingOccurrences(of: "thread.item.", with: ""), detail].compactMap { $0 }
                .joined(separator: " ")
        }
    }

    @Test(arguments: modes) func messages(trusted: String) throws {
        let response = try run("message", trusted: trusted)
        let prefix = "updated assistant_message.content_part."
        #expect(
            names(response) == [
                "added assistant_message", prefix + "added", prefix + "text_delta", prefix + "annotation_added",
                prefix + "annotation_added", prefix + "annotation_added", prefix + "text_delta", prefix + "done",
                "done assistant_message",
            ])
        let part = try #require((response.events.last?.item?["content"] as? [[String: Any]])?.first)
        #expect(part["text"] as? String == "Rome was not built in a day.")
        let annotations = try #require(part["annotations"] as? [[String: Any]])
        #expect(annotations.compactMap { $0["type"] as? String } == ["annotation", "annotation", "annotation"])
        let entity = try #require(annotations[2]["source"] as? [String: Any])
        #expect(entity["interactive"] as? Bool == false && (entity["data"] as? [String: Any])?.isEmpty == true)
    }

    @Test(arguments: modes) func workflowsAndTasks(trusted: String) throws {
        let response = try run("workflow", trusted: trusted)
        let added = "updated workflow.task.added"
        #expect(
            names(response) == [
                "added workflow", added, "updated workflow.task.updated", added, added, added, added, "done workflow",
            ])
        let workflow = try #require(response.events.last?.item?["workflow"] as? [String: Any])
        #expect(workflow["type"] as? String == "reasoning" && workflow["expanded"] as? Bool == false)
        let tasks = try #require(workflow["tasks"] as? [[String: Any]])
        #expect(
            tasks.compactMap { $0["type"] as? String } == ["custom", "web_search", "thought", "file", "image"])
        #expect(tasks.compactMap { $0["status_indicator"] as? String } == ["complete", "none", "none", "none", "none"])
        #expect((tasks[1]["sources"] as? [[String: Any]])?.first?["type"] as? String == "url")
        #expect((workflow["summary"] as? [String: Any])?["title"] as? String == "Read 3 pages")
        #expect(names(try run("task", trusted: trusted)) == ["added task", "done task"])
    }

    @Test(arguments: modes) func widgetsAreToldByTheirDifferences(trusted: String) throws {
        let response = try run("widget", trusted: trusted)
        #expect(
            names(response) == [
                "added widget", "updated widget.streaming_text.value_delta", "updated widget.component.updated",
                "updated widget.streaming_text.value_delta", "updated widget.root.updated", "done widget",
            ])
        let updates = response.events.compactMap { $0.json["update"] as? [String: Any] }
        #expect(updates[0]["delta"] as? String == "me" && updates[0]["done"] as? Bool == false)
        #expect((updates[1]["component"] as? [String: Any])?["label"] as? String == "rainy")
        #expect(updates[2]["delta"] as? String == ", Italy" && updates[2]["done"] as? Bool == true)
        #expect(response.events.last?.item?["copy_text"] as? String == "Rome, Italy: rainy")
        #expect(!String(decoding: response.body, as: UTF8.self).contains("null"))
    }

    @Test(arguments: modes) func imagesNoticesAndTheRest(trusted: String) throws {
        let image = try run("image", trusted: trusted)
        #expect(
            names(image) == [
                "added generated_image", "updated generated_image.updated", "updated generated_image.updated",
                "done generated_image",
            ])
        let updates = image.events.compactMap { $0.json["update"] as? [String: Any] }
        #expect(updates.compactMap { $0["progress"] as? Double } == [0.5, 1])
        let shown = try #require(image.events.last?.item?["image"] as? [String: Any])
        #expect(shown["url"] as? String == "https://example.com/fine.png")
        let ids = updates.compactMap { ($0["image"] as? [String: Any])?["id"] as? String }
        #expect(Set(ids + [shown["id"] as? String ?? ""]).count == 1, "one picture has one id")

        #expect(names(try run("progress", trusted: trusted)) == ["progress_update"])
        #expect(names(try run("notice", trusted: trusted)) == ["notice"])
        #expect(names(try run("effect", trusted: trusted)) == ["client_effect"])
        let options = try run("options", trusted: trusted)
        #expect((options.events.last?.json["stream_options"] as? [String: Any])?["allow_cancel"] as? Bool == false)
        let error = try run("error", trusted: trusted)
        #expect(error.events.last?.json["code"] as? String == "custom")
        #expect(error.events.last?.json["message"] as? String == "Come back tomorrow.")
        #expect(error.events.last?.json["allow_retry"] as? Bool == true)
    }

    @Test(arguments: modes) func everyKindInOneTurn(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let client = server.client()
        let response = try client.create("all", agent: "kinds-c")
        let thread = try #require(response.threadID)
        #expect(response.isComplete)
        #expect(!names(response).contains("error"))
        #expect(!String(decoding: response.body, as: UTF8.self).contains("hidden"))
        #expect(
            names(response).suffix(9) == [
                "updated generated_image.updated", "done generated_image", "done assistant_message", "thread.updated",
                "replaced assistant_message", "done task", "removed", "done end_of_turn", "thread.updated",
            ])
        let items = try client.items(thread)
        #expect(
            items.compactMap { $0["type"] as? String } == [
                "user_message", "assistant_message", "workflow", "task", "widget", "generated_image",
                "assistant_message", "end_of_turn",
            ])
        let text = (items[6]["content"] as? [[String: Any]])?.first?["text"] as? String
        #expect(text == "Written anew.")
        // What was stored is what was shown last.
        for item in items.dropFirst() {
            let shown = response.events.last { $0.item?["id"] as? String == item["id"] as? String }?.item
            #expect(NSDictionary(dictionary: item) == NSDictionary(dictionary: shown ?? [:]))
        }
        let loaded = try client.call("threads.get_by_id", ["thread_id": thread]).json
        #expect(loaded["title"] as? String == "Rome")
        #expect((loaded["status"] as? [String: Any])?["type"] as? String == "active")
        #expect((loaded["metadata"] as? [String: Any])?.isEmpty == true)
        #expect(loaded["allowed_image_domains"] as? [String] == ["example.com"])
    }

    // MARK: What begins a turn

    @Test(arguments: modes) func answersSurviveKill9(trusted: String) throws {
        var server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let folder = server.folder
        let first = server
        let client = server.client()
        let call = try client.create("client", agent: "kinds-c")
        let ask = try client.create("ask", agent: "kinds-c")
        let callThread = try #require(call.threadID)
        let askThread = try #require(ask.threadID)
        let pending = try #require(call.events.last?.item)
        let question = try #require(ask.events.last?.item)
        #expect(pending["status"] as? String == "pending" && pending["name"] as? String == "get_location")
        server.stop(SIGKILL)
        server = try ServerProcess(folder: folder, plugins: [Self.good], trusted: trusted)
        let again = server.client()
        let output = try again.call("threads.add_client_tool_output", ["thread_id": callThread, "result": ["lat": 1]])
        #expect(output.events.first?.type == "stream_options")
        #expect(output.texts == [#"The page answered {"lat":1}."#])
        #expect(
            try again.items(callThread).first { $0["id"] as? String == pending["id"] as? String }?["status"] as? String
                == "completed")
        let params: [String: Any] = [
            "thread_id": askThread, "item_id": question["id"] ?? "",
            "input": ["answers": ["when": ["values": ["today", "tomorrow"]]]],
        ]
        let answer = try again.call("threads.add_structured_input", params)
        #expect(answer.events.prefix(2).map(\.type) == ["stream_options", "thread.item.replaced"])
        #expect(answer.texts == [#"You have answered: {"values":["today"],"skipped":false}."#])
        #expect(try again.call("threads.add_structured_input", params).code == "not_pending")
        withExtendedLifetime(first) {}
    }

    @Test(arguments: modes) func actionsReachThePlugin(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let client = server.client()
        let made = try client.create("widget", agent: "kinds-c")
        let thread = try #require(made.threadID)
        let widget = try #require(made.events.last?.item)
        let id = try #require(widget["id"] as? String)
        let action: [String: Any] = ["type": "refresh", "payload": ["none": NSNull()]]

        let streamed = try client.call(
            "threads.custom_action", ["thread_id": thread, "item_id": id, "action": action])
        #expect(streamed.events.map(\.type) == ["stream_options", "thread.item.replaced"])
        #expect(streamed.events.last?.item?["id"] as? String == id)
        #expect(streamed.events.last?.item?["created_at"] as? String == widget["created_at"] as? String)
        #expect(String(decoding: streamed.body, as: UTF8.self).contains(#"refresh {\"none\":null}"#))

        // While a turn of the thread runs.
        let echo = try client.create("again", agent: "kinds-c")
        #expect(echo.isComplete)
        let sync = try client.call(
            "threads.sync_custom_action", ["thread_id": thread, "item_id": id, "action": ["type": "again"]])
        let updated = try #require(sync.json["updated_item"] as? [String: Any])
        #expect(updated["id"] as? String == id)
        let stored = try client.items(thread).first { $0["id"] as? String == id }
        #expect(NSDictionary(dictionary: updated) == NSDictionary(dictionary: stored ?? [:]))

        let added = try client.call("threads.sync_custom_action", ["thread_id": thread, "action": ["type": "add"]])
        #expect((added.json["updated_item"] as? [String: Any])?["type"] as? String == "widget")
        let nothing = try client.call("threads.sync_custom_action", ["thread_id": thread, "action": ["type": "ping"]])
        #expect(nothing.body == Data("{}".utf8))
        let failed = try client.call("threads.sync_custom_action", ["thread_id": thread, "action": ["type": "fail"]])
        #expect(failed.status == 502 && failed.code == "agent_failed")
        #expect(failed.json["error"] as? String == "Told to fail.")
        let message = try #require(made.events[1].item?["id"] as? String)
        for op in ["threads.custom_action", "threads.sync_custom_action"] {
            let wrong = try client.call(op, ["thread_id": thread, "item_id": message, "action": action])
            #expect(wrong.status == 400 && wrong.code == "wrong_item_type")
        }
    }

    @Test(arguments: modes) func feedbackAndSpeechReachThePlugin(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let client = server.client()
        let thread = try #require(try client.create("progress", agent: "kinds-c").threadID)
        let taken = try client.call(
            "items.feedback", ["thread_id": thread, "item_ids": ["a", "b"], "kind": "negative"])
        #expect(taken.body == Data("{}".utf8))
        #expect(try client.say("feedback", in: thread).texts == [#"{"kind":"negative","item_ids":["a","b"]}"#])
        let speech = ["audio_base64": "QUJD", "mime_type": "audio/webm;codecs=opus"]
        let text = try client.call("input.transcribe", speech, agent: "kinds-c")
        #expect(text.status == 200)
        #expect(text.json["text"] as? String == "4 characters of speech")
        let video = ["audio_base64": "QUJD", "mime_type": "video/mp4"]
        #expect(try client.call("input.transcribe", video, agent: "kinds-c").status == 501)
    }

    @Test(arguments: modes) func aPluginReadsItsThread(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let client = server.client(user: "ada")
        let thread = try #require(try client.create("all", agent: "kinds-c").threadID)
        let record = try #require(try client.say("get", in: thread).texts.first)
        #expect(record.contains(#""title":"Rome""#) && record.contains(thread) && !record.contains("null"))
        var after = ""
        var types: [String] = []
        for _ in 0..<20 {
            let ask = #"items {"limit":3,"order":"asc"\#(after)}"#
            let text = try #require(try client.say(ask, in: thread).texts.first)
            let page = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            types += (page["data"] as? [[String: Any]] ?? []).compactMap { $0["type"] as? String }
            guard page["has_more"] as? Bool == true, let next = page["after"] as? String else { break }
            after = #","after":"\#(next)""#
            if types.count > 8 { break }
        }
        // The hidden item too, which clients never see; behind these are the questions themselves.
        #expect(
            types.prefix(9) == [
                "user_message", "assistant_message", "workflow", "task", "widget", "generated_image",
                "hidden_context_item", "assistant_message", "end_of_turn",
            ])
        let wrong = try client.say(#"items {"limit":0}"#, in: thread)
        #expect(wrong.events.last?.json["message"] as? String == "The thread could not be read.")
    }
}
