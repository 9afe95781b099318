extension TaskReference {
    /// Reads what stands where a task is named: "task 3", "tasks 1 and 2", "the second one", "it", "the meeting task".
    /// - Returns: nothing if no certain task is meant ("a task", "something").
    static func read(_ words: ArraySlice<Word>) -> [TaskReference] {
        let words = stripped(words)
        if words.isEmpty { return [] }
        if words.count == 1, let quotation = words.first?.quotation { return [.name(quotation)] }
        return numbers(words) ?? every(words) ?? position(words) ?? mentioned(words) ?? name(words)
    }

    private static let articles: Set = [
        "the", "my", "this", "that", "these", "those", "our", "a", "an", "any", "some", "of",
    ]
    private static let nouns: Set = [
        "task", "tasks", "todo", "todos", "to-do", "to-dos", "item", "items", "entry", "reminder", "id", "number", "no",
        "nr", "num", "#", ":", "one", "ones", "thing",
    ]
    private static let endings: Set = [
        "please", "now", "too", "also", "off", "again", "already", "today", "instead", "then",
    ]
    private static let pronouns: Set = [
        "it", "that", "this", "that one", "this one", "them", "the same", "same", "the one", "that task", "this task",
        "the task", "task", "the same task", "the same one", "both", "this item", "that item", "the item",
    ]

    /// Without words at the end that say nothing, such as "from my list".
    private static func stripped(_ words: ArraySlice<Word>) -> ArraySlice<Word> {
        var words = words
        while let last = words.last, endings.contains(last.key), words.count > 1 { words = words.dropLast() }
        for ending in Grammar.places
        where words.count > ending.count && words.suffix(ending.count).map(\.key) == ending {
            return stripped(words.dropLast(ending.count))
        }
        return words
    }

    /// "task 3", "#3", "1, 2 and 4", "task number three".
    private static func numbers(_ words: ArraySlice<Word>) -> [TaskReference]? {
        var ids: [TaskReference] = []
        for word in words {
            if word.quotation != nil { return nil }
            if let number = word.number, !(word.key == "one" && !ids.isEmpty) {
                ids.append(.id(number))
            } else if let several = list(word.key) {
                ids += several
            } else if !nouns.contains(word.key), !articles.contains(word.key), !["and", ",", "with"].contains(word.key)
            {
                return nil
            }
        }
        // "the one" and "that one" name no number.
        if ids == [.id(1)], words.contains(where: { $0.key == "one" }), words.first?.key != "task" { return nil }
        return ids.isEmpty ? nil : ids
    }

    /// "1,2,3" in one word.
    private static func list(_ key: String) -> [TaskReference]? {
        let parts = key.split(separator: ",")
        let ids = parts.compactMap { Int($0) }
        return parts.count > 1 && ids.count == parts.count ? ids.map(TaskReference.id) : nil
    }

    /// "everything", "all completed tasks", "all of them".
    private static func every(_ words: ArraySlice<Word>) -> [TaskReference]? {
        let keys = words.map(\.key)
        guard ["all", "everything", "every", "each"].contains(keys[0]) || keys.starts(with: ["the", "whole"]) else {
            return nil
        }
        let known = nouns.union(articles).union([
            "all", "everything", "every", "single", "each", "them", "whole", "list",
        ])
        let filters = keys.compactMap(Intent.Filter.meant)
        guard keys.allSatisfy({ known.contains($0) || Intent.Filter.meant(by: $0) != nil || $0 == "are" }) else {
            return nil
        }
        return [.every(filters.first ?? .all)]
    }

    /// "the second one", "my last task", "the first".
    private static func position(_ words: ArraySlice<Word>) -> [TaskReference]? {
        var keys = words.map(\.key)
        while let first = keys.first, articles.contains(first) { keys.removeFirst() }
        guard let first = keys.first, let position = Vocabulary.ordinals[first],
            keys.dropFirst().allSatisfy({ nouns.contains($0) || ["on", "in", "the", "my", "list"].contains($0) })
        else { return nil }
        return [.position(position)]
    }

    private static func mentioned(_ words: ArraySlice<Word>) -> [TaskReference]? {
        pronouns.contains(words.map(\.key).joined(separator: " ")) ? [.mentioned] : nil
    }

    /// "the meeting task", "task called meeting", "buy milk".
    private static func name(_ words: ArraySlice<Word>) -> [TaskReference] {
        var words = words
        while let first = words.first, articles.contains(first.key), words.count > 1 { words = words.dropFirst() }
        if let noun = words.firstIndex(where: { ["task", "todo", "item", "reminder"].contains($0.key) }) {
            if noun == words.startIndex {
                words = words.dropFirst()
                let links: Set = [
                    "called", "named", "titled", "to", "about", "for", "of", "with", "saying", ":", "that", "says",
                ]
                while let first = words.first, links.contains(first.key), words.count > 1 { words = words.dropFirst() }
            } else if noun == words.endIndex - 1 {
                words = words.dropLast()
            }
        }
        if words.isEmpty
            || words.allSatisfy({ ["something", "anything", "one", "ones", "tasks", "todos", "a"].contains($0.key) })
        {
            return []
        }
        if words.count == 1, let quotation = words.first?.quotation { return [.name(quotation)] }
        let name = original(words).trimmedPunctuation
        return name.isEmpty ? [] : [.name(name)]
    }

    /// Whether the words leave no doubt that a task of the list is meant.
    static func isClear(_ words: ArraySlice<Word>) -> Bool {
        let nouns: Set = ["task", "tasks", "todo", "todos", "it", "#", "everything"]
        return words.contains { nouns.contains($0.key) } || words.first?.number != nil || words.first?.quotation != nil
            || words.first.map { Vocabulary.ordinals[$0.key] != nil } == true
    }
}

extension Intent.Filter {
    /// What a word says about the state of tasks; nil if nothing.
    static func meant(by key: String) -> Intent.Filter? {
        switch key {
        case "pending", "open", "incomplete", "unfinished", "undone", "todo", "to-do", "left", "remaining",
            "outstanding",
            "active", "uncompleted", "unresolved", "next":
            .pending
        case "completed", "complete", "done", "finished", "finish", "closed", "checked", "ticked", "resolved",
            "accomplished":
            .completed
        default: nil
        }
    }

    /// What a question about the list asks for.
    static func meant(by words: ArraySlice<Word>) -> Intent.Filter {
        let keys = words.map(\.key)
        let isNegated = keys.contains { ["not", "havent", "isnt", "arent", "didnt", "still"].contains($0) }
        if isNegated && keys.contains(where: { meant(by: $0) == .completed || $0 == "did" }) { return .pending }
        let toDo = zip(keys, keys.dropFirst()).contains { $0 == "to" && ["do", "complete", "finish"].contains($1) }
        let listed = zip(keys, keys.dropFirst()).contains { ["todo", "to-do"].contains($0) && $1 == "list" }
        if let filter = keys.compactMap(meant).first(where: { _ in !listed }) { return toDo ? .pending : filter }
        return toDo && !keys.contains("list") ? .pending : .all
    }
}

extension String {
    /// Without punctuation at the end that belongs to the sentence, and without quotes around.
    var trimmedPunctuation: String {
        var text = trimmed
        while let last = text.last, ".,;:!?".contains(last) { text.removeLast() }
        return text.trimmed
    }
}
