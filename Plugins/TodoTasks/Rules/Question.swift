/// Questions that we ask. The user's next message may answer them, so they are written to be found again.
enum Question: Sendable, Hashable {
    /// "What should I add?"
    case title
    /// "Which one should I delete?"
    case which(Verb)
    /// "What should I change task 3 to?"
    case change(Int)
    /// "Shall I add 'Buy milk' to your tasks?"
    case add(String)
    /// "Shall I really delete all tasks?"
    case deleteAll(Intent.Filter)

    /// What is to be done with the task we ask for.
    enum Verb: String, Sendable, CaseIterable {
        case complete, reopen, delete, change
    }

    var text: String {
        switch self {
        case .title: "What should I add to your list?"
        case .which(let verb): "Which one should I \(verb.rawValue)?"
        case .change(let id): "What should I change task \(id) to?"
        case .add(let title): "Shall I add '\(title)' to your tasks?"
        case .deleteAll(let filter): "Shall I really delete \(filter == .all ? "all" : "all \(filter.rawValue)") tasks?"
        }
    }

    /// The question at the end of what we said; nil if there is none.
    static func asked(in reply: String) -> Question? {
        let fixed = [.title] + Verb.allCases.map(Question.which) + [.all, .pending, .completed].map(Question.deleteAll)
        if let question = fixed.first(where: { reply.hasSuffix($0.text) }) { return question }
        if reply.hasSuffix("to your tasks?"), let start = reply.ranges(of: "Shall I add '").last?.upperBound {
            return .add(String(reply[start...].dropLast("' to your tasks?".count)))
        }
        if reply.hasSuffix(" to?"), let start = reply.ranges(of: "What should I change task ").last?.upperBound {
            return Int(reply[start...].dropLast(" to?".count)).map(Question.change)
        }
        return nil
    }
}

extension Question.Verb {
    /// Whether the wish is one of this verb.
    func asks(_ intent: Intent) -> Bool {
        switch (self, intent) {
        case (.complete, .complete), (.reopen, .reopen), (.delete, .delete): true
        case (.change, .rename), (.change, .describe), (.change, .askChange): true
        default: false
        }
    }

    /// The wish when nothing more is known.
    var plainIntent: Intent {
        switch self {
        case .complete: .complete(.unnamed)
        case .reopen: .reopen(.unnamed)
        case .delete: .delete(.unnamed)
        case .change: .askChange(.unnamed)
        }
    }
}

extension Intent {
    /// The same wish for another task.
    func with(_ reference: TaskReference) -> Intent {
        switch self {
        case .complete: .complete(reference)
        case .reopen: .reopen(reference)
        case .delete: .delete(reference)
        case .rename(_, let title): .rename(reference, title: title)
        case .describe(_, let text): .describe(reference, text: text)
        case .askChange: .askChange(reference)
        default: self
        }
    }
}
