/// A sentence with gaps, written as text:
///
/// - `word` or `a|b` is one of these words; `_` joins several words: `get_rid_of`.
/// - `[a|b]` may be missing.
/// - `<ref>` and `<title>` are gaps of one word or more, as short as possible; a gap at the end takes the rest.
/// - `*` stands for any words, also none.
/// - `@name` is a list of words in ``Grammar/lists``.
struct Pattern: Sendable {
    private indirect enum Element: Sendable {
        case words([[String]], optional: Bool)
        case gap(String)
        case anything
    }

    private let elements: [Element]

    /// The most words a gap in the middle may take: bounds the work for hostile messages.
    private static let longestGap = 40

    init(_ text: String, lists: [String: String]) {
        elements = text.split(separator: " ").map { part in
            if part == "*" { return .anything }
            if part.hasPrefix("<") { return .gap(String(part.dropFirst().dropLast())) }
            let isOptional = part.hasPrefix("[")
            let alternatives = (isOptional ? part.dropFirst().dropLast() : part).split(separator: "|")
            let words = alternatives.flatMap { word in
                word.hasPrefix("@") ? (lists[String(word)] ?? "").split(separator: " ") : [word]
            }
            return .words(words.map { $0.split(separator: "_").map(String.init) }, optional: isOptional)
        }
    }

    /// What stands in the gaps, if the pattern matches all of the words.
    func match(_ words: ArraySlice<Word>) -> [String: ArraySlice<Word>]? {
        var gaps: [String: ArraySlice<Word>] = [:]
        return match(elements[...], words, &gaps) ? gaps : nil
    }

    private func match(
        _ elements: ArraySlice<Element>, _ words: ArraySlice<Word>, _ gaps: inout [String: ArraySlice<Word>]
    ) -> Bool {
        guard let element = elements.first else { return words.isEmpty }
        let others = elements.dropFirst()
        switch element {
        case .words(let alternatives, let optional):
            for phrase in alternatives where words.count >= phrase.count {
                guard zip(words, phrase).allSatisfy({ $0.key == $1 }) else { continue }
                if match(others, words.dropFirst(phrase.count), &gaps) { return true }
            }
            return optional && match(others, words, &gaps)
        case .anything:
            if others.isEmpty { return true }
            return (0...min(words.count, Pattern.longestGap)).contains { match(others, words.dropFirst($0), &gaps) }
        case .gap(let name):
            guard !words.isEmpty else { return false }
            if others.isEmpty {
                gaps[name] = words
                return true
            }
            for length in 1...min(words.count, Pattern.longestGap)
            where match(others, words.dropFirst(length), &gaps) {
                gaps[name] = words.prefix(length)
                return true
            }
            return false
        }
    }
}
