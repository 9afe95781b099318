/// Splits a message into clauses with one wish each.
enum Clauses {
    /// What the message asks for, in order.
    static func read(_ message: String) -> [Intent] {
        var intents: [Intent] = []
        for clause in split(Word.split(message)) {
            for intent in Sentence.read(clause) { append(intent, to: &intents) }
        }
        return intents
    }

    /// A sentence that follows a new task and asks for nothing tells more about it.
    private static func append(_ intent: Intent, to intents: inout [Intent]) {
        if case .unclear(let remark) = intent, case .add(let title, let description) = intents.last {
            let text = [description, remark].compactMap(\.self).joined(separator: " ")
            intents[intents.count - 1] = .add(title: title, description: text)
        } else {
            intents.append(intent)
        }
    }

    private static let verbs: Set = [
        "add", "create", "remind", "remember", "mark", "rename", "reopen", "delete", "remove", "complete", "finish",
        "cancel",
        "change", "update", "check", "tick", "uncheck", "erase", "close", "edit", "put", "show", "list", "display",
        "what",
        "whats", "note", "make",
    ]

    /// Verbs that are common in titles too: behind "and" they start a command only with a clear object.
    private static let frank: Set = ["add", "create", "remind", "remember", "rename", "reopen"]

    static func split(_ words: [Word]) -> [ArraySlice<Word>] {
        var clauses: [ArraySlice<Word>] = []
        var start = 0
        for index in words.indices.dropFirst() {
            let current = words[start..<index]
            guard !current.isEmpty, let rest = restAfterBoundary(words, at: index, current) else { continue }
            clauses.append(current)
            start = rest
        }
        if start < words.count { clauses.append(words[start...]) }
        return clauses
    }

    /// Where the next clause starts, if one ends before `index`.
    private static func restAfterBoundary(_ words: [Word], at index: Int, _ current: ArraySlice<Word>) -> Int? {
        let previous = words[index - 1]
        let ending = previous.key == ":" ? "" : previous.tail
        if previous.endsLine || (ending.contains { ".!?;".contains($0) } && !isAbbreviation(previous)) {
            return endsSentence(words, at: index, current) ? index : nil
        }
        let isLink = ["and", "then", "also", "plus", "but"].contains(words[index].key)
        guard isLink || ending.contains(",") || ending.contains("-") else { return nil }
        return startsCommand(Sentence.withoutPoliteness(words[index...]), behind: current) ? index : nil
    }

    /// "Dr." and "e.g." end no sentence.
    private static func isAbbreviation(_ word: Word) -> Bool {
        guard word.quotation == nil, word.tail == "." else { return false }
        return ["dr", "mr", "mrs", "ms", "st", "prof", "no", "nr", "vs", "etc", "approx", "e.g", "i.e"].contains(
            word.key)
            || (word.key.count == 1 && word.text.first?.isUppercase == true)
    }

    /// After a full stop a new clause starts, unless a title simply goes on in lower case.
    private static func endsSentence(_ words: [Word], at index: Int, _ current: ArraySlice<Word>) -> Bool {
        let rest = words[index...]
        guard isAdding(current), rest.first?.text.first?.isLowercase == true else { return true }
        let intent = Sentence.read(upToStop(rest)).first
        return intent.map { $0.isCommand || $0.isRemark } ?? true
    }

    private static func upToStop(_ words: ArraySlice<Word>) -> ArraySlice<Word> {
        let end = words.firstIndex { $0.endsLine || $0.tail.contains { ".!?;".contains($0) } }
        return end.map { words[...$0] } ?? words
    }

    private static func isAdding(_ words: ArraySlice<Word>) -> Bool {
        switch Sentence.read(words).first {
        case .add, .askTitle, .rename, .describe: true
        default: false
        }
    }

    private static func startsCommand(_ rest: ArraySlice<Word>, behind current: ArraySlice<Word>) -> Bool {
        guard let verb = rest.first else { return false }
        if !verbs.contains(verb.key) {
            // "… and don't …", "… and I finished …" speak of something new, but not within a title.
            let isStatement = ["dont", "i", "ive", "task", "how"].contains(verb.key)
            guard isStatement, !isAdding(current) else { return false }
            return Sentence.read(upToStop(rest)).contains { $0.isCommand || $0.isRemark }
        }
        guard !Sentence.withoutPoliteness(current).isEmpty else { return false }
        if isAdding(current), !frank.contains(verb.key) {
            return isClear(rest.dropFirst().prefix(8), verb: verb.key)
                && Sentence.read(rest).contains(where: \.isCommand)
        }
        return rest.count > 1 || !isAdding(current)
    }

    private static func isClear(_ object: ArraySlice<Word>, verb: String) -> Bool {
        if ["show", "list", "display", "what", "whats"].contains(verb) {
            let nouns: Set = ["tasks", "task", "todos", "everything", "all", "pending", "list", "left", "me"]
            return object.contains { nouns.contains($0.key) }
        }
        let end = object.firstIndex { ["and", "then"].contains($0.key) } ?? object.endIndex
        return TaskReference.isClear(object[..<end])
    }
}
