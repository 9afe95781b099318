/// Reads one clause.
enum Sentence {
    /// What the clause asks for; several intents for several tasks ("delete 1 and 2"). Never empty.
    static func read(_ clause: ArraySlice<Word>) -> [Intent] {
        let isQuestion = clause.last?.tail.contains("?") == true
        if let intent = talk(clause) { return [intent] }
        let words = withoutCourtesy(withoutPoliteness(clause))
        if words.isEmpty { return [clause.contains { $0.key.hasPrefix("thank") } ? .thanks : .greeting] }
        if let intent = talk(words) { return [intent] }
        if let add = first(Grammar.doNotForget, words) { return intents(add, isQuestion: isQuestion) }
        if starts(words, with: Grammar.negations) {
            if let match = first(Grammar.acting, words), match.meaning == .reopen {
                return intents(match, isQuestion: false)
            }
            return [.refrain]
        }
        if starts(words, with: Grammar.questions) { return [.explain] }
        for rules in [Grammar.unsupported, Grammar.adding, Grammar.listing] {
            if let match = first(rules, words) { return intents(match, isQuestion: isQuestion, clause: words) }
        }
        if let wish = first(Grammar.wishing, words), let title = wish.gaps["title"] {
            if TaskReference.isClear(title.dropFirst()), let act = first(Grammar.acting, title) {
                return intents(act, isQuestion: isQuestion)
            }
            return intents(wish, isQuestion: isQuestion)
        }
        if let match = first(Grammar.acting, words) { return intents(match, isQuestion: isQuestion) }
        return [.unclear(Title.text(words, isQuestion: isQuestion))]
    }

    private typealias Match = (meaning: Grammar.Meaning, gaps: [String: ArraySlice<Word>])

    private static func first(_ rules: [(meaning: Grammar.Meaning, pattern: Pattern)], _ words: ArraySlice<Word>)
        -> Match?
    {
        for rule in rules {
            guard let gaps = rule.pattern.match(words), fits(gaps) else { continue }
            return (rule.meaning, gaps)
        }
        return nil
    }

    /// What patterns cannot say about their gaps.
    private static func fits(_ gaps: [String: ArraySlice<Word>]) -> Bool {
        if let plain = gaps["plain"], plain.contains(where: { ["to", "into", "as"].contains($0.key) }) { return false }
        if let reference = gaps["ref"] {
            let asking: Set = [
                "what", "which", "who", "whose", "how", "when", "where", "why", "is", "are", "do", "does", "did",
            ]
            if reference.first.map({ asking.contains($0.key) }) == true || reference.last?.key == "not" { return false }
        }
        if let when = gaps["when"]?.first {
            return ["at", "in", "on", "tomorrow", "tonight", "today", "next", "every", "this", "by", "before", "later"]
                .contains(when.key)
        }
        return true
    }

    private static func talk(_ words: ArraySlice<Word>) -> Intent? {
        switch first(Grammar.talk, words)?.meaning {
        case .greeting: .greeting
        case .wellBeing: .wellBeing
        case .thanks: .thanks
        case .farewell: .farewell
        case .yes: .yes
        case .no: .no
        case .capabilities: .capabilities
        default: nil
        }
    }

    private static func intents(_ match: Match, isQuestion: Bool, clause: ArraySlice<Word> = []) -> [Intent] {
        let title = match.gaps["title"] ?? []
        switch match.meaning {
        case .add: return [add(title, isQuestion)]
        case .addLater: return [add(title + (match.gaps["when"] ?? []), isQuestion)]
        case .addSeveral: return titles(title).map { add($0, isQuestion) }
        case .askTitle: return [.askTitle]
        case .list: return [.list(.meant(by: clause))]
        case .complete: return each(match) { .complete($0) }
        case .reopen: return each(match) { .reopen($0) }
        case .delete: return each(match) { .delete($0) }
        case .rename: return each(match) { .rename($0, title: Title.text(title, isQuestion: isQuestion)) }
        case .describe:
            let text = match.gaps["text"] ?? []
            let quotation = text.count == 1 ? text.first?.quotation : nil
            return each(match) { .describe($0, text: quotation ?? original(text).trimmed) }
        case .undescribe: return each(match) { .describe($0, text: "") }
        case .askChange: return each(match) { .askChange($0) }
        case .refrain: return [.refrain]
        case .explain: return [.explain]
        case .unsupported: return [.unsupported]
        case .capabilities, .greeting, .wellBeing, .thanks, .farewell, .yes, .no: return []
        }
    }

    private static func each(_ match: Match, _ intent: (TaskReference) -> Intent) -> [Intent] {
        let references = TaskReference.read(match.gaps["ref"] ?? [])
        return references.isEmpty ? [intent(.unnamed)] : references.map(intent)
    }

    private static func add(_ words: ArraySlice<Word>, _ isQuestion: Bool) -> Intent {
        let (title, description) = Title.read(words, isQuestion: isQuestion)
        return title.isEmpty ? .askTitle : .add(title: title, description: description)
    }

    /// "a, b and c" as three titles.
    private static func titles(_ words: ArraySlice<Word>) -> [ArraySlice<Word>] {
        var titles: [ArraySlice<Word>] = []
        var start = words.startIndex
        for index in words.indices {
            let isLink = words[index].key == "and" || words[index].key == ":"
            if isLink || words[index].tail.hasSuffix(",") || words[index].tail.hasSuffix(";") || words[index].endsLine {
                let end = isLink ? index : index + 1
                if start < end { titles.append(words[start..<end]) }
                start = index + 1
            }
        }
        if start < words.endIndex { titles.append(words[start...]) }
        return titles
    }

    /// Without "please", "can you", "hi" and the like at the beginning.
    static func withoutPoliteness(_ words: ArraySlice<Word>) -> ArraySlice<Word> {
        var words = words
        let order: Set = ["first", "second", "third", "next", "finally", "lastly", "then"]
        while let first = words.first {
            if order.contains(first.key), first.tail.contains(",") {
                words = words.dropFirst()
            } else if let phrase = Grammar.politeness.first(where: { starts(words, with: [$0]) }) {
                words = words.dropFirst(phrase.count)
            } else if first.key == ":" || first.text.allSatisfy(\.isPunctuation) {
                words = words.dropFirst()
            } else {
                break
            }
        }
        return words
    }

    private static func withoutCourtesy(_ words: ArraySlice<Word>) -> ArraySlice<Word> {
        for phrase in Grammar.courtesy
        where words.count > phrase.count && words.suffix(phrase.count).map(\.key) == phrase {
            return withoutCourtesy(words.dropLast(phrase.count))
        }
        return words
    }

    static func starts(_ words: ArraySlice<Word>, with phrases: [[String]]) -> Bool {
        phrases.contains { $0.count <= words.count && zip(words, $0).allSatisfy { $0.key == $1 } }
    }
}
