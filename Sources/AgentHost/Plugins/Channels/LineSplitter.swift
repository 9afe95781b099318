/// Cuts what a worker prints into lines of at most `limit` bytes; longer ones come in pieces, empty ones not at all.
struct LineSplitter: Sendable {
    static let limit = 8_192
    /// What has come of the line that is not at its end.
    private var bytes: [UInt8] = []

    mutating func feed(_ piece: [UInt8]) -> [PrintedLine] {
        var lines: [PrintedLine] = []
        var rest = piece[...]
        while !rest.isEmpty {
            let room = LineSplitter.limit - bytes.count
            let part = rest.prefix(room)
            if let end = part.firstIndex(of: 10) {
                bytes += part[..<end]
                rest = rest[(end + 1)...]
                take(into: &lines)
            } else {
                bytes += part
                rest = rest[part.endIndex...]
                if bytes.count == LineSplitter.limit { take(into: &lines) }
            }
        }
        return lines
    }

    /// What came after the last line's end.
    mutating func finish() -> PrintedLine? {
        defer { bytes = [] }
        return bytes.isEmpty ? nil : PrintedLine(bytes: bytes)
    }

    private mutating func take(into lines: inout [PrintedLine]) {
        guard !bytes.isEmpty else { return }
        lines.append(PrintedLine(bytes: bytes))
        bytes.removeAll(keepingCapacity: true)
    }
}

/// A line as it was printed. It becomes text only when it is wanted: most of a flood is dropped.
struct PrintedLine: Sendable {
    var bytes: [UInt8]

    /// What is no UTF-8 is replaced, and so are controls that a terminal would obey (DEL and C1); those below U+0020 are escaped in
    /// every log line anyway.
    var text: String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.unicodeScalars.contains(where: { (0x7F...0x9F).contains($0.value) }) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { (0x7F...0x9F).contains($0.value) ? "\u{FFFD}" : $0 }))
    }

    /// What follows the words with which it begins; nil when it begins otherwise.
    func text(after prefix: String) -> String? {
        bytes.starts(with: prefix.utf8) ? PrintedLine(bytes: Array(bytes.dropFirst(prefix.utf8.count))).text : nil
    }
}
