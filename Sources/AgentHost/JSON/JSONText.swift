/// A JSON value as text, for what is passed on rather than looked at: neither read nor written again on its way.
struct JSONText: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// Valid JSON.
    let bytes: [UInt8]

    /// - Parameter bytes: valid JSON; nobody checks it here.
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init(_ json: JSON) { bytes = json.encoded }
    init(dictionaryLiteral members: (String, JSON)...) {
        bytes = JSON.object(JSONObject(members: members.map { ($0.0, $0.1) })).encoded
    }

    /// The value, read anew each time.
    var json: JSON { (try? JSON.parse(bytes)) ?? .null }

    /// A member, read anew each time.
    subscript(key: String) -> JSON? { json[key] }

    /// `[…]` of several values.
    static func array(_ elements: [JSONText]) -> JSONText {
        var writer = JSONWriter()
        writer.reserve(elements.reduce(2) { $0 + $1.bytes.count + 1 })
        writer.array { for element in elements { $0.raw(element.bytes) } }
        return JSONText(writer.bytes)
    }

    /// Whether arrays and objects are nested deeper than `limit`. Looks at brackets only, not at what lies between them.
    func isNested(deeperThan limit: Int) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth > limit { return true }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return false
    }
}
