/// The fields of a message, in order (RFC 9110, section 5). Names are compared without regard to case.
///
/// All names and values lie in one buffer, already in the form in which they are sent, so that reading a request costs two
/// allocations however many fields it has, and writing a response is one copy.
struct HTTPFields: Sendable, ExpressibleByDictionaryLiteral {
    /// `Name: value\r\n` for each field.
    private(set) var encoded: [UInt8] = []
    private var entries: [Entry] = []

    /// Where a field lies in `encoded`.
    private struct Entry: Sendable {
        var start: Int32
        var nameEnd: Int32
        var valueEnd: Int32
    }

    init() {}

    init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { append(name, value) }
    }

    /// The number of fields.
    var count: Int { entries.count }

    /// Adds a field; others of the same name stay.
    mutating func append(_ name: String, _ value: String) {
        let start = encoded.count
        encoded.append(contentsOf: name.utf8)
        let nameEnd = encoded.count
        encoded.append(UInt8(ascii: ":"))
        encoded.append(UInt8(ascii: " "))
        encoded.append(contentsOf: value.utf8)
        close(start, nameEnd)
    }

    /// Adds a field whose name and value are parts of `line`.
    mutating func append(_ line: borrowing Span<UInt8>, name: Range<Int>, value: Range<Int>) {
        if encoded.isEmpty {
            encoded.reserveCapacity(512)
            entries.reserveCapacity(12)
        }
        let start = encoded.count
        for index in name { encoded.append(line[index]) }
        let nameEnd = encoded.count
        encoded.append(UInt8(ascii: ":"))
        encoded.append(UInt8(ascii: " "))
        for index in value { encoded.append(line[index]) }
        close(start, nameEnd)
    }

    private mutating func close(_ start: Int, _ nameEnd: Int) {
        entries.append(Entry(start: Int32(start), nameEnd: Int32(nameEnd), valueEnd: Int32(encoded.count)))
        encoded.append(UInt8(ascii: "\r"))
        encoded.append(UInt8(ascii: "\n"))
    }

    /// The value of the first field called `name`; bytes that are not UTF-8 are replaced.
    subscript(name: String) -> String? {
        guard let index = entries.firstIndex(where: { isNamed($0, name) }) else { return nil }
        return value(entries[index])
    }

    /// The values of all fields called `name`, in order.
    func values(_ name: String) -> [String] {
        entries.filter { isNamed($0, name) }.map(value)
    }

    /// Whether there is a field called `name`.
    func contains(_ name: String) -> Bool { entries.contains { isNamed($0, name) } }

    /// All fields as (name, value), in order.
    var all: [(name: String, value: String)] {
        entries.map { (String(decoding: encoded[Int($0.start)..<Int($0.nameEnd)], as: UTF8.self), value($0)) }
    }

    /// Whether every name is a token and no value holds a control character (RFC 9110, section 5.5): nothing in here can end a
    /// field and begin another.
    var areValid: Bool {
        entries.allSatisfy { entry in
            let name = encoded[Int(entry.start)..<Int(entry.nameEnd)]
            let value = encoded[Int(entry.nameEnd) + 2..<Int(entry.valueEnd)]
            return !name.isEmpty && name.allSatisfy(HTTPSyntax.isToken) && value.allSatisfy(HTTPSyntax.isFieldValue)
        }
    }

    private func value(_ entry: Entry) -> String {
        String(decoding: encoded[Int(entry.nameEnd) + 2..<Int(entry.valueEnd)], as: UTF8.self)
    }

    private func isNamed(_ entry: Entry, _ name: String) -> Bool {
        let name = name.utf8
        guard name.count == Int(entry.nameEnd - entry.start) else { return false }
        var index = Int(entry.start)
        for byte in name {
            guard HTTPSyntax.lowercase(byte) == HTTPSyntax.lowercase(encoded[index]) else { return false }
            index += 1
        }
        return true
    }
}
