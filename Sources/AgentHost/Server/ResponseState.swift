/// The response to one request, from the writer's calls to the bytes for the socket: a pure state machine.
struct ResponseState: Sendable {
    enum Phase: Sendable, Equatable {
        case notBegun
        case streaming(chunked: Bool)
        case ended
    }

    /// Above this many unsent bytes a writer waits, until no more than half of it is left.
    let highWater: Int
    /// HEAD: the answer's head stands for its body.
    let omitsBody: Bool
    let version: HTTPVersion
    /// Fields the server adds to every response, encoded.
    let ownFields: [UInt8]

    private(set) var phase = Phase.notBegun
    private(set) var status = 0
    /// Bytes of body handed over.
    private(set) var bodyBytes = 0
    private(set) var keepsAlive = false
    /// Whether the client can no longer be reached.
    private(set) var isGone = false
    private var output: [UInt8] = []
    private var unsent = 0
    private var turnRequested = false
    private var writer: CheckedContinuation<Void, Never>?

    init(version: HTTPVersion, omitsBody: Bool, ownFields: [UInt8], highWater: Int) {
        self.version = version
        self.omitsBody = omitsBody
        self.ownFields = ownFields
        self.highWater = highWater
    }

    /// A complete response.
    mutating func send(_ head: HTTPResponseHead, _ body: [UInt8], keepAlive: Bool) throws(HTTPError) {
        let bodiless = HTTPResponseHead.isBodiless(head.status)
        try begin(head, keepAlive, framing: bodiless ? "" : "Content-Length: \(body.count)\r\n")
        phase = .ended
        if !bodiless && !omitsBody {
            output.append(contentsOf: body)
            bodyBytes = body.count
        }
        unsent = output.count
    }

    /// A response whose length is not known: chunked, or ended by closing where the client speaks HTTP/1.0.
    mutating func beginStream(_ head: HTTPResponseHead, keepAlive: Bool) throws(HTTPError) {
        let chunked = version == .http11
        let bodiless = HTTPResponseHead.isBodiless(head.status)
        try begin(head, keepAlive, framing: chunked && !bodiless ? "Transfer-Encoding: chunked\r\n" : "")
        phase = .streaming(chunked: chunked && !bodiless && !omitsBody)
        unsent = output.count
    }

    private mutating func begin(_ head: HTTPResponseHead, _ keepAlive: Bool, framing: String) throws(HTTPError) {
        guard phase == .notBegun else { throw .responseAlreadyBegun }
        guard !isGone else { throw .clientLeft }
        // Framing and connection are the server's business.
        guard (200...999).contains(head.status),
            !["Content-Length", "Transfer-Encoding", "Connection"].contains(where: head.fields.contains)
        else { throw .invalidField }
        var more = ownFields
        more.append(contentsOf: framing.utf8)
        if !keepAlive { HTTPResponseHead.append("Connection: close\r\n", to: &more) }
        try head.encode(into: &output, adding: more)
        status = head.status
        keepsAlive = keepAlive
    }

    /// Adds to the body. True when the writer should wait before it writes more.
    mutating func write(_ bytes: [UInt8]) throws(HTTPError) -> Bool {
        guard !isGone else { throw .clientLeft }
        guard case .streaming(let chunked) = phase else { throw .responseNotStreaming }
        guard !omitsBody, !HTTPResponseHead.isBodiless(status) else { return false }
        let before = output.count
        if chunked { HTTPChunks.append(bytes, to: &output) } else { output.append(contentsOf: bytes) }
        bodyBytes += bytes.count
        unsent += output.count - before
        return unsent > highWater
    }

    /// Ends the body.
    mutating func finish() {
        guard case .streaming(let chunked) = phase else { return }
        phase = .ended
        if chunked && !isGone {
            let before = output.count
            HTTPChunks.appendEnd(to: &output)
            unsent += output.count - before
        }
    }

    /// True once after each `takeOutput`: the connection must then be told that there is something to do.
    mutating func requestTurn() -> Bool {
        if turnRequested || isGone { return false }
        turnRequested = true
        return true
    }

    /// What is to be sent.
    mutating func takeOutput() -> [UInt8] {
        turnRequested = false
        var taken: [UInt8] = []
        swap(&taken, &output)
        return taken
    }

    /// So many bytes have left; returns the writer to resume.
    mutating func sent(_ count: Int) -> CheckedContinuation<Void, Never>? {
        unsent -= count
        return unsent <= highWater / 2 ? takeWriter() : nil
    }

    /// The client is gone; returns the writer to resume.
    mutating func abandon() -> CheckedContinuation<Void, Never>? {
        isGone = true
        output = []
        return takeWriter()
    }

    /// Lets a writer wait. False when it need not, or when another one waits already.
    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
        guard !isGone, unsent > highWater / 2, writer == nil else { return false }
        writer = continuation
        return true
    }

    mutating func takeWriter() -> CheckedContinuation<Void, Never>? {
        defer { writer = nil }
        return writer
    }
}
