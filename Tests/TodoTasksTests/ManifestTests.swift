import AgentPluginKit
import Foundation
import Testing

@testable import TodoTasks

/// The manifest and the code speak of the same things.
struct TodoTasksManifestTests {
    @Test func manifestFitsTheCode() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appendingPathComponent("Plugins/TodoTasks/plugin.json")
        let manifest = try JSON.parse(Array(Data(contentsOf: file)))
        #expect(manifest["id"]?.string == TodoTasksPlugin.id)
        #expect(manifest["version"]?.string == TodoTasksPlugin.version)
        #expect(manifest["library"] == "libTodoTasks.so")
        let tools = try #require(manifest["tools"]?.array).compactMap { $0["name"]?.string }
        #expect(manifest["agents"]?.array?.first?["tools"]?.array?.compactMap(\.string) == tools)
        #expect(tools == ["add_task", "list_tasks", "complete_task", "delete_task", "update_task"])
    }
}
