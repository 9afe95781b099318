private import Synchronization

/// Answers one request: either `send`, or `beginStream`, any number of `write`, `finish`. From any thread.
///
/// What is written gathers and leaves at the end of the event loop's iteration: a lone piece at once, a burst as one. A response
/// is begun at most once; calls out of order are refused with an error and change nothing.
final class ResponseWriter: Sendable {
    private let state: Mutex<ResponseState>
    private let canKeepAlive: @Sendable () -> Bool
    /// Tells the connection that there is something to send.
    private let changed: @Sendable () -> Void

    init(_ state: ResponseState, canKeepAlive: @escaping @Sendable () -> Bool, changed: @escaping @Sendable () -> Void)
    {
        self.state = Mutex(state)
        self.canKeepAlive = canKeepAlive
        self.changed = changed
    }

    /// Whether `send` or `beginStream` has succeeded.
    var hasBegun: Bool { state.withLock { $0.phase != .notBegun } }

    /// Whether the client can no longer be reached.
    var isGone: Bool { state.withLock { $0.isGone } }

    /// The complete response, with its Content-Length. Nothing happens if a response was begun or the client has left; fields that
    /// cannot be sent make it a 500.
    func send(_ status: Int, _ fields: HTTPFields, _ body: [UInt8]) async { sendNow(status, fields, body) }

    /// `send`, for callers that cannot suspend; it never waits for the client.
    func sendNow(_ status: Int, _ fields: HTTPFields, _ body: [UInt8]) {
        let keepAlive = canKeepAlive()
        change { state in
            do throws(HTTPError) {
                try state.send(HTTPResponseHead(status: status, fields: fields), body, keepAlive: keepAlive)
            } catch {
                guard error == .invalidField else { return }
                let head = HTTPResponseHead(status: error.status, fields: HTTPError.fields)
                try? state.send(head, error.body, keepAlive: keepAlive)
            }
        }
    }

    /// Answers with an error, as JSON; nothing where there is nobody to answer.
    func send(_ error: HTTPError) async {
        guard error.status != 0 else { return }
        await send(error.status, HTTPError.fields, error.body)
    }

    /// Begins a response of unknown length. Throws `responseAlreadyBegun`, `invalidField` or `clientLeft`.
    func beginStream(_ status: Int, _ fields: HTTPFields) throws(HTTPError) {
        let keepAlive = canKeepAlive()
        try change { state throws(HTTPError) in
            try state.beginStream(HTTPResponseHead(status: status, fields: fields), keepAlive: keepAlive)
        }
    }

    /// Adds to the body. Suspends while more than 256 KiB wait for the client to read them. Throws `clientLeft` when nobody reads
    /// any more, `cancelled` when the Task was cancelled while it waited; the bytes are accepted then nevertheless.
    func write(_ bytes: [UInt8]) async throws(HTTPError) {
        let mustWait = try change { state throws(HTTPError) in try state.write(bytes) }
        guard mustWait else { return }
        if Task.isCancelled { throw .cancelled }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !state.withLock({ $0.wait(continuation) }) {
                    continuation.resume()
                } else if Task.isCancelled {
                    wake { $0.takeWriter() }
                }
            }
        } onCancel: {
            wake { $0.takeWriter() }
        }
        if isGone { throw .clientLeft }
        if Task.isCancelled { throw .cancelled }
    }

    /// Ends a stream; nothing if none was begun.
    func finish() async { change { $0.finish() } }

    private func change<Result, Failure>(
        _ body: (inout ResponseState) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let (result, tell) = try state.withLock { state throws(Failure) in
            let result = try body(&state)
            return (result, state.requestTurn())
        }
        if tell { changed() }
        return result
    }

    private func wake(_ change: (inout ResponseState) -> CheckedContinuation<Void, Never>?) {
        state.withLock { change(&$0) }?.resume()
    }

    // MARK: The connection's side

    func takeOutput() -> [UInt8] { state.withLock { $0.takeOutput() } }
    func sent(_ count: Int) { wake { $0.sent(count) } }
    func abandon() { wake { $0.abandon() } }

    /// A view of where the response stands.
    var progress: (phase: ResponseState.Phase, status: Int, bodyBytes: Int, keepsAlive: Bool) {
        state.withLock { ($0.phase, $0.status, $0.bodyBytes, $0.keepsAlive) }
    }
}
