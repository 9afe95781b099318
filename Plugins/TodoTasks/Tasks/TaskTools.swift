internal import AgentPluginKit

/// The five tools. Results and texts follow `seed-contracts.md` 4.2; failures are texts that start with "Error: ".
///
/// Whose tasks are meant follows from the call, never from the argument `user_id`: that one names a user of the outside
/// world, which only the host's doors know and compare, and is ignored here.
struct TaskTools: Sendable {
    let list: TaskList

    var all: [Tool] { [add, show, complete, delete, update] }

    // MARK: add_task

    private struct AddArguments: Decodable {
        let title: String
        let description: String?
    }

    private var add: Tool {
        Tool("add_task") { (arguments: AddArguments, _) in
            let title = try TaskTools.title(arguments.title)
            let description = arguments.description.map { TaskText($0, limit: TaskText.longestDescription) }
            let task = try await list.add(title: title.text, description: description.flatMap(TaskTools.nonempty))
            var result = TaskTools.result(of: task, status: "created")
            result["description"] = .string(orNull: task.description)
            result["completed"] = false
            result["created_at"] = .string(task.createdAt)
            result["message"] = .string(
                "Task '\(task.title)' was added." + TaskTools.note(cutTitle: title, cutDescription: description))
            return .object(result)
        }
    }

    // MARK: list_tasks

    private struct ListArguments: Decodable {
        let status: String?
    }

    private var show: Tool {
        Tool("list_tasks") { (arguments: ListArguments, _) in
            let status = (arguments.status ?? "all").trimmed.lowercased()
            guard ["all", "pending", "completed"].contains(status) else {
                throw ToolError("Error: Invalid status '\(status)': use all, pending or completed")
            }
            let all = try await list.all()
            let shown = all.filter { status == "all" || $0.isCompleted == (status == "completed") }
            let completed = all.count { $0.isCompleted }
            let noun = status == "all" ? "" : "\(status) "
            return [
                "status": "success", "success": true, "tasks": .array(shown.map(\.json)),
                "total": .int(all.count), "pending": .int(all.count - completed), "completed": .int(completed),
                "filtered_status": .string(status),
                "message": .string("Found \(shown.count) \(noun)\(shown.count == 1 ? "task" : "tasks")."),
            ]
        }
    }

    // MARK: complete_task

    private struct CompleteArguments: Decodable {
        let task_id: JSON
        let as_completed: Bool?
    }

    private var complete: Tool {
        Tool("complete_task") { (arguments: CompleteArguments, _) in
            let wanted = arguments.as_completed
            let task = try await list.update(TaskTools.id(arguments.task_id)) { task in
                task.isCompleted = wanted ?? !task.isCompleted
            }
            var result = TaskTools.result(of: task, status: task.isCompleted ? "completed" : "pending")
            result["completed"] = .bool(task.isCompleted)
            result["updated_at"] = .string(task.updatedAt)
            result["message"] = .string(
                "Task '\(task.title)' is \(task.isCompleted ? "completed" : "pending again").")
            return .object(result)
        }
    }

    // MARK: delete_task

    private struct DeleteArguments: Decodable {
        let task_id: JSON
    }

    private var delete: Tool {
        Tool("delete_task") { (arguments: DeleteArguments, _) in
            let task = try await list.delete(TaskTools.id(arguments.task_id))
            var result = TaskTools.result(of: task, status: "deleted")
            result["message"] = .string("Task '\(task.title)' was deleted.")
            return .object(result)
        }
    }

    // MARK: update_task

    private struct UpdateArguments: Decodable {
        let task_id: JSON
        let title: String?
        let description: String?
    }

    private var update: Tool {
        Tool("update_task") { (arguments: UpdateArguments, _) in
            let id = try TaskTools.id(arguments.task_id)
            guard arguments.title != nil || arguments.description != nil else {
                throw ToolError("Error: At least one of title and description is needed")
            }
            let title = try arguments.title.map(TaskTools.title)
            let description = arguments.description.map { TaskText($0, limit: TaskText.longestDescription) }
            let task = try await list.update(id) { task in
                if let title { task.title = title.text }
                if let description { task.description = TaskTools.nonempty(description) }
            }
            var result = TaskTools.result(of: task, status: "updated")
            result["description"] = .string(orNull: task.description)
            result["updated_at"] = .string(task.updatedAt)
            result["message"] = .string(
                "Task '\(task.title)' was updated." + TaskTools.note(cutTitle: title, cutDescription: description))
            return .object(result)
        }
    }

    // MARK: What they share

    private static func result(of task: TodoTask, status: String) -> JSONObject {
        var object = JSONObject()
        object["task_id"] = .int(task.id)
        object["status"] = .string(status)
        object["success"] = true
        object["title"] = .string(task.title)
        return object
    }

    private static func title(_ given: String) throws -> TaskText {
        let title = TaskText(given, limit: TaskText.longestTitle)
        guard !title.text.isEmpty else { throw ToolError("Error: Title cannot be empty") }
        return title
    }

    /// A positive integer; as text it counts too.
    static func id(_ given: JSON) throws -> Int {
        guard let id = given.int ?? given.string.flatMap({ Int($0.trimmed) }) else {
            throw ToolError("Error: task_id must be an integer")
        }
        guard id >= 1 else { throw ToolError("Error: task_id must be 1 or more; task \(id) not found") }
        return id
    }

    private static func nonempty(_ text: TaskText) -> String? { text.text.isEmpty ? nil : text.text }

    private static func note(cutTitle title: TaskText?, cutDescription description: TaskText?) -> String {
        var note = ""
        if title?.wasCut == true { note += " The title was cut to \(TaskText.longestTitle) characters." }
        if description?.wasCut == true {
            note += " The description was cut to \(TaskText.longestDescription) characters."
        }
        return note
    }
}
