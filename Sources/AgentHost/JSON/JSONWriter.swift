/// Writes JSON into a byte buffer: for events and answers, where speed counts.
///
/// The caller keeps the grammar: keys only inside objects, one value per key. Commas are put where they belong.
struct JSONWriter: Sendable {
    /// What was written.
    private(set) var bytes: [UInt8]

    /// - Parameter bytes: a buffer to continue, for reuse; its content is kept.
    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    private mutating func separate() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), UInt8(ascii: " "), UInt8(ascii: "\n"): break
        default: bytes.append(UInt8(ascii: ","))
        }
    }

    /// `{` … `}`
    mutating func object(_ members: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        members(&self)
        bytes.append(UInt8(ascii: "}"))
    }

    /// `[` … `]`
    mutating func array(_ elements: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "["))
        elements(&self)
        bytes.append(UInt8(ascii: "]"))
    }

    /// `"key":`
    mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    /// A key that needs escaping.
    mutating func key(escaped key: String) {
        separate()
        quote(key)
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func string(_ value: String) {
        separate()
        quote(value)
    }

    /// A string whose UTF-8 is at hand.
    mutating func string(utf8 value: Span<UInt8>) {
        separate()
        unsafe value.withUnsafeBufferPointer { unsafe quote($0) }
    }

    /// Makes room for so many more bytes.
    mutating func reserve(_ count: Int) {
        let needed = bytes.count + count
        // Never less than twice as much: a reservation for each event must not make the buffer grow in small steps.
        if needed > bytes.capacity { bytes.reserveCapacity(max(needed, 2 * bytes.count)) }
    }

    mutating func int(_ value: some BinaryInteger) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
    }

    mutating func bool(_ value: Bool) {
        separate()
        append(value ? "true" : "false")
    }

    mutating func null() {
        separate()
        append("null")
    }

    mutating func double(_ value: Double) {
        separate()
        precondition(value.isFinite, "JSON has no infinite numbers")
        bytes.append(contentsOf: "\(value)".utf8)
    }

    /// Bytes that are JSON already, e.g. an item as it is stored.
    mutating func raw(_ json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    mutating func value(_ value: JSON) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .int(let value): int(value)
        case .double(let value): double(value)
        case .string(let value): string(value)
        case .array(let elements): array { for element in elements { $0.value(element) } }
        case .object(let object): object_(object)
        }
    }

    private mutating func object_(_ object: JSONObject) {
        self.object {
            for (key, value) in object.members {
                $0.key(escaped: key)
                $0.value(value)
            }
        }
    }

    // Members in one line each.
    mutating func member(_ key: StaticString, _ value: String) {
        self.key(key)
        string(value)
    }
    mutating func member(_ key: StaticString, _ value: Bool) {
        self.key(key)
        bool(value)
    }
    mutating func member(_ key: StaticString, _ value: JSON) {
        self.key(key)
        self.value(value)
    }
    mutating func member(_ key: StaticString, _ value: some BinaryInteger) {
        self.key(key)
        int(value)
    }
    /// Left out when nil: unset fields are absent, never null (`chatkit-protocol.md` 2).
    mutating func member(_ key: StaticString, ifSet value: String?) {
        if let value { member(key, value) }
    }

    /// Bytes outside JSON, e.g. the framing of an event stream.
    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Takes what was written and starts anew.
    mutating func take() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        return taken
    }

    private mutating func quote(_ value: String) {
        var value = value
        value.withUTF8 { unsafe quote($0) }
    }

    private mutating func quote(_ text: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        var start = 0
        while true {
            let end = unsafe JSONWriter.plainEnd(text, from: start)
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<end]))
            guard end < text.count else { break }
            unsafe escape(text[end])
            start = end + 1
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The first byte from `start` on that needs escaping, or the end. Eight bytes at a time: texts are encoded several times a
    /// turn.
    private static func plainEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high = ones << 7
        /// Sets the high bit of the lowest byte that is zero (and perhaps of some above it).
        func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }
        let raw = UnsafeRawBufferPointer(text)
        var index = start
        while index + 8 <= raw.count {
            let word = unsafe raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let control = (word &- ones &* 0x20) & ~word
            let special =
                zeros(word ^ ones &* UInt64(UInt8(ascii: "\""))) | zeros(word ^ ones &* UInt64(UInt8(ascii: "\\")))
            if (control | special) & high != 0 { break }
            index += 8
        }
        while index < raw.count {
            let byte = unsafe raw[index]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            index += 1
        }
        return index
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            append("u00")
            bytes.append(contentsOf: hex([byte]).utf8)
        }
    }
}

extension JSON {
    /// Compact JSON text.
    var encoded: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// Compact JSON text, as a string.
    var text: String { String(decoding: encoded, as: UTF8.self) }
}
