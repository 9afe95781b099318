/// What somebody wants, as one clause of a message says it.
enum Intent: Sendable, Hashable {
    case add(title: String, description: String?)
    /// Something is to be added, but not what.
    case askTitle
    case list(Filter)
    case complete(TaskReference)
    case reopen(TaskReference)
    case delete(TaskReference)
    /// Everything, after we have asked whether that is really meant.
    case deleteAll(Filter)
    case rename(TaskReference, title: String)
    case describe(TaskReference, text: String)
    /// Something is to be changed, but not to what.
    case askChange(TaskReference)
    /// "Don't …": nothing is to be done.
    case refrain
    /// A question about how something is done.
    case explain
    /// Due dates, priorities and the like.
    case unsupported
    case capabilities
    case greeting, wellBeing, thanks, farewell, yes, no
    /// Nothing of the above.
    case unclear(String)

    /// Which tasks of the list.
    enum Filter: String, Sendable {
        case all, pending, completed
    }

    /// Whether the clause asks for one of the tools.
    var isCommand: Bool {
        switch self {
        case .add, .askTitle, .list, .complete, .reopen, .delete, .deleteAll, .rename, .describe, .askChange: true
        default: false
        }
    }

    /// Whether the clause tells that something is to be left alone or asked for, so that it is no part of a title.
    var isRemark: Bool {
        switch self {
        case .refrain, .explain, .unsupported, .capabilities, .greeting, .wellBeing, .thanks, .farewell, .yes, .no: true
        default: false
        }
    }
}

/// How a task is named.
enum TaskReference: Sendable, Hashable {
    /// "task 3"
    case id(Int)
    /// "the meeting task"
    case name(String)
    /// "it", "that one": the task mentioned last
    case mentioned
    /// "the second one" (2), "the last one" (-1)
    case position(Int)
    /// No task at all: "delete a task"
    case unnamed
    /// "everything", "all completed tasks"
    case every(Intent.Filter)
}
