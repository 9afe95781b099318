/// One request to a model's server: reads the answer and passes it on.
///
/// Everything is called on the HTTP client's thread.
final class CompletionAttempt: UpstreamHandler, @unchecked Sendable {
    // Unchecked: all of it is only touched on the client's thread.

    /// Bytes of an answer that is no stream: of an error, of a whole completion.
    private static let errorLimit = 64 << 10
    private static let documentLimit = 8 << 20

    private enum Body { case stream, document, error }

    private let limits: UpstreamLimits
    private let delta: @Sendable (ModelDelta) -> Void
    private let completion: @Sendable (Result<ModelEnd, ModelFault>, _ hasSpoken: Bool) -> Void
    private var stream: any CompletionStream
    private var events = ServerSentEvents()
    private var head = UpstreamHead()
    private var body = Body.error
    private var bytes: [UInt8] = []
    private var began = false
    /// Whether a piece of the completion was passed on.
    private var hasSpoken = false
    private var isOver = false

    init(
        _ stream: any CompletionStream, limits: UpstreamLimits, delta: @escaping @Sendable (ModelDelta) -> Void,
        completion: @escaping @Sendable (Result<ModelEnd, ModelFault>, _ hasSpoken: Bool) -> Void
    ) {
        self.stream = stream
        self.limits = limits
        self.delta = delta
        self.completion = completion
    }

    func received(_ head: UpstreamHead) -> Bool {
        self.head = head
        // Nobody asked for another coding; what comes could not be read.
        let coding = head.fields["Content-Encoding"] ?? "identity"
        guard HTTPSyntax.equal(coding, "identity") else {
            end(.failure(ModelFault(.unreadable, "a content coding that was not asked for")))
            return false
        }
        if head.status == 200 {
            body = head.mediaType == "application/json" ? .document : .stream
            if body == .stream, !head.mediaType.isEmpty, head.mediaType != "text/event-stream" {
                end(.failure(ModelFault(.unreadable, "an answer of another media type")))
                return false
            }
        }
        return true
    }

    func received(_ bytes: borrowing Span<UInt8>) -> UpstreamFlow {
        began = true
        // Behind the end nothing matters; it is read so that the connection can be used again.
        guard !isOver else { return .taken }
        switch body {
        case .stream: return read(bytes)
        case .document, .error:
            let limit = body == .error ? CompletionAttempt.errorLimit : CompletionAttempt.documentLimit
            guard self.bytes.count + bytes.count <= limit else { return body == .error ? .taken : .stop }
            unsafe bytes.withUnsafeBufferPointer { unsafe self.bytes.append(contentsOf: $0) }
            return .taken
        }
    }

    private func read(_ bytes: borrowing Span<UInt8>) -> UpstreamFlow {
        var position = 0
        do throws(ModelFault) {
            while let event = try next(bytes, &position) {
                try stream.read(event) { say($0) }
                if let end = stream.end {
                    self.end(.success(end))
                    return .taken
                }
            }
            return .taken
        } catch {
            end(.failure(error))
            return .stop
        }
    }

    private func next(_ bytes: borrowing Span<UInt8>, _ position: inout Int) throws(ModelFault) -> ServerSentEvent? {
        do throws(ServerSentEvents.TooLarge) { return try events.next(bytes, &position) } catch {
            throw ModelFault(.tooLarge, "an event of more than \(ServerSentEvents.eventLimit) bytes")
        }
    }

    private func say(_ piece: ModelDelta) {
        hasSpoken = true
        delta(piece)
    }

    func ended(_ result: Result<Void, UpstreamFailure>) {
        guard !isOver else { return }
        if head.status != 0, head.status != 200 {
            // Also when the body of the error broke off.
            return end(.failure(ModelFault(head, body: bytes, now: .now())))
        }
        if case .failure(let failure) = result {
            return end(.failure(ModelFault(failure, limits: limits, began: began)))
        }
        do throws(ModelFault) {
            if body == .document {
                let json = try ChatStream.parse(bytes)
                try stream.readWhole(json) { say($0) }
            }
            end(.success(try stream.finish()))
        } catch {
            end(.failure(error))
        }
    }

    private func end(_ result: Result<ModelEnd, ModelFault>) {
        guard !isOver else { return }
        isOver = true
        completion(result, hasSpoken)
    }
}
