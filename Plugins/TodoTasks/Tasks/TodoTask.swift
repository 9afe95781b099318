internal import AgentPluginKit

/// One entry of a todo list.
struct TodoTask: Sendable, Hashable {
    /// Counted per user from 1, never used again.
    let id: Int
    var title: String
    var description: String?
    var isCompleted = false
    /// ISO 8601, UTC.
    let createdAt: String
    var updatedAt: String
}

extension TodoTask {
    /// The shape in which tasks are stored and listed.
    var json: JSON {
        [
            "id": .int(id), "title": .string(title), "description": .string(orNull: description),
            "completed": .bool(isCompleted), "created_at": .string(createdAt), "updated_at": .string(updatedAt),
        ]
    }

    /// Nil if the value is no task.
    init?(_ json: JSON) {
        guard let id = json["id"]?.int, let title = json["title"]?.string else { return nil }
        self.id = id
        self.title = title
        description = json["description"]?.string
        isCompleted = json["completed"]?.bool ?? false
        createdAt = json["created_at"]?.string ?? ""
        updatedAt = json["updated_at"]?.string ?? createdAt
    }
}

/// Text for a task: without blanks around it and not longer than allowed.
struct TaskText: Sendable, Hashable {
    static let longestTitle = 200
    static let longestDescription = 1000

    /// The text, at most `limit` Unicode code points; never cut inside what a reader sees as one character.
    let text: String
    /// Whether something was cut off.
    let wasCut: Bool

    init(_ given: String, limit: Int) {
        let trimmed = given.trimmed
        var count = 0
        let kept = trimmed.prefix { character in
            count += character.unicodeScalars.count
            return count <= limit
        }
        wasCut = kept.endIndex != trimmed.endIndex
        text = String(kept).trimmed
    }
}

extension String {
    /// The text without white space at both ends.
    var trimmed: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...end])
    }
}
