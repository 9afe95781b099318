internal import CPlatform

/// One client's connection: requests in, responses out, one after the other.
///
/// A pipelined request is not looked at before the response to the one before it has left; until then the kernel holds back the
/// client. The client's departure is noticed all the same (EPOLLRDHUP). A client that shuts down its sending side behind a complete
/// request still gets an answer that comes in one piece and soon; for a stream, or after `halfCloseDeadline`, it counts as gone.
final class HTTPConnection: EventSource, @unchecked Sendable {
    // Unchecked: confined to the loop's thread; other threads reach it only through `request(turn:)`.

    /// Where the connection stands.
    enum Phase {
        /// Between requests.
        case idle
        /// A head has begun to come.
        case head
        /// A request is being answered.
        case exchange
        /// The last bytes are leaving.
        case closing
        /// All was said; what the client still sends is thrown away, so that a reset does not overtake the answer.
        case lingering
        case closed
    }

    let loop: EventLoop
    let context: ServerContext
    let socket: Socket
    var token: UInt64 = 0

    var phase = Phase.idle
    var exchange: Exchange?
    var parser: HTTPParser
    /// Read, but not yet looked at.
    var unparsed: [UInt8] = []
    var output: [UInt8] = []
    var outputStart = 0

    var isReadable = true
    var isWritable = true
    /// The client has shut down its sending side, or all of it.
    var peerShut = false
    /// Everything the client sent has been read.
    var inputEnded = false
    private var isScheduled = false

    /// The beginning of the phase, or the last progress in it.
    var since: Int64
    /// The last time bytes left, while there is output.
    var sendSince: Int64 = 0
    /// When the client shut down its side during an exchange.
    var halfClosedSince: Int64?
    var discarded = 0
    /// The earliest entry in the loop's heap.
    private var armed = Int64.max

    init(_ socket: Socket, _ loop: EventLoop, _ context: ServerContext) {
        self.socket = socket
        self.loop = loop
        self.context = context
        parser = HTTPParser(limits: context.configuration.limits)
        since = loop.now
    }

    /// Begins to serve. False when the kernel refuses; the socket is closed then.
    func start() -> Bool {
        guard let token = loop.add(self, stream: socket.descriptor) else {
            drop()
            return false
        }
        self.token = token
        schedule()
        return true
    }

    /// Closes at once a connection that was never started.
    func drop() {
        phase = .closed
        socket.close()
        context.connectionClosed()
    }

    // MARK: Inputs

    func ready(_ flags: UInt32) {
        if flags & UInt32(CPLATFORM_ERROR | CPLATFORM_HANG_UP) != 0 { return depart() }
        if flags & UInt32(CPLATFORM_READABLE | CPLATFORM_PEER_SHUT) != 0 { isReadable = true }
        if flags & UInt32(CPLATFORM_WRITABLE) != 0 { isWritable = true }
        if flags & UInt32(CPLATFORM_PEER_SHUT) != 0 { peerShut = true }
        // Read at once: the Task that answers runs in this iteration still.
        readInput()
        schedule()
    }

    /// Lets `turn` run at the end of this iteration. From the loop's thread.
    func schedule() {
        guard !isScheduled, phase != .closed else { return }
        isScheduled = true
        loop.schedule(self)
    }

    /// Lets `turn` run soon. From any thread.
    func requestTurn() { loop.wake(self) }

    func woken() {
        exchange?.stream?.isReady = true
        schedule()
    }

    /// Does all that can be done now: sends, ends the exchange, reads, and sets the next deadline.
    func turn() {
        isScheduled = false
        guard phase != .closed else { return }
        sendStream()
        noticeHalfClose()
        endExchangeIfDone()
        finishClosing()
        readInput()
        if phase != .closed { arm() }
    }

    // MARK: Half-closed clients

    private func noticeHalfClose() {
        guard phase == .exchange, peerShut, let exchange, exchange.body.isComplete else { return }
        switch exchange.response.progress.phase {
        case .streaming: depart()
        case .notBegun: halfClosedSince = halfClosedSince ?? loop.now
        // The answer is on its way: the deadline for sending holds.
        case .ended: halfClosedSince = nil
        }
    }

    // MARK: Deadlines

    /// The next time at which something must have happened; nil when only the handler is waited for.
    private var deadline: Int64? {
        let limits = context.configuration
        switch phase {
        case .idle: return since + limits.idleDeadline
        case .head: return since + limits.headDeadline
        case .lingering: return since + (context.isDraining ? min(limits.lingerDeadline, 500) : limits.lingerDeadline)
        case .closing: return sendSince + limits.sendDeadline
        case .closed: return nil
        case .exchange:
            var earliest: Int64?
            func consider(_ deadline: Int64) { earliest = min(earliest ?? deadline, deadline) }
            if hasOutput { consider(sendSince + limits.sendDeadline) }
            if let exchange, isAwaitingBody(exchange) { consider(exchange.bodyDeadline) }
            if let halfClosedSince { consider(halfClosedSince + limits.halfCloseDeadline) }
            // While bytes wait for the client, it needs no other sign.
            if !hasOutput, let due = exchange?.stream?.heartbeatDue { consider(due) }
            return earliest
        }
    }

    private func isAwaitingBody(_ exchange: Exchange) -> Bool {
        exchange.pausedSince == nil && !exchange.owesContinue && !exchange.body.isComplete && exchange.body.error == nil
    }

    private func arm() {
        guard let deadline, deadline < armed else { return }
        armed = deadline
        loop.wake(token, at: deadline)
    }

    func deadlinePassed() {
        armed = .max
        guard phase != .closed else { return }
        if let deadline, deadline <= loop.now { expire() }
        if phase != .closed { arm() }
    }

    private func expire() {
        let limits = context.configuration
        switch phase {
        case .head: refuse(.headTimeout)
        case .exchange:
            if let exchange, isAwaitingBody(exchange), exchange.bodyDeadline <= loop.now {
                exchange.body.fail(.bodyTimeout)
                schedule()
            }
            let sendExpired = hasOutput && sendSince + limits.sendDeadline <= loop.now
            if let halfClosedSince, halfClosedSince + limits.halfCloseDeadline <= loop.now { return depart() }
            if sendExpired { return depart() }
            beatIfDue()
        case .idle, .closing, .lingering: close()
        case .closed: break
        }
    }

    // MARK: The end

    /// The client has left: the handler is cancelled, the descriptor closed.
    func depart() {
        guard phase != .closed else { return }
        let left = exchange
        close()
        guard let left else { return }
        left.body.fail(.clientLeft)
        left.response.abandon()
        left.task?.cancel()
        // A source that the connection has not seen yet has to be told, too.
        (left.stream ?? left.response.takeSource().map { ResponseStream($0, now: loop.now) })?.end(complete: false)
        report(left, departed: true)
    }

    /// Cancels the handler; its connection stays, so that it, or the source of its stream, can say something still.
    func cancelHandler() { exchange?.task?.cancel() }

    /// Closes the descriptor and forgets everything.
    func close() {
        guard phase != .closed else { return }
        phase = .closed
        loop.remove(token, descriptor: socket.descriptor)
        socket.close()
        exchange = nil
        output = []
        unparsed = []
        context.connectionClosed()
    }

    /// The server stops: connections between requests close, others after their response.
    func drain() {
        if phase == .idle && !hasOutput { close() } else { schedule() }
    }

    func report(_ exchange: Exchange, departed: Bool) {
        guard let onAccess = context.configuration.onAccess else { return }
        let progress = exchange.response.progress
        let nanoseconds = monotonicNanoseconds() - exchange.started
        onAccess(
            HTTPAccess(
                request: exchange.request, status: departed && progress.phase != .ended ? 499 : progress.status,
                bytes: progress.bodyBytes, milliseconds: Double(nanoseconds) / 1e6))
    }
}
