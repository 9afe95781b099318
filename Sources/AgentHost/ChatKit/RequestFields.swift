extension ChatKit {
    /// The members of one object of a request, read by the protocol's rules (`chatkit-protocol.md` 2): unknown members are
    /// ignored, strings are strict, and what is wrong is named by its path (`params.input.content[0].type`).
    ///
    /// An absent member that is optional answers nil. Null counts as absent only where the protocol's type allows null.
    struct RequestFields: Sendable {
        /// Nested arrays and objects in values that are the client's own. Plugins are never handed JSON of more than 64 levels
        /// (`agent_plugin.h`), and such values lie a few levels deep in it.
        static let maximumFreeDepth = 48

        private let object: JSONObject
        private let path: String

        /// Throws unless `value` is an object.
        init(_ value: JSON, path: String) throws(RequestError) {
            guard let object = value.object else { throw .invalid("\(path) must be an object") }
            self.object = object
            self.path = path
        }

        /// The path of the member `key`.
        func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

        // MARK: Any value

        /// The member whatever it is, null included.
        func value(_ key: String) throws(RequestError) -> JSON {
            guard let value = object[key] else { throw .invalid("\(path(of: key)) is required") }
            return value
        }

        func optionalValue(_ key: String) -> JSON? { object[key] }

        // MARK: Strings

        func string(_ key: String) throws(RequestError) -> String {
            guard let string = try value(key).string else { throw .invalid("\(path(of: key)) must be a string") }
            return string
        }

        /// Nil when absent or null.
        func optionalString(_ key: String) throws(RequestError) -> String? {
            guard let value = object[key], !value.isNull else { return nil }
            return try string(key)
        }

        /// One of the words of an enumeration.
        func word<Word: RawRepresentable & CaseIterable>(_ key: String) throws(RequestError) -> Word
        where Word.RawValue == String {
            guard let word = Word(rawValue: try string(key)) else {
                let words = Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
                throw .invalid("\(path(of: key)) must be \(words)")
            }
            return word
        }

        // MARK: Numbers and truth values

        /// An integer; also as a string, a whole double or a truth value.
        func integer(_ key: String) throws(RequestError) -> Int64 {
            guard let integer = try value(key).lenientInteger else {
                throw .invalid("\(path(of: key)) must be an integer")
            }
            return integer
        }

        /// `limit`: absent, null and 0 mean the default; what is too large is cut.
        func limit(_ key: String) throws(RequestError) -> Int {
            guard let value = object[key], !value.isNull else { return PageParameters.defaultLimit }
            let limit = try integer(key)
            guard limit >= 0 else { throw .invalid("\(path(of: key)) must not be negative") }
            return limit == 0 ? PageParameters.defaultLimit : Int(min(limit, Int64(PageParameters.maximumLimit)))
        }

        /// False when absent.
        func flag(_ key: String) throws(RequestError) -> Bool {
            guard let value = object[key] else { return false }
            guard let flag = value.lenientBool else { throw .invalid("\(path(of: key)) must be true or false") }
            return flag
        }

        // MARK: Containers

        func fields(_ key: String) throws(RequestError) -> RequestFields {
            try RequestFields(try value(key), path: path(of: key))
        }

        /// Nil when absent or null.
        func optionalFields(_ key: String) throws(RequestError) -> RequestFields? {
            guard let value = object[key], !value.isNull else { return nil }
            return try RequestFields(value, path: path(of: key))
        }

        /// An object whose members are free.
        func object(_ key: String) throws(RequestError) -> JSONObject {
            guard let object = try freeValue(key).object else { throw .invalid("\(path(of: key)) must be an object") }
            return object
        }

        /// Any value of the client's own, null included. It reaches plugins inside other JSON, of which they are promised a depth.
        func freeValue(_ key: String) throws(RequestError) -> JSON {
            let value = try value(key)
            guard !value.isNested(deeperThan: RequestFields.maximumFreeDepth) else {
                throw .invalid(
                    "\(path(of: key)) must not be nested more than \(RequestFields.maximumFreeDepth) levels deep")
            }
            return value
        }

        func array(_ key: String) throws(RequestError) -> [JSON] {
            guard let array = try value(key).array else { throw .invalid("\(path(of: key)) must be an array") }
            return array
        }

        func strings(_ key: String) throws(RequestError) -> [String] {
            var strings: [String] = []
            for (index, value) in try array(key).enumerated() {
                guard let string = value.string else { throw .invalid("\(path(of: key))[\(index)] must be a string") }
                strings.append(string)
            }
            return strings
        }
    }
}

extension ChatKit.RequestError {
    static func invalid(_ sentence: String) -> ChatKit.RequestError {
        ChatKit.RequestError(code: .invalidRequest, sentence: sentence + ".")
    }
}

extension JSON {
    /// What the protocol's Python types take for an integer: `5`, `5.0`, `"5"`, `true`. Beyond 64 bits the nearest bound.
    fileprivate var lenientInteger: Int64? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        case .double(let value) where value == value.rounded(): Int64(exactly: value) ?? (value < 0 ? .min : .max)
        case .string(let text): JSON.integer(in: text)
        default: nil
        }
    }

    private static func integer(in text: String) -> Int64? {
        var digits = text.utf8[...]
        let sign = digits.first == UInt8(ascii: "-") || digits.first == UInt8(ascii: "+") ? digits.removeFirst() : nil
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text) ?? (sign == UInt8(ascii: "-") ? .min : .max)
    }

    /// What the protocol's Python types take for a truth value: `true`, 1, `"true"`, `"yes"`, ….
    fileprivate var lenientBool: Bool? {
        switch self {
        case .bool(let value): return value
        case .int, .double: return int == 1 ? true : int == 0 ? false : nil
        case .string(let text):
            switch text.lowercased() {
            case "true", "t", "yes", "y", "on", "1": return true
            case "false", "f", "no", "n", "off", "0": return false
            default: return nil
            }
        default: return nil
        }
    }
}
