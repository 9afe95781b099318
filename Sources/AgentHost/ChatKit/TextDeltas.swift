extension ChatKit {
    /// Pieces of text, one behind the other, each a delta of its own: their bytes lie together, so that a burst of deltas costs
    /// about what one costs. Every piece is UTF-8 by itself; none is empty.
    struct TextDeltas: Sendable, Hashable, ExpressibleByStringLiteral {
        /// All pieces.
        private(set) var bytes: [UInt8] = []
        /// Where each piece but the last ends in `bytes`.
        private var ends: [UInt32] = []

        /// No piece at all.
        init() {}

        /// One piece; none when `text` is empty.
        init(_ text: String) { bytes = Array(text.utf8) }

        init(stringLiteral text: String) { self.init(text) }

        var isEmpty: Bool { bytes.isEmpty }

        /// The number of pieces.
        var count: Int { bytes.isEmpty ? 0 : ends.count + 1 }

        /// All pieces as one text.
        var text: String { String(decoding: bytes, as: UTF8.self) }

        /// Adds one piece; nothing when `text` is empty.
        mutating func append(_ text: String) {
            var text = text
            text.withUTF8 { append(utf8: unsafe $0.span) }
        }

        /// Adds one piece; nothing when it is empty. What is not UTF-8 in it is repaired. 4 GiB fit in all.
        mutating func append(utf8 piece: Span<UInt8>) {
            guard !piece.isEmpty else { return }
            if !bytes.isEmpty { ends.append(UInt32(bytes.count)) }
            let isSound = (try? UTF8Span(validating: piece)) != nil
            unsafe piece.withUnsafeBufferPointer { piece in
                if isSound {
                    unsafe bytes.append(contentsOf: piece)
                } else {
                    unsafe bytes.append(contentsOf: String(decoding: piece, as: UTF8.self).utf8)
                }
            }
        }

        /// Adds the pieces of `other`.
        mutating func append(_ other: TextDeltas) {
            guard !other.isEmpty else { return }
            guard !isEmpty else { return self = other }
            let offset = UInt32(bytes.count)
            ends.append(offset)
            for end in other.ends { ends.append(offset + end) }
            bytes += other.bytes
        }

        /// All but the first `pieces` pieces.
        func droppingFirst(_ pieces: Int) -> TextDeltas {
            guard pieces > 0 else { return self }
            var rest = TextDeltas()
            guard pieces < count else { return rest }
            let start = ends[pieces - 1]
            rest.bytes = Array(bytes[Int(start)...])
            rest.ends = ends[pieces...].map { $0 - start }
            return rest
        }

        /// Calls `body` for each piece, in order.
        func forEach(_ body: (Span<UInt8>) -> Void) {
            let all = bytes.span
            var start = 0
            for end in ends {
                body(all.extracting(start..<Int(end)))
                start = Int(end)
            }
            if start < all.count { body(all.extracting(start..<all.count)) }
        }

        /// Each piece as a text.
        var pieces: [String] {
            var pieces: [String] = []
            forEach { piece in
                pieces.append(unsafe piece.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) })
            }
            return pieces
        }
    }
}
