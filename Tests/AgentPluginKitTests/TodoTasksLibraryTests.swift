import Foundation
import PluginABI
import Synchronization
import Testing

@testable import AgentPluginKit

/// The bundled plugin as it ships: the library beside the test runner, loaded as a host would.
struct TodoTasksLibraryTests {
    private func driver() throws -> Driver {
        let runner = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let library = runner.deletingLastPathComponent().appendingPathComponent("libTodoTasks.so").path
        let handle = try #require(dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), "\(library) does not load")
        typealias Entry = @convention(c) () -> UnsafePointer<ap_plugin_r1>?
        let symbol = try #require(dlsym(handle, AP_ENTRY_SYMBOL))
        let plugin = try #require(unsafeBitCast(symbol, to: Entry.self)())
        return try #require(Driver(plugin))
    }

    @Test func fiftyAddsAtOnceLoseNothing() async throws {
        let driver = try driver()
        await withTaskGroup(of: Int?.self) { group in
            for number in 1...50 {
                group.addTask {
                    await driver.call("add_task", ["title": .string("Task \(number)")])?.json["task_id"]?.int
                }
            }
            var ids: [Int] = []
            for await id in group { ids.append(id ?? -1) }
            #expect(ids.sorted() == Array(1...50))
        }
        let list = await driver.call("list_tasks", [:])?.json
        #expect(list?["tasks"]?.array?.compactMap { $0["id"]?.int } == Array(1...50))
        #expect(driver.host.state.withLock { $0.conflicts } > 0, "nothing was written at the same time")
        await driver.destroy()
    }

    @Test func idsAreNeverUsedAgain() async throws {
        let driver = try driver()
        _ = await driver.call("add_task", ["title": "One"])
        #expect(await driver.call("delete_task", ["task_id": "1"])?.json["status"] == "deleted")
        #expect(await driver.call("add_task", ["title": "Two"])?.json["task_id"] == 2)
        await driver.destroy()
    }

    @Test func usersDoNotSeeEachOther() async throws {
        let driver = try driver()
        _ = await driver.call("add_task", ["title": "Secret"], subject: "ann")
        #expect(await driver.call("list_tasks", [:], subject: "bob")?.json["total"] == 0)
        let theft = await driver.call("delete_task", ["task_id": 1], subject: "bob")
        #expect(theft?.status == AP_E_FAILED)
        #expect(theft?.text == "Error: Task 1 not found")
        await driver.destroy()
    }

    @Test func toolsFollowTheirContract() async throws {
        let driver = try driver()
        let long = String(repeating: "👩‍👩‍👧", count: 50)  // 5 code points each
        let added = await driver.call("add_task", ["title": .string("  " + long), "description": " "])?.json
        #expect(added?["title"]?.string == String(repeating: "👩‍👩‍👧", count: 40))
        #expect(added?["description"] == .null)
        #expect(added?["message"]?.string?.contains("cut to 200") == true)
        let failures: [(String, JSON, String)] = [
            ("add_task", ["title": "  "], "Error: Title cannot be empty"),
            ("list_tasks", ["status": "some"], "Error: Invalid status"),
            ("complete_task", ["task_id": 0], "not found"), ("complete_task", ["task_id": "x"], "must be an integer"),
            ("update_task", ["task_id": 1], "At least one"),
            ("update_task", ["task_id": 1, "title": ""], "Title cannot"),
            ("update_task", ["task_id": 9, "title": "x"], "not found"),
        ]
        for (tool, arguments, text) in failures {
            let answer = await driver.call(tool, arguments)
            #expect(answer?.status == AP_E_FAILED)
            #expect(answer?.text.hasPrefix("Error: ") == true)
            #expect(answer?.text.contains(text) == true, "\(tool) \(arguments.text): \(answer?.text ?? "")")
        }
        #expect(await driver.call("complete_task", ["task_id": 1])?.json["completed"] == true)
        #expect(await driver.call("complete_task", ["task_id": 1])?.json["status"] == "pending")
        #expect(await driver.call("complete_task", ["task_id": 1, "as_completed": true])?.json["completed"] == true)
        let described = await driver.call("update_task", ["task_id": 1, "description": "d"])?.json
        #expect(described?["description"] == "d")
        #expect(await driver.call("update_task", ["task_id": 1, "description": ""])?.json["description"] == .null)
        #expect(await driver.call("list_tasks", ["status": "pending"])?.json["tasks"] == [])
        await driver.destroy()
    }

    @Test func aConversationWorks() async throws {
        let driver = try driver()
        var messages: [JSON] = []
        func say(_ text: String) async -> String {
            messages.append(["role": "user", "content": .string(text)])
            for _ in 0..<24 {
                let answer = await driver.complete("todo-rules", ["messages": .array(messages), "tools": []])
                let pieces = answer?.progress ?? []
                let calls = pieces.compactMap { $0["tool_call"] }
                if calls.isEmpty {
                    let reply = pieces.compactMap { $0["text"]?.string }.joined()
                    messages.append(["role": "assistant", "content": .string(reply)])
                    return reply
                }
                let made = calls.map { ["id": $0["id"] ?? "", "type": "function", "function": $0] as JSON }
                messages.append(["role": "assistant", "tool_calls": .array(made)])
                for call in calls {
                    let arguments = (try? JSON.parse(call["arguments"]?.string ?? "")) ?? .null
                    let result = await driver.call(call["name"]?.string ?? "", arguments)
                    messages.append([
                        "role": "tool", "tool_call_id": call["id"] ?? "",
                        "content": .string(result?.text ?? "Error: ?"),
                    ])
                }
            }
            return "too many steps"
        }
        func expect(_ text: String, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) async {
            let reply = await say(text)
            for part in parts {
                #expect(reply.contains(part), "\(text) -> \(reply)", sourceLocation: sourceLocation)
            }
        }
        await expect("hello", "Hello")
        await expect("Add a task to buy groceries", "added 'Buy groceries' to your tasks")
        await expect("Add team meeting and add client meeting", "Team meeting", "Client meeting")
        await expect("Show me all tasks", "| 1 | Buy groceries | ⏳ pending |", "| 3 | Client meeting |")
        await expect("Mark task 1 complete", "completed", "Buy groceries")
        await expect("mark it as not done", "Buy groceries", "pending again")
        await expect("mark the groceries task done", "Buy groceries", "completed")
        await expect("Delete the meeting task", "Several tasks match", "Which one should I delete?")
        await expect("the first one", "deleted 'Team meeting'")
        await expect("Mark task 99 complete", "couldn't find task 99")
        await expect("Delete the gym task", "couldn't find a task called 'gym'", "Client meeting")
        await expect("don't delete task 3", "stays as it is")
        await expect("Change task 3 to 'Call mom tonight'", "Call mom tonight")
        await expect("What have I completed?", "Buy groceries")
        await expect("buy bread", "Shall I add 'Buy bread' to your tasks?")
        await expect("yes", "added 'Buy bread'")
        await expect("delete all tasks", "Shall I really delete all tasks?")
        await expect("no", "stays as it is")
        await expect("complete everything", "completed")
        await expect("What's pending?", "Nothing is pending")
        await expect("Add a task", "What should I add")
        await expect("water the plants", "added 'Water the plants'")
        await driver.destroy()
    }
}
