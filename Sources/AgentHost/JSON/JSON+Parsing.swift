internal import CJSON
private import Synchronization

extension JSON {
    /// Nested arrays and objects that are accepted from the network (`reliability.md` 4).
    static let maximumDepth = 128

    /// Reads one JSON document. Rejects what RFC 8259 rejects and, beyond it, duplicate keys and numbers outside 64 bits.
    ///
    /// May be called from any thread; does not block.
    static func parse(_ bytes: [UInt8], maximumDepth: Int = JSON.maximumDepth) throws(JSONError) -> JSON {
        let parser = Parser.borrow()
        defer { parser.giveBack() }
        return try parser.parse(bytes, maximumDepth: maximumDepth)
    }

    /// Reads one JSON document out of a string.
    static func parse(_ text: String, maximumDepth: Int = JSON.maximumDepth) throws(JSONError) -> JSON {
        try parse(Array(text.utf8), maximumDepth: maximumDepth)
    }
}

/// Owns a simdjson parser; a few are kept for reuse, as each holds buffers.
@safe private final class Parser: @unchecked Sendable {
    // Unchecked: used by one borrower at a time.
    private let handle: OpaquePointer
    private static let spare = Mutex<[Parser]>([])

    private init() {
        guard let made = unsafe cjson_parser_create() else { preconditionFailure("out of memory for a JSON parser") }
        unsafe handle = made
    }

    deinit { unsafe cjson_parser_destroy(handle) }

    static func borrow() -> Parser { spare.withLock { $0.popLast() } ?? Parser() }

    func giveBack() {
        Parser.spare.withLock { if $0.count < 8 { $0.append(self) } }
    }

    func parse(_ bytes: [UInt8], maximumDepth: Int) throws(JSONError) -> JSON {
        var nodes: UnsafePointer<cjson_node>?
        var count = 0
        let code = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe cjson_parse(handle, buffer.baseAddress, buffer.count, UInt32(maximumDepth), &nodes, &count)
        }
        switch code {
        case CJSON_OK: break
        case CJSON_E_DEPTH: throw .tooDeep(limit: maximumDepth)
        case CJSON_E_NUMBER: throw .number
        case CJSON_E_DUPLICATE: throw .duplicateKey
        case CJSON_E_UTF8: throw .notUTF8
        case CJSON_E_MEMORY: throw .tooLarge(limit: bytes.count)
        default: throw .syntax
        }
        var at = 0
        return unsafe Parser.build(UnsafeBufferPointer(start: nodes, count: count), &at)
    }

    private static func text(_ node: cjson_node) -> String {
        let start = unsafe UnsafeRawPointer(node.string)
        return unsafe String(
            decoding: UnsafeRawBufferPointer(start: start, count: Int(node.length)), as: UTF8.self)
    }

    /// Builds the value at `at` and moves `at` behind it. Depth was bounded by the parser.
    private static func build(_ nodes: UnsafeBufferPointer<cjson_node>, _ at: inout Int) -> JSON {
        let node = unsafe nodes[at]
        at += 1
        switch unsafe Int32(node.kind) {
        case CJSON_NULL: return .null
        case CJSON_FALSE: return .bool(false)
        case CJSON_TRUE: return .bool(true)
        case CJSON_INT: return unsafe .int(node.integer)
        case CJSON_DOUBLE: return unsafe .double(node.real)
        case CJSON_STRING: return .string(unsafe text(node))
        case CJSON_ARRAY:
            var elements: [JSON] = []
            let count = unsafe Int(node.integer)
            elements.reserveCapacity(count)
            for _ in 0..<count { unsafe elements.append(build(nodes, &at)) }
            return .array(elements)
        default:
            var members: [(key: String, value: JSON)] = []
            let count = unsafe Int(node.integer)
            members.reserveCapacity(count)
            for _ in 0..<count {
                let key = unsafe text(nodes[at])
                at += 1
                unsafe members.append((key, build(nodes, &at)))
            }
            return .object(JSONObject(members: members))
        }
    }
}
