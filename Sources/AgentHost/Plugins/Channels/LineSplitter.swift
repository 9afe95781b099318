/// Cuts what a worker prints into lines of at most `limit` bytes; longer ones come in pieces.
struct LineSplitter: Sendable {
    static let limit = 8_192
    private var bytes: [UInt8] = []

    mutating func feed(_ piece: some Collection<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in piece {
            if byte == 10 {
                lines.append(take())
            } else {
                bytes.append(byte)
                if bytes.count == LineSplitter.limit { lines.append(take()) }
            }
        }
        return lines.filter { !$0.isEmpty }
    }

    /// What came after the last line's end.
    mutating func finish() -> String? { bytes.isEmpty ? nil : take() }

    private mutating func take() -> String {
        defer { bytes.removeAll(keepingCapacity: true) }
        let text = String(decoding: bytes, as: UTF8.self)
        // A terminal would obey them (C1 controls); those below U+0020 are escaped in every log line anyway.
        guard text.unicodeScalars.contains(where: { (0x7F...0x9F).contains($0.value) }) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { (0x7F...0x9F).contains($0.value) ? "\u{FFFD}" : $0 }))
    }
}
