/// Titles as they are taken from a sentence.
enum Title {
    /// Title and description from the words after "add a task to".
    static func read(_ words: ArraySlice<Word>, isQuestion: Bool) -> (title: String, description: String?) {
        let (words, description) = splitDescription(words)
        return (text(words, isQuestion: isQuestion), description)
    }

    /// The words as a title: fillers and quotes around it removed, first letter in upper case, the rest as it was.
    static func text(_ words: ArraySlice<Word>, isQuestion: Bool) -> String {
        let words = withoutFillers(words)
        if words.count == 1, let quotation = words.first?.quotation { return capitalized(quotation.trimmed) }
        var text = original(words).trimmed
        while let last = text.last, ".!,;:".contains(last) || (last == "?" && isQuestion), !text.hasSuffix("...") {
            text.removeLast()
        }
        return capitalized(text.trimmed)
    }

    /// Only the first letter changes; the rest may be a name.
    static func capitalized(_ text: String) -> String {
        guard let first = text.first else { return "" }
        return first.uppercased() + text.dropFirst()
    }

    private static func withoutFillers(_ words: ArraySlice<Word>) -> ArraySlice<Word> {
        var words = words
        while words.count > 1, words.first?.key == "please" || words.first?.key == ":" { words = words.dropFirst() }
        // "task to the meeting" names no action, "to buy milk" does: only a leading "to" is a filler.
        while words.count > 1, words.first?.key == "to" { words = words.dropFirst() }
        for ending in Grammar.courtesy + Grammar.places
        where words.count > ending.count && words.suffix(ending.count).map(\.key) == ending {
            return withoutFillers(words.dropLast(ending.count))
        }
        return words
    }

    private static func splitDescription(_ words: ArraySlice<Word>) -> (ArraySlice<Word>, String?) {
        let nouns: Set = ["description", "note", "notes", "details", "comment"]
        guard let noun = words.dropFirst().firstIndex(where: { nouns.contains($0.key) }) else { return (words, nil) }
        var end = noun
        while end > words.startIndex + 1, ["a", "the", "with", "and", "as", "this"].contains(words[end - 1].key) {
            end -= 1
        }
        var rest = words[(noun + 1)...]
        let hasColon = rest.first?.key == ":"
        guard hasColon || words[end..<noun].contains(where: { $0.key == "with" }) else { return (words, nil) }
        while let first = rest.first, [":", "of", "saying", "that", "says", "is", "to"].contains(first.key),
            rest.count > 1
        {
            rest = rest.dropFirst()
        }
        guard !rest.isEmpty else { return (words, nil) }
        let quotation = rest.count == 1 ? rest.first?.quotation : nil
        return (words[..<end], quotation ?? original(rest).trimmed)
    }
}
