// http-verdicts: feeds requests to the server's own parser and says what it made of them. For Tests/Differential only.
//
// In:  a stream of [length: u32 little-endian][bytes], each the input of a fresh connection.
// Out: for each a block of lines, then an empty one:
//      `head METHOD-hex TARGET-hex VERSION KEEP`   then `field NAME-hex VALUE-hex` for each field
//      `body hex`  and `end` when the message is complete
//      `refused CODE`  or  `pending` (more is needed) or `idle` as the last line of the block
#if canImport(Glibc)
    import Glibc
#endif
@testable import AgentHost

/// Everything on standard input.
func readAll() -> [UInt8] {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(0, &piece, piece.count)
        guard count > 0 else { return all }
        all += piece[..<count]
    }
}

func writeAll(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
        guard count > 0 else { exit(1) }
        rest = rest.dropFirst(count)
    }
}

func describe(_ request: HTTPRequest, into lines: inout [String]) {
    let version = request.version == .http11 ? "1.1" : "1.0"
    lines.append(
        "head \(hex(request.method.utf8)) \(hex(request.target.utf8)) \(version) \(request.keepsAlive ? 1 : 0)")
    // From the bytes: a value need not be UTF-8.
    for field in request.fields.encoded.split(separator: UInt8(ascii: "\n")) {
        let line = field.dropLast()
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
        lines.append("field \(hex(line[..<colon])) \(hex(line[(colon + 2)...]))")
    }
}

func verdict(_ input: [UInt8]) -> [String] {
    var parser = HTTPParser()
    var lines: [String] = []
    var body: [UInt8] = []
    var position = 0
    while let event = parser.next(input.span, &position) {
        switch event {
        case .head(let request): describe(request, into: &lines)
        case .body(let range): body += input[range]
        case .end:
            lines += ["body \(hex(body))", "end"]
            body = []
        case .failure(let error): return lines + ["refused \(error.code)"]
        }
    }
    return lines + [parser.isIdle ? "idle" : "pending"]
}

let input = readAll()
var output: [UInt8] = []
var position = 0
while position + 4 <= input.count {
    let length = input[position..<position + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    position += 4
    guard length <= input.count - position else { exit(2) }
    output += Array((verdict(Array(input[position..<position + length])).joined(separator: "\n") + "\n\n").utf8)
    position += length
}
writeAll(output)
