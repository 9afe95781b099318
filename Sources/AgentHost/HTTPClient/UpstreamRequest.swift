/// A request to another server, with how long and how large its answer may be.
struct UpstreamRequest: Sendable {
    var method = "POST"
    /// `http` or `https`, only visible ASCII characters.
    var url: String
    var fields: HTTPFields = [:]
    var body: [UInt8] = []
    var limits = UpstreamLimits()
    /// Whether it goes through the proxies that the environment names (`https_proxy`, `no_proxy`, …).
    var usesProxies = true
    /// Whether it may go over a connection that was used before, and leave its own for others.
    var reusesConnections = true
    /// Whether only addresses of the public internet may be connected to. The address is checked at the moment it is connected to, so
    /// a name that changes its mind in between gains nothing.
    var onlyPublic = false

    /// Whether nothing in it can end a line and begin another.
    var isValid: Bool {
        !method.isEmpty && method.utf8.allSatisfy(HTTPSyntax.isToken) && fields.areValid
            && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// `Name: value` lines as libcurl wants them: without a value, a semicolon instead of the colon.
    var fieldLines: String {
        fields.all.map { $0.value.isEmpty ? "\($0.name);\n" : "\($0.name): \($0.value)\n" }.joined()
    }
}

/// How long and how large an answer may be.
struct UpstreamLimits: Sendable, Hashable {
    /// Milliseconds until there is a connection: name, TCP and TLS together.
    var connect: Int64 = 10_000
    /// Milliseconds from the beginning to the first byte of the body.
    var firstByte: Int64 = 25_000
    /// Milliseconds between two pieces of the body; nothing is counted while the transfer is paused.
    var idle: Int64 = 25_000
    /// Milliseconds of the monotonic clock at which it has to be over.
    var deadline: Int64 = .max
    /// Bytes of the head, interim answers included.
    var headBytes = 64 << 10
    var bodyBytes = 256 << 20
}

/// The head of an answer.
struct UpstreamHead: Sendable {
    var status = 0
    var fields: HTTPFields = [:]

    /// The media type without its parameters, in lower case.
    var mediaType: String {
        let value = fields["Content-Type"] ?? ""
        let type = value.utf8.prefix { $0 != UInt8(ascii: ";") }.filter { !HTTPSyntax.isBlank($0) }
        return String(decoding: type.map(HTTPSyntax.lowercase), as: UTF8.self)
    }
}

/// Why there was no whole answer.
struct UpstreamFailure: Error, Sendable, Hashable {
    enum Reason: String, Sendable, Hashable {
        case unresolved, unreachable, connectTime, untrusted, tls, broken, malformed, forbidden, other
        case firstByteTime, idleTime, deadline
        case headTooLarge, bodyTooLarge
        /// The handler wanted no more.
        case stopped
        case cancelled
        /// The client was closed.
        case closed
        /// Something in the request cannot be sent.
        case invalidRequest
    }

    var reason: Reason
    /// For the log; never holds anything of the request or the answer.
    var detail: String

    init(_ reason: Reason, _ detail: String = "") {
        self.reason = reason
        self.detail = detail.isEmpty ? reason.rawValue : "\(reason.rawValue): \(detail)"
    }

    /// Whether nobody can have acted on the request yet, or the connection went before an answer began: worth another try.
    var isPassing: Bool {
        switch reason {
        case .unresolved, .unreachable, .connectTime, .broken: true
        default: false
        }
    }
}

/// What becomes of a piece of a body.
enum UpstreamFlow: Sendable, Hashable {
    case taken
    /// Not taken: it comes again after `UpstreamTransfer.resume`. The connection is not read meanwhile, so that the other side is
    /// held up.
    case pause
    /// The transfer ends with the failure `stopped`.
    case stop
}

/// Reads an answer. All calls come on the client's thread, one after the other, and must not block.
protocol UpstreamHandler: AnyObject, Sendable {
    /// The head has come. False ends the transfer with the failure `stopped`.
    func received(_ head: UpstreamHead) -> Bool
    /// A piece of the body has come.
    func received(_ bytes: borrowing Span<UInt8>) -> UpstreamFlow
    /// It is over; comes exactly once, last.
    func ended(_ result: Result<Void, UpstreamFailure>)
}
