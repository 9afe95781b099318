/// A message of the traveller, in words.
struct Message: Sendable {
    /// Folded, small slips mended; a word keeps inner hyphens and apostrophes (`mid-range`, `we're`).
    let words: [String]
    /// The same words as they were written.
    let written: [String]
    /// Indices after which a sentence ends.
    let ends: Set<Int>
    /// Indices behind which a comma stands.
    let pauses: Set<Int>

    /// Characters of a message that are read. More is no wish about a trip.
    private static let limit = 4000

    init(_ text: String) {
        var written: [String] = []
        var ends: Set<Int> = []
        var pauses: Set<Int> = []
        var word = ""
        let characters = Array(text.prefix(Message.limit) + " ")
        for (index, character) in characters.enumerated() {
            let isInNumber = ",.".contains(character) && word.last?.isNumber == true && characters[index + 1].isNumber
            if character.isLetter || character.isNumber || "-'’€$£".contains(character) || isInNumber {
                word.append(character)
                continue
            }
            if !word.isEmpty { written.append(word) }
            word = ""
            if ".!?;\n".contains(character) { ends.insert(written.count - 1) }
            if ",:".contains(character) { pauses.insert(written.count - 1) }
        }
        self.written = written
        self.ends = ends
        self.pauses = pauses
        words = written.map { Vocabulary.mend(folded($0.replacing("’", with: "'"))) }
    }

    /// A part of a message.
    private init(_ message: Message, _ range: ClosedRange<Int>) {
        words = Array(message.words[range])
        written = Array(message.written[range])
        ends = []
        pauses = Set(message.pauses.lazy.filter(range.contains).map { $0 - range.lowerBound })
    }

    /// The sentences; "and then" begins a new one.
    var sentences: [Message] {
        var sentences: [Message] = []
        var start = 0
        for index in words.indices where ends.contains(index) || index == words.count - 1 || words[index + 1] == "then"
        {
            sentences.append(Message(self, start...index))
            start = index + 1
        }
        return sentences
    }

    func has(_ candidates: String...) -> Bool { candidates.contains { index(of: $0) != nil } }

    /// Where a phrase begins.
    func index(of phrase: String, from start: Int = 0) -> Int? {
        let phrase = phrase.split(separator: " ").map(String.init)
        guard let first = phrase.first, words.count >= phrase.count else { return nil }
        return (start..<max(start, words.count - phrase.count + 1)).first { index in
            words[index] == first && words[index..<(index + phrase.count)].elementsEqual(phrase)
        }
    }

    func word(_ index: Int) -> String { words.indices.contains(index) ? words[index] : "" }

    /// The words from an index to the end, as they were written.
    func text(from index: Int) -> String {
        written.dropFirst(index).prefix(16).joined(separator: " ")
    }
}
