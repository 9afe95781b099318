/// A place in the events of a turn: behind the first `number` events as they are on the wire. Written `<turn>.<number>`; clients take
/// it for opaque.
struct EventCursor: Sendable, Hashable {
    var turn: String
    var number: Int

    /// The longest text that is looked at.
    static let maximumLength = 128

    init(turn: String, number: Int) {
        self.turn = turn
        self.number = number
    }

    /// Nil when the text is none that `text` makes.
    init?(_ text: String) {
        guard text.utf8.count <= EventCursor.maximumLength, let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")) else {
            return nil
        }
        let turn = text[..<dot]
        let digits = text[dot...].utf8.dropFirst()
        guard (1...18).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != 0x30, let number = Int(String(text[dot...].dropFirst())),
            !turn.isEmpty, turn.utf8.allSatisfy(EventCursor.isPartOfID)
        else { return nil }
        self.init(turn: String(turn), number: number)
    }

    var text: String { turn + "." + String(number) }

    private static func isPartOfID(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
