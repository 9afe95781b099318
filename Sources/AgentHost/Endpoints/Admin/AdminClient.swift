private import Synchronization

/// Talks to the admin door of a running host: what `host-server plugins` is made of.
public struct AdminClient: Sendable {
    private let url: String
    private let token: String?
    /// Milliseconds that a command may take: loading has ten seconds, and there may be others before it.
    private static let limit: Int64 = 120_000

    /// - Parameter url: of the running host; nil takes host and port of the configuration.
    public init(_ configuration: Configuration, url: String? = nil) {
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        self.url = url ?? "http://\(host):\(configuration.port)"
        token = configuration.adminToken
    }

    /// Sends one command and answers what the host says.
    ///
    /// - Throws: `HostError` with the host's code and sentence, or with `unreachable`, `admin_token_missing`, `not_a_host`.
    func send(_ method: String, _ path: String, _ body: JSON = [:]) async throws(HostError) -> JSON {
        guard let token else {
            throw HostError(
                "No admin token is set: give the server and this command the same CHATKIT_ADMIN_TOKEN.",
                code: "admin_token_missing")
        }
        var request = UpstreamRequest(method: method, url: url + path)
        request.fields = ["Authorization": "Bearer \(token)", "Accept": "application/json"]
        if method == "POST" {
            request.fields.append("Content-Type", "application/json")
            request.body = body.encoded
        }
        request.limits.firstByte = AdminClient.limit
        request.limits.idle = AdminClient.limit
        request.limits.bodyBytes = 16 << 20
        request.usesProxies = false
        let client = HTTPClient()
        let answer = Collector()
        let result = await withCheckedContinuation { continuation in
            answer.wait { continuation.resume(returning: $0) }
            client.send(request, answer)
        }
        let closing = BlockingWork(name: "admin-client")
        await closing.run { client.close() }
        closing.close()
        switch result {
        case .failure(let failure):
            throw HostError(
                "No host answers at \(url) (\(failure.detail)); start it with `host-server serve`, or name it with --url.",
                code: "unreachable")
        case .success(let answer):
            guard let json = try? JSON.parse(answer.bytes, maximumDepth: 64) else {
                throw HostError("What answers at \(url) is no AgentHost (status \(answer.status)).", code: "not_a_host")
            }
            guard answer.status < 400 else {
                throw HostError(
                    json["error"]?.string ?? "The host refused with status \(answer.status).",
                    code: json["code"]?.string ?? "refused")
            }
            return json
        }
    }
}

/// Puts an answer together.
private final class Collector: UpstreamHandler {
    struct Answer: Sendable {
        var status = 0
        var bytes: [UInt8] = []
    }
    private let state = Mutex((answer: Answer(), done: (@Sendable (Result<Answer, UpstreamFailure>) -> Void)?.none))

    func wait(_ done: @escaping @Sendable (Result<Answer, UpstreamFailure>) -> Void) {
        state.withLock { $0.done = done }
    }

    func received(_ head: UpstreamHead) -> Bool {
        state.withLock { $0.answer.status = head.status }
        return true
    }

    func received(_ bytes: borrowing Span<UInt8>) -> UpstreamFlow {
        var piece: [UInt8] = []
        piece.reserveCapacity(bytes.count)
        for index in bytes.indices { piece.append(bytes[index]) }
        state.withLock { [piece] in $0.answer.bytes += piece }
        return .taken
    }

    func ended(_ result: Result<Void, UpstreamFailure>) {
        let (answer, done) = state.withLock { state in (state.answer, state.done.take()) }
        done?(result.map { answer })
    }
}
