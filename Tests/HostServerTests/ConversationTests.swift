import Foundation
import Testing

/// One conversation with the bundled plugins over HTTP, in both plugin modes.
struct ConversationTests {
    @Test func echoStreamsTheProtocolsEventOrder() throws {
        let server = try ServerProcess()
        let response = try server.client().create("hello there, friend", agent: "echo")
        #expect(response.status == 200)
        #expect(response.fields["content-type"]?.hasPrefix("text/event-stream") == true)
        #expect(response.fields["cache-control"]?.contains("no-store") == true)
        #expect(response.isComplete)
        let types = response.events.map(\.type)
        #expect(types.prefix(4) == ["thread.created", "thread.item.done", "stream_options", "thread.item.added"])
        #expect(types.last == "thread.item.done")
        #expect(response.texts == ["hello there, friend"])
    }

    @Test(arguments: ["", "*"]) func todoTasksKeepsAList(trusted: String) throws {
        let server = try ServerProcess(trusted: trusted)
        let client = server.client(user: "ann")
        let added = try client.create("Add a task to paint the fence", agent: "TodoTasks")
        #expect(added.texts.joined().contains("Paint the fence"))
        let tasks = added.events.compactMap { ($0.json["update"] as? [String: Any])?["task"] as? [String: Any] }
        #expect(tasks.map { $0["status_indicator"] as? String } == ["loading", "complete"], "the call is shown")
        let thread = try #require(added.threadID)
        #expect(try client.say("Show me all tasks", in: thread).texts.joined().contains("Paint the fence"))
        #expect(try client.say("Mark task 1 complete", in: thread).texts.joined().lowercased().contains("complete"))
        #expect(try client.say("Delete the fence task", in: thread).texts.joined().contains("Paint the fence"))
        #expect(try !client.say("Show me all tasks", in: thread).texts.joined().contains("Paint the fence"))
        #expect(
            try !server.client(user: "bob").create("Show me all tasks", agent: "TodoTasks").texts.joined().contains(
                "Paint the fence"))
    }

    @Test(arguments: ["", "*"]) func tripPlannerUsesItsCatalogue(trusted: String) throws {
        let server = try ServerProcess(trusted: trusted)
        let response = try server.client().create(
            "Plan a 3-day trip to Lisbon in spring for two adults. Mid-range budget, we like food and culture. Please go ahead.",
            agent: "TripPlanner")
        #expect(response.texts.joined().contains("Lisbon"))
        #expect(response.events.contains { $0.item?["type"] as? String == "workflow" })
    }

    @Test func taskNumbersAreRightUnderConcurrency() async throws {
        let server = try ServerProcess()
        let port = server.port
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    _ = try ChatKitClient(port: port, user: "crowd").create(
                        "Add a task to do thing \(number)", agent: "TodoTasks")
                }
            }
            try await group.waitForAll()
        }
        let list = try server.client(user: "crowd").create("Show me all tasks", agent: "TodoTasks").texts.joined()
        for number in 0..<20 { #expect(list.contains("thing \(number)")) }
        for id in 1...20 { #expect(list.contains("\(id)")) }
        withExtendedLifetime(server) {}
    }

    @Test func theConversationOutlivesTheServer() throws {
        let first = try ServerProcess()
        let client = first.client(user: "ann")
        let thread = try #require(try client.create("Add a task to water the plants", agent: "TodoTasks").threadID)
        let before = try client.items(thread)
        #expect(first.stop(SIGKILL) == -SIGKILL)
        let second = try ServerProcess(folder: first.folder)
        let again = second.client(user: "ann")
        #expect(try NSArray(array: again.items(thread)).isEqual(to: before))
        #expect(try again.say("Show me all tasks", in: thread).texts.joined().contains("Water the plants"))
    }

    @Test func theTerminalTalksToTheSameEngine() throws {
        let (status, output, errors) = try runHostServer(
            ["chat", "TodoTasks"], input: "Add a task to call Ann\n\nSHOW me all tasks\nquit\n")
        #expect(status == 0, "\(errors)")
        #expect(output.components(separatedBy: "Agent:").count == 3)
        #expect(output.contains("[Add task]"))
        #expect(output.contains("Call Ann"))
        #expect(output.hasSuffix("Ending chat.\n"))
    }
}

extension ChatKitClient.Response {
    /// The texts of assistant messages that are done.
    var texts: [String] {
        events.filter { $0.type == "thread.item.done" }.compactMap(\.item).filter {
            $0["type"] as? String == "assistant_message"
        }
        .map { item in
            (item["content"] as? [[String: Any]] ?? []).compactMap { $0["text"] as? String }.joined()
        }
    }

    var threadID: String? {
        events.lazy.compactMap {
            ($0.json["thread"] as? [String: Any])?["id"] as? String ?? $0.item?["thread_id"] as? String
        }.first
    }
}
