internal import AgentPluginKit

/// Works through wishes with the results that are there, and collects the reply.
struct Work {
    /// A result is missing: these calls have to be made first.
    struct Missing: Error {
        let calls: [RulesModel.Call]
    }

    /// A task as a tool told of it.
    struct Known: Sendable, Hashable {
        let id: Int
        var title: String
        var isCompleted: Bool
    }

    private let conversation: Conversation
    private var outcomes: ArraySlice<Conversation.Outcome>
    private var tasks: [Known]?
    private var mentioned: Int?
    private var sentences: [String] = []

    init(conversation: Conversation) {
        self.conversation = conversation
        outcomes = conversation.outcomes[...]
        mentioned = conversation.mentionedTask
    }

    /// Everything that was said, one paragraph each.
    var reply: String { sentences.joined(separator: "\n\n") }

    mutating func say(_ sentence: String) {
        if !sentences.contains(sentence) { sentences.append(sentence) }
    }

    mutating func perform(_ intent: Intent) throws(Missing) {
        switch intent {
        case .add(let title, let description): try add(title, description)
        case .askTitle: say(Question.title.text)
        case .list(let filter): try show(filter)
        case .complete(let reference): try set(reference, completed: true)
        case .reopen(let reference): try set(reference, completed: false)
        case .delete(.every(let filter)):
            say("That cannot be undone. \(Question.deleteAll(filter).text)")
        case .delete(let reference):
            guard let id = try resolve(reference, .delete) else { return }
            try change("delete_task", ["task_id": .int(id)], id) { "I've deleted '\($0)' (task \(id)) from your list." }
        case .deleteAll(let filter): try deleteAll(filter)
        case .rename(let reference, let title):
            guard let id = try resolve(reference, .change) else { return }
            guard !title.isEmpty else { return say(Question.change(id).text) }
            try change("update_task", ["task_id": .int(id), "title": .string(title)], id) {
                "Task \(id) is now called '\($0)'."
            }
        case .describe(let reference, let text):
            guard let id = try resolve(reference, .change) else { return }
            try change("update_task", ["task_id": .int(id), "description": .string(text)], id) {
                text.isEmpty
                    ? "I've removed the description of '\($0)' (task \(id))."
                    : "I've noted that in the description of '\($0)' (task \(id))."
            }
        case .askChange(let reference):
            guard let id = try resolve(reference, .change) else { return }
            say(Question.change(id).text)
        default: say(Replies.talk(intent))
        }
    }

    // MARK: Calls

    /// The next result, or the calls that are needed for it.
    private mutating func call(_ tool: String, _ arguments: JSON) throws(Missing) -> Conversation.Outcome {
        guard let outcome = outcomes.popFirst() else {
            throw Missing(calls: [RulesModel.Call(tool: tool, arguments: arguments)])
        }
        return outcome
    }

    private mutating func add(_ title: String, _ description: String?) throws(Missing) {
        var arguments = JSONObject()
        arguments["title"] = .string(title)
        arguments["description"] = description.map(JSON.string)
        switch try call("add_task", .object(arguments)) {
        case .failure(let reason): say(Replies.failed("add that task", reason))
        case .success(let result):
            let added = result["title"]?.string ?? title
            guard let id = result["task_id"]?.int else { return say("I've added '\(added)' to your tasks.") }
            tasks?.append(Known(id: id, title: added, isCompleted: false))
            mentioned = id
            say("I've added '\(added)' to your tasks (task \(id)).")
        }
    }

    private mutating func show(_ filter: Intent.Filter) throws(Missing) {
        switch try call("list_tasks", ["status": .string(filter.rawValue)]) {
        case .failure(let reason): say(Replies.failed("look at your list", reason))
        case .success(let result):
            let shown = Work.known(result)
            if filter == .all { tasks = shown }
            say(Replies.list(shown, filter, total: result["total"]?.int ?? shown.count))
        }
    }

    /// Changes one task; `confirm` gets the title that the tool answered.
    private mutating func change(
        _ tool: String, _ arguments: JSON, _ id: Int, confirm: (String) -> String
    ) throws(Missing) {
        switch try call(tool, arguments) {
        case .failure(let reason): say(Replies.failed("change task \(id)", reason, id: id))
        case .success(let result):
            let title = result["title"]?.string ?? "Task \(id)"
            mentioned = id
            if tool == "delete_task" { tasks?.removeAll { $0.id == id } }
            if let index = tasks?.firstIndex(where: { $0.id == id }) {
                tasks?[index].title = title
                if let completed = result["completed"]?.bool { tasks?[index].isCompleted = completed }
            }
            say(confirm(title))
        }
    }

    private mutating func set(_ reference: TaskReference, completed: Bool) throws(Missing) {
        if case .every(let filter) = reference { return try setAll(filter, completed: completed) }
        guard let id = try resolve(reference, completed ? .complete : .reopen) else { return }
        try change("complete_task", Work.completion(id, completed), id) {
            completed
                ? "Well done! '\($0)' (task \(id)) is completed." : "'\($0)' (task \(id)) is pending again."
        }
    }

    private static func completion(_ id: Int, _ completed: Bool) -> JSON {
        ["task_id": .int(id), "as_completed": .bool(completed)]
    }

    // MARK: Everything at once

    private mutating func setAll(_ filter: Intent.Filter, completed: Bool) throws(Missing) {
        guard let all = try list() else { return }
        let chosen = all.filter {
            $0.isCompleted != completed && (filter == .all || $0.isCompleted == (filter == .completed))
        }
        try each(chosen, done: completed ? "completed" : "pending again") {
            RulesModel.Call(tool: "complete_task", arguments: Work.completion($0.id, completed))
        }
    }

    private mutating func deleteAll(_ filter: Intent.Filter) throws(Missing) {
        guard let all = try list() else { return }
        let chosen = all.filter { filter == .all || $0.isCompleted == (filter == .completed) }
        try each(chosen, done: "deleted") { RulesModel.Call(tool: "delete_task", arguments: ["task_id": .int($0.id)]) }
    }

    /// Makes all calls in one step; their order does not matter.
    private mutating func each(
        _ chosen: [Known], done: String, call: (Known) -> RulesModel.Call
    ) throws(Missing) {
        guard !chosen.isEmpty else { return say("There is nothing to do: no such tasks are on your list.") }
        guard outcomes.count >= chosen.count else { throw Missing(calls: chosen.map(call)) }
        let answers = zip(chosen, outcomes.prefix(chosen.count))
        outcomes = outcomes.dropFirst(chosen.count)
        tasks = nil
        let names = answers.compactMap { task, outcome in
            if case .success = outcome { "'\(task.title)'" } else { nil }
        }
        if !names.isEmpty { say("\(names.joined(separator: ", ")): \(done).") }
        if names.count < chosen.count { say("\(chosen.count - names.count) of the tasks could not be changed.") }
    }

    // MARK: Finding tasks

    /// The whole list; nil if it cannot be read, which is said then.
    private mutating func list() throws(Missing) -> [Known]? {
        if let tasks { return tasks }
        switch try call("list_tasks", ["status": "all"]) {
        case .failure(let reason):
            say(Replies.failed("look at your list", reason))
            return nil
        case .success(let result):
            tasks = Work.known(result)
            return tasks
        }
    }

    private static func known(_ result: JSON) -> [Known] {
        (result["tasks"]?.array ?? []).compactMap { task in
            guard let id = task["id"]?.int, let title = task["title"]?.string else { return nil }
            return Known(id: id, title: title, isCompleted: task["completed"]?.bool ?? false)
        }
    }

    /// The id of the task that is meant; nil if that is not certain, which is said then.
    private mutating func resolve(_ reference: TaskReference, _ verb: Question.Verb) throws(Missing) -> Int? {
        switch reference {
        case .id(let id): return id
        case .mentioned where mentioned != nil: return mentioned
        case .position(let position):
            guard let all = try list() else { return nil }
            let index = position > 0 ? position - 1 : all.count + position
            if all.indices.contains(index) { return all[index].id }
            say("Your list is not that long. " + Replies.list(all, .all, total: all.count))
        case .name(let name):
            guard let all = try list() else { return nil }
            let found = TaskSearch.find(name, in: all)
            if found.count == 1 { return found[0].id }
            say(found.isEmpty ? Replies.notFound(name, all) : Replies.several(found, name, verb))
        case .mentioned, .unnamed, .every:
            guard let all = try list() else { return nil }
            say(all.isEmpty ? Replies.empty : "\(Replies.table(all))\n\n\(Question.which(verb).text)")
        }
        return nil
    }
}
