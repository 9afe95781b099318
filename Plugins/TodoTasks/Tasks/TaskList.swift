internal import AgentPluginKit

/// The todo list of the person who asks, on the key-value service.
///
/// `last-id` holds the highest id ever given; `task/0000000001` holds a task, padded so that byte order is the order of ids.
/// Every write depends on the versions that were read and is repeated when somebody else was faster: no update is lost.
struct TaskList: Sendable {
    let store: Store

    private static let lastID = "last-id"
    private static let prefix = "task/"

    private static func key(_ id: Int) -> String {
        let digits = String(id)
        return prefix + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    /// All tasks, oldest first.
    func all() async throws -> [TodoTask] {
        try await store.list(prefix: TaskList.prefix).compactMap { TodoTask($0.value) }
    }

    /// Appends a task under the next id.
    func add(title: String, description: String?) async throws -> TodoTask {
        try await store.retrying { store in
            let last = try await store.get(TaskList.lastID)
            let id = (last?.value.int ?? 0) + 1
            let now = WallClock.now
            let task = TodoTask(id: id, title: title, description: description, createdAt: now, updatedAt: now)
            let unchanged: Store.Condition =
                last.map { .unchanged(key: TaskList.lastID, version: $0.version) } ?? .missing(key: TaskList.lastID)
            try await store.write(
                if: [unchanged, .missing(key: TaskList.key(id))],
                put: [TaskList.lastID: .int(id), TaskList.key(id): task.json])
            return task
        }
    }

    /// Changes a task and its `updatedAt`.
    /// - Throws: ``ToolError`` if there is no such task.
    func update(_ id: Int, _ change: @escaping @Sendable (inout TodoTask) -> Void) async throws -> TodoTask {
        try await store.retrying { store in
            var (task, version) = try await read(id, from: store)
            change(&task)
            task.updatedAt = WallClock.now
            try await store.write(
                if: [.unchanged(key: TaskList.key(id), version: version)], put: [TaskList.key(id): task.json])
            return task
        }
    }

    /// Removes a task and answers what it was.
    /// - Throws: ``ToolError`` if there is no such task.
    func delete(_ id: Int) async throws -> TodoTask {
        try await store.retrying { store in
            let (task, version) = try await read(id, from: store)
            try await store.write(
                if: [.unchanged(key: TaskList.key(id), version: version)], delete: [TaskList.key(id)])
            return task
        }
    }

    private func read(_ id: Int, from store: Store) async throws -> (TodoTask, version: String) {
        guard let entry = try await store.get(TaskList.key(id)), let task = TodoTask(entry.value) else {
            throw ToolError("Error: Task \(id) not found")
        }
        return (task, entry.version)
    }
}
