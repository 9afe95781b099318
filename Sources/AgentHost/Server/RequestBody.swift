private import Synchronization

/// The body of a request, read as it comes. One reader at a time; from any thread.
///
/// The connection reads at most 64 KiB ahead of the reader; a client that waits for `100 Continue` gets it with the first read.
final class RequestBody: Sendable {
    private let buffer: Mutex<BodyBuffer>
    private let framing: HTTPFraming
    /// Tells the connection that the reader has asked for bytes.
    private let wanted: @Sendable () -> Void

    init(framing: HTTPFraming, wanted: @escaping @Sendable () -> Void) {
        self.framing = framing
        self.wanted = wanted
        buffer = Mutex(BodyBuffer(isComplete: framing == .none || framing == .length(0)))
    }

    /// The whole body. Throws `bodyTooLarge` as soon as it is known to be larger than `limit`: for a declared length at once,
    /// without reading any of it.
    func collect(upTo limit: Int) async throws(HTTPError) -> [UInt8] {
        if case .length(let length) = framing, length > limit { throw .bodyTooLarge(limit) }
        var whole: [UInt8] = []
        while let bytes = try await next() {
            guard bytes.count <= limit - whole.count else { throw .bodyTooLarge(limit) }
            if whole.isEmpty { whole = bytes } else { whole.append(contentsOf: bytes) }
        }
        return whole
    }

    /// The next bytes, never none; nil at the body's end. Throws what broke the body, or `cancelled`.
    func next() async throws(HTTPError) -> [UInt8]? {
        while true {
            let (found, asksFirst) = buffer.withLock { buffer in
                let first = !buffer.wasAsked && !buffer.isComplete
                let full = !buffer.isComplete && !buffer.wantsMore
                return (buffer.take(), first || full)
            }
            if asksFirst { wanted() }
            switch found {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .error(let error): throw error
            case .nothing: try await wait()
            }
        }
    }

    private func wait() async throws(HTTPError) {
        if Task.isCancelled { throw .cancelled }
        if buffer.withLock({ $0.isAwaited }) { throw .bodyReadTwice }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !buffer.withLock({ $0.wait(continuation) }) {
                    continuation.resume()
                } else if Task.isCancelled {
                    wake { $0.takeReader() }
                }
            }
        } onCancel: {
            wake { $0.takeReader() }
        }
    }

    /// Resumes the reader that `change` returns, outside the lock.
    private func wake(_ change: (inout BodyBuffer) -> CheckedContinuation<Void, Never>?) {
        buffer.withLock { change(&$0) }?.resume()
    }

    // MARK: The connection's side

    func append(_ bytes: ArraySlice<UInt8>) { wake { $0.append(bytes) } }
    func complete() { wake { $0.complete() } }
    func fail(_ error: HTTPError) { wake { $0.fail(error) } }

    /// Whether all of it has been received.
    var isComplete: Bool { buffer.withLock { $0.isComplete } }
    /// Whether the connection should read on.
    var wantsMore: Bool { buffer.withLock { $0.wantsMore } }
    /// Whether the handler has begun to read.
    var wasAsked: Bool { buffer.withLock { $0.wasAsked } }
    /// Bytes received so far.
    var received: Int { buffer.withLock { $0.received } }
    /// What broke it.
    var error: HTTPError? { buffer.withLock { $0.error } }
}

extension HTTPError {
    static let bodyReadTwice = HTTPError(500, "body_read_twice", "Two tasks read the same request's body at once.")
}
