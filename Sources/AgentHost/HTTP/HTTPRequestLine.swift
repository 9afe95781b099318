/// The first line of a request (RFC 9112, section 3), and what follows from it and the fields together.
struct HTTPRequestLine: Sendable {
    var method = ""
    var target = ""
    var path = ""
    var query: String?
    /// Whether the target named the host itself (absolute form).
    var namesHost = false
    var version = HTTPVersion.http11
    /// Known once the fields are.
    var framing = HTTPFraming.none

    /// Fields that a trailer section must not hold (RFC 9110, section 6.5.1).
    static let forbiddenTrailers = ["Content-Length", "Transfer-Encoding", "Host"]

    init() {}

    /// `METHOD target HTTP/1.1`, one space between each.
    init(_ line: borrowing Span<UInt8>) throws(HTTPError) {
        guard let space = Self.firstSpace(line, 0), space > 0,
            let second = Self.firstSpace(line, space + 1), second > space + 1
        else { throw .badRequestLine }
        for index in 0..<space {
            guard HTTPSyntax.isToken(line[index]) else { throw .badRequestLine }
        }
        version = try Self.version(line.extracting(second + 1..<line.count))
        for index in space + 1..<second {
            guard HTTPSyntax.isTarget(line[index]) else { throw .badTarget }
        }
        method = Self.string(line, 0..<space)
        target = Self.string(line, space + 1..<second)
        try splitTarget()
    }

    private static func firstSpace(_ line: borrowing Span<UInt8>, _ start: Int) -> Int? {
        for index in start..<line.count where line[index] == 0x20 { return index }
        return nil
    }

    private static func string(_ line: borrowing Span<UInt8>, _ range: Range<Int>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for index in range { bytes.append(line[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `HTTP/x.y`: 1.0 and 1.1 are served, other numbers are 505, anything else is malformed.
    private static func version(_ text: borrowing Span<UInt8>) throws(HTTPError) -> HTTPVersion {
        let name = Array("HTTP/".utf8)
        guard text.count == 8 else { throw .badRequestLine }
        for index in 0..<5 {
            guard text[index] == name[index] else { throw .badRequestLine }
        }
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard digits.contains(text[5]), text[6] == UInt8(ascii: "."), digits.contains(text[7]) else {
            throw .badRequestLine
        }
        switch (text[5], text[7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): return .http11
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): return .http10
        default: throw .unsupportedVersion
        }
    }

    /// Finds path and query. Origin form (`/path?query`), absolute form (`http://host/path`) and `*` for OPTIONS are taken.
    private mutating func splitTarget() throws(HTTPError) {
        // Others open a tunnel for CONNECT whatever its target is, and read no body (RFC 9110, section 9.3.6).
        guard method != "CONNECT" else { throw .badTarget }
        if target == "*" {
            guard method == "OPTIONS" else { throw .badTarget }
            path = target
            return
        }
        var rest = target.utf8[...]
        if rest.first != UInt8(ascii: "/") {
            guard let slashes = ["http://", "https://"].first(where: { HTTPSyntax.equal(target.prefix($0.count), $0) })
            else { throw .badTarget }
            rest = rest.dropFirst(slashes.utf8.count)
            let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            guard Self.isHost(authority) else { throw .badTarget }
            rest = rest.dropFirst(authority.count)
            namesHost = true
        }
        let before = rest.prefix { $0 != UInt8(ascii: "?") }
        path = before.isEmpty ? "/" : String(decoding: before, as: UTF8.self)
        if before.count < rest.count { query = String(decoding: rest.dropFirst(before.count + 1), as: UTF8.self) }
    }

    /// A name or address with an optional port (RFC 3986, section 3.2.2); nothing that could name a user or a path.
    private static func isHost(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        let isBracketed = bytes.first == UInt8(ascii: "[")
        var rest = bytes.dropFirst(isBracketed ? 1 : 0)
        let name = rest.prefix { HTTPSyntax.isHostName($0) || isBracketed && $0 == UInt8(ascii: ":") }
        rest = rest.dropFirst(name.count)
        guard !name.isEmpty, !isBracketed || rest.popFirst() == UInt8(ascii: "]") else { return false }
        guard let colon = rest.popFirst() else { return true }
        return colon == UInt8(ascii: ":") && rest.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// The request that this line and `fields` make, with its framing (RFC 9112, section 6.3).
    func request(_ fields: HTTPFields) throws(HTTPError) -> HTTPRequest {
        try checkHost(fields)
        let framing = try framing(fields)
        var expectsContinue = false
        let expectations = fields.values("Expect")
        if !expectations.isEmpty && version == .http11 {
            guard expectations.allSatisfy({ HTTPSyntax.equal($0, "100-continue") }) else { throw .expectationFailed }
            expectsContinue = framing != .none && framing != .length(0)
        }
        let closes = fields.values("Connection").contains { value in
            HTTPSyntax.list(value).contains { HTTPSyntax.equal($0, "close") }
        }
        return HTTPRequest(
            method: method, target: target, path: path, query: query, version: version, fields: fields,
            framing: framing,
            expectsContinue: expectsContinue, keepsAlive: version == .http11 && !closes)
    }

    private func checkHost(_ fields: HTTPFields) throws(HTTPError) {
        let hosts = fields.values("Host")
        if hosts.isEmpty && version == .http10 { return }
        guard hosts.count == 1, let host = hosts.first else { throw .badHost }
        // An empty Host is what a client sends that has no authority; it is well-formed (RFC 9112, section 3.2).
        guard host.isEmpty || Self.isHost(host.utf8) else { throw .badHost }
    }

    private func framing(_ fields: HTTPFields) throws(HTTPError) -> HTTPFraming {
        let lengths = fields.values("Content-Length")
        let codings = fields.values("Transfer-Encoding")
        if !codings.isEmpty {
            guard lengths.isEmpty else { throw .lengthAndChunked }
            guard codings.count == 1, HTTPSyntax.equal(codings[0], "chunked"), version == .http11 else {
                throw .badTransferEncoding
            }
            return .chunked
        }
        guard let text = lengths.first else { return .none }
        guard lengths.count == 1, !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(text)
        else { throw .badLength }
        return .length(length)
    }
}
