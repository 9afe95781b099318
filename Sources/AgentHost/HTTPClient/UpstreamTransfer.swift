internal import CCurl

/// A request under way. May be kept and cancelled from any thread.
@safe final class UpstreamTransfer: Cancellable, @unchecked Sendable {
    // Unchecked: everything mutable is only touched on the client's thread.

    let number: UInt64
    let request: UpstreamRequest
    private let handler: any UpstreamHandler
    weak let client: HTTPClient?

    /// Nil before the start and after the end.
    var handle: OpaquePointer?
    /// What ended it, if that is not for libcurl to say.
    private var failure: UpstreamFailure?
    private var head = UpstreamHead()
    private var isHeadComplete = false
    private var headBytes = 0
    private var bodyBytes = 0
    private var isPaused = false
    /// When it began, and when the last piece came: monotonic milliseconds.
    private var began: Int64 = 0
    private var heard: Int64?

    init(_ request: UpstreamRequest, _ handler: any UpstreamHandler, number: UInt64, client: HTTPClient) {
        self.request = request
        self.handler = handler
        self.number = number
        self.client = client
    }

    // MARK: From any thread

    /// Breaks it off: its connection is closed at once. The end still comes, unless it has come already.
    func cancel(_ reason: CancelReason) { client?.cancel(self, reason == .deadline ? .deadline : .cancelled) }

    /// Lets it go on after `UpstreamFlow.pause`.
    func resume() { client?.resume(self) }

    // MARK: On the client's thread

    func start(at now: Int64) { began = now }

    /// When it is late if nothing comes before.
    var due: Int64 {
        if isPaused { return request.limits.deadline }
        let wait = heard.map { $0 + request.limits.idle } ?? began + request.limits.firstByte
        return min(wait, request.limits.deadline)
    }

    /// Why it is late.
    var lateness: UpstreamFailure {
        if due == request.limits.deadline { return UpstreamFailure(.deadline) }
        return UpstreamFailure(heard == nil ? .firstByteTime : .idleTime)
    }

    /// Whether it was paused.
    func unpause(at now: Int64) -> Bool {
        guard isPaused else { return false }
        isPaused = false
        heard = now
        return true
    }

    /// A line of a head; false for no more. What comes behind the body (trailers) is not looked at.
    func line(_ line: borrowing Span<UInt8>) -> Bool {
        guard !isHeadComplete else { return true }
        headBytes += line.count
        guard headBytes <= request.limits.headBytes else {
            failure = UpstreamFailure(.headTooLarge)
            return false
        }
        var end = line.count
        while end > 0, line[end - 1] == 0x0A || line[end - 1] == 0x0D { end -= 1 }
        if end == 0 { return endHead() }
        if head.status == 0 {
            head.status = UpstreamTransfer.status(line, end)
        } else {
            addField(line, end)
        }
        return true
    }

    private func endHead() -> Bool {
        if (100..<200).contains(head.status) {
            head = UpstreamHead()
            return true
        }
        isHeadComplete = true
        if handler.received(head) { return true }
        failure = UpstreamFailure(.stopped)
        return false
    }

    /// `HTTP/1.1 200 OK`: the number; 0 if there is none.
    private static func status(_ line: borrowing Span<UInt8>, _ end: Int) -> Int {
        var index = 0
        while index < end, line[index] != 0x20 { index += 1 }
        var status = 0
        index += 1
        while index < end, (0x30...0x39).contains(line[index]), status < 1_000 {
            status = status * 10 + Int(line[index] - 0x30)
            index += 1
        }
        return status
    }

    private func addField(_ line: borrowing Span<UInt8>, _ end: Int) {
        var colon = 0
        while colon < end, line[colon] != UInt8(ascii: ":") { colon += 1 }
        guard colon > 0, colon < end else { return }
        var start = colon + 1
        while start < end, HTTPSyntax.isBlank(line[start]) { start += 1 }
        var stop = end
        while stop > start, HTTPSyntax.isBlank(line[stop - 1]) { stop -= 1 }
        head.fields.append(line, name: 0..<colon, value: start..<stop)
    }

    /// A piece of the body.
    ///
    /// - Returns: what becomes of it, and whether it is the first, so that another wait begins.
    func body(_ bytes: borrowing Span<UInt8>, at now: Int64) -> (flow: UpstreamFlow, isFirst: Bool) {
        let isFirst = heard == nil
        heard = now
        guard bodyBytes + bytes.count <= request.limits.bodyBytes else {
            failure = UpstreamFailure(.bodyTooLarge)
            return (.stop, isFirst)
        }
        let flow = handler.received(bytes)
        switch flow {
        case .taken: bodyBytes += bytes.count
        case .pause: isPaused = true
        case .stop: failure = UpstreamFailure(.stopped)
        }
        return (flow, isFirst)
    }

    /// Tells the handler, once.
    func end(_ result: Result<Void, UpstreamFailure>) {
        if case .failure = result, let failure {
            handler.ended(.failure(failure))
        } else {
            handler.ended(result)
        }
    }
}
