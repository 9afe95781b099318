private import Synchronization

/// Answers one request: with `send` or with `stream`. From any thread.
///
/// A response is begun at most once; calls out of order are refused with an error and change nothing.
final class ResponseWriter: Sendable {
    private let state: Mutex<State>
    private let canKeepAlive: @Sendable () -> Bool
    /// Tells the connection that there is something to do.
    private let changed: @Sendable () -> Void

    private struct State: Sendable {
        var response: ResponseState
        /// Until the connection has taken it.
        var source: (any ResponseSource)?
    }

    init(_ state: ResponseState, canKeepAlive: @escaping @Sendable () -> Bool, changed: @escaping @Sendable () -> Void)
    {
        self.state = Mutex(State(response: state))
        self.canKeepAlive = canKeepAlive
        self.changed = changed
    }

    /// Whether `send` or `stream` has succeeded.
    var hasBegun: Bool { state.withLock { $0.response.phase != .notBegun } }

    /// The complete response, with its Content-Length. It never waits for the client. Nothing happens if a response was begun or the
    /// client has left; fields that cannot be sent make it a 500.
    func send(_ status: Int, _ fields: HTTPFields, _ body: [UInt8]) {
        let keepAlive = canKeepAlive()
        change { state in
            do throws(HTTPError) {
                try state.response.send(HTTPResponseHead(status: status, fields: fields), body, keepAlive: keepAlive)
            } catch {
                guard error == .invalidField else { return }
                let head = HTTPResponseHead(status: error.status, fields: HTTPError.fields)
                try? state.response.send(head, error.body, keepAlive: keepAlive)
            }
        }
    }

    /// Answers with an error, as JSON; nothing where there is nobody to answer.
    func send(_ error: HTTPError) {
        guard error.status != 0 else { return }
        send(error.status, HTTPError.fields, error.body)
    }

    /// Begins a response of unknown length, whose body the connection takes from `source`; the handler may return at once. Throws
    /// `responseAlreadyBegun`, `invalidField` or `clientLeft`; the source hears nothing then.
    func stream(_ status: Int, _ fields: HTTPFields, _ source: any ResponseSource) throws(HTTPError) {
        let keepAlive = canKeepAlive()
        try change { state throws(HTTPError) in
            try state.response.beginStream(HTTPResponseHead(status: status, fields: fields), keepAlive: keepAlive)
            state.source = source
        }
    }

    private func change<Failure>(_ body: (inout State) throws(Failure) -> Void) throws(Failure) {
        let tell = try state.withLock { state throws(Failure) in
            try body(&state)
            return state.response.requestTurn()
        }
        if tell { changed() }
    }

    // MARK: The connection's side

    func takeOutput() -> [UInt8] { state.withLock { $0.response.takeOutput() } }
    func abandon() { state.withLock { $0.response.abandon() } }
    func append(_ bytes: [UInt8]) { state.withLock { $0.response.append(bytes) } }
    func finish() { state.withLock { $0.response.finish() } }

    /// The source of a stream that has begun; only the first time.
    func takeSource() -> (any ResponseSource)? { state.withLock { $0.source.take() } }

    /// A view of where the response stands.
    var progress: (phase: ResponseState.Phase, status: Int, bodyBytes: Int, keepsAlive: Bool) {
        state.withLock {
            ($0.response.phase, $0.response.status, $0.response.bodyBytes, $0.response.keepsAlive)
        }
    }
}
