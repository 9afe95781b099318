/// A word of a message: how it was written, and how the grammar reads it.
struct Word: Sendable, Hashable {
    /// As it was written, with its punctuation and quotes.
    let text: Substring
    /// Lower case, without apostrophes and outer punctuation, slips of the pen corrected; empty for quotations.
    let key: String
    /// Of a quotation: what stands between the quotes.
    let quotation: String?
    /// The punctuation after the word, e.g. `,` or `?!`.
    let tail: String
    /// Whether a line ends after the word.
    var endsLine = false

    /// The number that the word stands for: `3`, `#3`, `three`; nil if none.
    var number: Int? {
        if let spelled = Vocabulary.numbers[key] { return spelled }
        let digits = key.hasPrefix("#") ? key.dropFirst() : key[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(digits)
    }
}

extension Word {
    /// The words of a message. At most `limit` are read.
    static func split(_ message: String, limit: Int = 600) -> [Word] {
        var words: [Word] = []
        var rest = message[...]
        while words.count < limit {
            rest = rest.drop {
                if $0.isNewline, !words.isEmpty { words[words.count - 1].endsLine = true }
                return $0.isWhitespace
            }
            guard let first = rest.first else { break }
            let end = endOfQuotation(rest, opening: first) ?? rest.firstIndex(where: \.isWhitespace) ?? rest.endIndex
            words.append(Word(rest[..<end]))
            if words[words.count - 1].tail.contains(":") { words.append(.colon) }
            rest = rest[end...]
        }
        return words
    }

    private static let quotes: [Character: Character] = [
        "\"": "\"", "'": "'", "`": "`", "“": "”", "„": "“", "‘": "’", "«": "»", "»": "«",
    ]

    /// The end of a quotation with the punctuation that sticks to it; nil if there is none here.
    private static func endOfQuotation(_ text: Substring, opening: Character) -> Substring.Index? {
        guard let closing = quotes[opening] else { return nil }
        var index = text.index(after: text.startIndex)
        while index < text.endIndex, text[index] != "\n" {
            let next = text.index(after: index)
            // A quotation ends where no letter follows: "don't" and "the boss's" do not end one.
            if text[index] == closing, next == text.endIndex || !(text[next].isLetter || text[next].isNumber) {
                guard index > text.index(after: text.startIndex) else { return nil }
                return text[next...].firstIndex(where: { $0.isWhitespace || $0.isLetter || $0.isNumber })
                    ?? text.endIndex
            }
            index = next
        }
        return nil
    }

    /// What stands for a colon after a word; it has no text of its own.
    private static let colon = Word(text: "", key: ":", quotation: nil, tail: "")

    private init(text: Substring, key: String, quotation: String?, tail: String) {
        self.text = text
        self.key = key
        self.quotation = quotation
        self.tail = tail
    }

    private init(_ text: Substring) {
        self.text = text
        if let first = text.first, let closing = Word.quotes[first], text.count > 2,
            let end = text.lastIndex(of: closing), end > text.startIndex,
            text[text.index(after: end)...].allSatisfy({ $0.isPunctuation })
        {
            quotation = String(text[text.index(after: text.startIndex)..<end])
            tail = String(text[text.index(after: end)...])
            key = ""
            return
        }
        quotation = nil
        let body = text.drop { $0.isPunctuation && $0 != "#" }
        guard let last = body.lastIndex(where: { !$0.isPunctuation }) else {
            key = text == "&" ? "and" : String(text)
            tail = text.allSatisfy { ",.;:!?".contains($0) } ? String(text) : ""
            return
        }
        tail = String(body[body.index(after: last)...])
        key = Vocabulary.corrected(body[...last].lowercased().filter { $0 != "'" && $0 != "’" })
    }
}

/// Words as they were written.
func original(_ words: ArraySlice<Word>) -> String {
    words.lazy.filter { !$0.text.isEmpty }.map { String($0.text) }.joined(separator: " ")
}
