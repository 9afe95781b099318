/// Why bytes are not the JSON that was asked for.
enum JSONError: Error, Hashable {
    /// No JSON: bad syntax, an empty document, bytes after the end, a byte order mark, a lone surrogate.
    case syntax
    /// Not UTF-8.
    case notUTF8
    /// More nested arrays and objects than allowed.
    case tooDeep(limit: Int)
    /// A number that is no 64-bit integer and no finite double.
    case number
    /// An object that names a key twice.
    case duplicateKey
    /// More bytes than allowed.
    case tooLarge(limit: Int)

    /// A sentence for people that says what to mend.
    var sentence: String {
        switch self {
        case .syntax: "The text is not valid JSON; send one JSON value and nothing after it."
        case .notUTF8: "The text is not valid UTF-8; encode JSON as UTF-8."
        case .tooDeep(let limit): "The JSON is nested more than \(limit) levels deep; flatten it."
        case .number: "The JSON holds a number that does not fit into 64 bits; send it as a string."
        case .duplicateKey: "The JSON holds an object that names a key twice; name each key once."
        case .tooLarge(let limit): "The JSON is larger than \(limit) bytes; send less."
        }
    }
}
