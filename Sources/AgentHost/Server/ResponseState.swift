/// The response to one request, from the writer's calls to the bytes for the socket: a pure state machine.
struct ResponseState: Sendable {
    enum Phase: Sendable, Equatable {
        case notBegun
        case streaming(chunked: Bool)
        case ended
    }

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
    private var turnRequested = false

    init(version: HTTPVersion, omitsBody: Bool, ownFields: [UInt8]) {
        self.version = version
        self.omitsBody = omitsBody
        self.ownFields = ownFields
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
    }

    /// A response whose length is not known: chunked, or ended by closing where the client speaks HTTP/1.0. Where the answer has no
    /// body, it has ended at once.
    mutating func beginStream(_ head: HTTPResponseHead, keepAlive: Bool) throws(HTTPError) {
        let chunked = version == .http11
        let bodiless = HTTPResponseHead.isBodiless(head.status)
        try begin(head, keepAlive, framing: chunked && !bodiless ? "Transfer-Encoding: chunked\r\n" : "")
        phase = bodiless || omitsBody ? .ended : .streaming(chunked: chunked)
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

    /// Adds to the body of a stream; nothing happens outside one.
    mutating func append(_ bytes: [UInt8]) {
        guard case .streaming(let chunked) = phase, !isGone else { return }
        if chunked { HTTPChunks.append(bytes, to: &output) } else { output.append(contentsOf: bytes) }
        bodyBytes += bytes.count
    }

    /// Ends the body of a stream.
    mutating func finish() {
        guard case .streaming(let chunked) = phase else { return }
        phase = .ended
        if chunked && !isGone { HTTPChunks.appendEnd(to: &output) }
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

    /// The client is gone.
    mutating func abandon() {
        isGone = true
        output = []
    }
}
