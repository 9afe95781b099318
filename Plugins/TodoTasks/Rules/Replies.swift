/// What is said to people.
enum Replies {
    static let empty = "Your list is empty. Tell me what to add, for example \"Add a task to buy groceries\"."

    static let capabilities = """
        I keep your todo list. You can tell me, in your own words, for example:

        - "Add a task to buy groceries"
        - "Show me all tasks", "What's pending?", "What have I completed?"
        - "Mark task 1 complete", "Reopen task 1"
        - "Change task 1 to 'Call mom tonight'"
        - "Delete the groceries task"
        """

    /// The answer to a wish that needs no tool.
    static func talk(_ intent: Intent) -> String {
        switch intent {
        case .greeting: "Hello! I keep your todo list: tell me what to add, show, complete, change or delete."
        case .wellBeing: "I'm fine, thank you! What can I do for your todo list?"
        case .thanks: "You're welcome!"
        case .farewell: "Goodbye! Your list is safe here until you come back."
        case .yes: "All right. What can I do for your todo list?"
        case .no: "All right, I've changed nothing."
        case .refrain: "All right, I won't: your list stays as it is."
        case .explain:
            "Just tell me in your own words, for example \"Mark task 1 complete\" or \"Delete the groceries task\". "
                + "I've changed nothing."
        case .unsupported:
            "I can't do that: the list knows no due dates, priorities, tags or alarms. I can put such things into a "
                + "task's description, for example \"Add a note to task 1: due on Friday\"."
        case .unclear(let text) where (2...80).contains(text.count) && !text.hasSuffix("?") && !text.contains("\n"):
            "I'm not sure what to do with that. \(Question.add(text).text)"
        case .unclear: "I'm not sure what to do with that. \(capabilities)"
        default: capabilities
        }
    }

    /// Why something did not work, and what may help.
    static func failed(_ what: String, _ reason: String, id: Int? = nil) -> String {
        if let id, reason.lowercased().contains("not found") {
            return "I couldn't find task \(id). Say \"Show me all tasks\" to see which numbers there are."
        }
        let sentence = reason.trimmedPunctuation
        return "I couldn't \(what): \(sentence.isEmpty ? "something went wrong" : sentence). Please try again."
    }

    static func notFound(_ name: String, _ all: [Work.Known]) -> String {
        all.isEmpty
            ? "I couldn't find '\(name)': your list is empty."
            : "I couldn't find a task called '\(name)'. This is on your list:\n\n\(table(all))"
    }

    static func several(_ found: [Work.Known], _ name: String, _ verb: Question.Verb) -> String {
        let rows = found.map { "- task \($0.id): \(oneLine($0.title)) (\($0.isCompleted ? "done" : "pending"))" }
        return "Several tasks match '\(name)':\n\n\(rows.joined(separator: "\n"))\n\n\(Question.which(verb).text)"
    }

    /// Tasks under a line that says which they are.
    static func list(_ tasks: [Work.Known], _ filter: Intent.Filter, total: Int) -> String {
        guard !tasks.isEmpty else {
            return switch filter {
            case .all: empty
            case .pending: total == 0 ? empty : "Nothing is pending: everything on your list is done."
            case .completed: total == 0 ? empty : "Nothing is completed yet."
            }
        }
        let noun = tasks.count == 1 ? "task" : "tasks"
        let kind = filter == .all ? "" : "\(filter.rawValue) "
        let done = tasks.count { $0.isCompleted }
        let state = filter == .all ? " (\(tasks.count - done) pending, \(done) done)" : ""
        return "You have \(tasks.count) \(kind)\(noun)\(state):\n\n\(table(tasks))"
    }

    static func table(_ tasks: [Work.Known]) -> String {
        let rows = tasks.map { "| \($0.id) | \(oneLine($0.title)) | \($0.isCompleted ? "✅ done" : "⏳ pending") |" }
        return (["| ID | Task | Status |", "| ---: | --- | --- |"] + rows).joined(separator: "\n")
    }

    /// A title that cannot break a table.
    private static func oneLine(_ title: String) -> String {
        title.split(whereSeparator: \.isNewline).joined(separator: " ").split(
            separator: "|", omittingEmptySubsequences: false
        )
        .joined(separator: "\\|")
    }
}
