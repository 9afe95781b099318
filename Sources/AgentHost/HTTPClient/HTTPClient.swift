internal import CCurl
private import Synchronization

/// Makes requests to other servers: any number at once, on one thread, with libcurl.
///
/// Answers stream to their handlers as they come. TLS is verified, redirects are handed to the handler as they are: nothing but the
/// server that a request names is ever contacted (or the proxy that the environment names for it). The thread starts with the first
/// request. May be used from any thread.
@safe final class HTTPClient: @unchecked Sendable {
    // Unchecked: what follows the `Mutex` is only touched on the client's thread.

    private let loop: OpaquePointer
    /// File with the certificates that are trusted; nil takes the system's.
    private let certificates: String?
    private let inbox = Mutex(Inbox())
    /// Whether the thread was already told that `inbox` holds something.
    private let woken = Atomic(false)

    private var transfers: [UInt64: UpstreamTransfer] = [:]
    private var deadlines = DeadlineHeap()
    /// Milliseconds of the monotonic clock, taken after each wait.
    private var now: Int64 = 0

    private enum Command: Sendable {
        case start(UpstreamTransfer)
        case cancel(UpstreamTransfer, UpstreamFailure.Reason)
        case resume(UpstreamTransfer)
    }

    /// What other threads hand in.
    private struct Inbox {
        var commands: [Command] = []
        var lastNumber: UInt64 = 0
        var thread: NativeThread?
        var isClosed = false
    }

    /// - Parameter certificates: path of a PEM file that replaces the system's trusted certificates.
    init(certificates: String? = nil) {
        self.certificates = certificates
        let made = unsafe withUnsafePointer(to: HTTPClient.callbacks) { unsafe ccurl_loop_create($0) }
        guard let made = unsafe made else { preconditionFailure("no descriptors left for the HTTP client") }
        unsafe loop = made
    }

    deinit { unsafe ccurl_loop_destroy(loop) }

    // MARK: From any thread

    /// Sends a request. Does not block. The handler hears of everything on the client's thread.
    @discardableResult
    func send(_ request: UpstreamRequest, _ handler: any UpstreamHandler) -> UpstreamTransfer {
        let transfer = inbox.withLock { inbox in
            inbox.lastNumber += 1
            let transfer = UpstreamTransfer(request, handler, number: inbox.lastNumber, client: self)
            guard !inbox.isClosed else { return (transfer, false) }
            inbox.commands.append(.start(transfer))
            if inbox.thread == nil { inbox.thread = NativeThread(name: "http-client") { self.run() } }
            return (transfer, true)
        }
        if transfer.1 { wake() } else { transfer.0.end(.failure(UpstreamFailure(.closed))) }
        return transfer.0
    }

    private func submit(_ command: Command) {
        inbox.withLock { if !$0.isClosed { $0.commands.append(command) } }
        wake()
    }

    func cancel(_ transfer: UpstreamTransfer, _ reason: UpstreamFailure.Reason) { submit(.cancel(transfer, reason)) }
    func resume(_ transfer: UpstreamTransfer) { submit(.resume(transfer)) }

    /// Breaks off what is under way and ends the thread. Blocks until that is done; not from a handler.
    func close() {
        let thread = inbox.withLock { inbox in
            inbox.isClosed = true
            return inbox.thread.take()
        }
        wake()
        thread?.join()
    }

    private func wake() {
        if !woken.exchange(true, ordering: .sequentiallyConsistent) { unsafe ccurl_loop_wake(loop) }
    }

    // MARK: The thread

    private func run() {
        var wakes = WakePolicy()
        while true {
            // Pieces that have come for several transfers wake those who read them together.
            WakeupBatch.gather {
                wakes.note(unsafe Int(ccurl_loop_wait(loop, timeout)))
            }
            now = monotonicMilliseconds()
            woken.store(false, ordering: .sequentiallyConsistent)
            let (commands, isClosed) = inbox.withLock { inbox in
                defer { inbox.commands = [] }
                return (inbox.commands, inbox.isClosed)
            }
            for command in commands { perform(command) }
            endFinished()
            endLate()
            if isClosed {
                for transfer in transfers.values { end(transfer, .failure(UpstreamFailure(.closed))) }
                unsafe ccurl_loop_close(loop)
                return
            }
        }
    }

    /// Milliseconds to the next deadline; negative when there is none.
    private var timeout: Int32 {
        guard let earliest = deadlines.earliest else { return -1 }
        return Int32(clamping: max(0, earliest - monotonicMilliseconds()))
    }

    private func perform(_ command: Command) {
        switch command {
        case .start(let transfer): start(transfer)
        case .cancel(let transfer, let reason): end(transfer, .failure(UpstreamFailure(reason)))
        case .resume(let transfer):
            guard let handle = unsafe transfer.handle, transfer.unpause(at: now) else { return }
            expect(transfer)
            unsafe ccurl_transfer_resume(handle)
        }
    }

    private func start(_ transfer: UpstreamTransfer) {
        transfers[transfer.number] = transfer
        guard transfer.request.isValid else { return end(transfer, .failure(UpstreamFailure(.invalidRequest))) }
        unsafe transfer.handle = begin(transfer)
        guard unsafe transfer.handle != nil else {
            return end(transfer, .failure(UpstreamFailure(.invalidRequest, "libcurl refused it")))
        }
        transfer.start(at: now)
        expect(transfer)
    }

    private func begin(_ transfer: UpstreamTransfer) -> OpaquePointer? {
        let request = transfer.request
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        return unsafe request.method.withCString { method in
            unsafe request.url.withCString { url in
                unsafe request.fieldLines.withCString { fields in
                    unsafe (certificates ?? "").withCString { file in
                        unsafe request.body.withUnsafeBufferPointer { body in
                            var raw = unsafe ccurl_request(
                                method: method, url: url, fields: fields, body: body.baseAddress,
                                body_count: body.count, ca_file: certificates == nil ? nil : file,
                                connect_ms: request.limits.connect, uses_proxies: request.usesProxies,
                                reuses: request.reusesConnections, only_public: request.onlyPublic)
                            return unsafe ccurl_transfer_start(loop, &raw, context)
                        }
                    }
                }
            }
        }
    }

    /// Looks at the transfer again when it is late.
    private func expect(_ transfer: UpstreamTransfer) {
        let due = transfer.due
        if due < .max { deadlines.insert(due, transfer.number) }
    }

    /// Entries are not moved with every piece of a body: a transfer that was heard of since is looked at again later.
    private func endLate() {
        while let entry = deadlines.popDue(now) {
            guard let transfer = transfers[entry.token] else { continue }
            if transfer.due <= now { end(transfer, .failure(transfer.lateness)) } else { expect(transfer) }
        }
        if deadlines.count > 64 && deadlines.count > 4 * transfers.count {
            deadlines.keep { transfers[$0] != nil }
        }
    }

    private func endFinished() {
        var how = unsafe ccurl_end()
        while let context = unsafe ccurl_loop_ended(loop, &how) {
            let transfer = unsafe Unmanaged<UpstreamTransfer>.fromOpaque(context).takeUnretainedValue()
            unsafe end(transfer, UpstreamFailure.result(how))
        }
    }

    private func end(_ transfer: UpstreamTransfer, _ result: Result<Void, UpstreamFailure>) {
        guard transfers.removeValue(forKey: transfer.number) != nil else { return }
        if let handle = unsafe transfer.handle { unsafe ccurl_transfer_free(handle) }
        unsafe transfer.handle = nil
        transfer.end(result)
    }

    // MARK: libcurl's calls

    private static let callbacks = unsafe ccurl_callbacks(
        line: { context, bytes, count in
            let transfer = unsafe Unmanaged<UpstreamTransfer>.fromOpaque(context).takeUnretainedValue()
            return unsafe transfer.line(UnsafeBufferPointer(start: bytes, count: count).span)
        },
        body: { context, bytes, count in
            let transfer = unsafe Unmanaged<UpstreamTransfer>.fromOpaque(context).takeUnretainedValue()
            return unsafe transfer.bodyCame(UnsafeBufferPointer(start: bytes, count: count).span)
        })

    /// A piece of a body came: also between two waits, when a paused transfer goes on.
    fileprivate func bodyCame(_ bytes: borrowing Span<UInt8>, _ transfer: UpstreamTransfer) -> UpstreamFlow {
        // Not `now`: that is from before the wait, however long it was.
        let (flow, isFirst) = transfer.body(bytes, at: monotonicMilliseconds())
        if isFirst { expect(transfer) }
        return flow
    }
}

extension UpstreamTransfer {
    fileprivate func bodyCame(_ bytes: borrowing Span<UInt8>) -> Int32 {
        switch client?.bodyCame(bytes, self) ?? .stop {
        case .taken: CCURL_TAKEN
        case .pause: CCURL_PAUSE
        case .stop: CCURL_STOP
        }
    }
}

extension UpstreamFailure {
    fileprivate static func result(_ end: ccurl_end) -> Result<Void, UpstreamFailure> {
        let reason: Reason? =
            switch unsafe end.reason {
            case CCURL_DONE: nil
            case CCURL_UNRESOLVED: .unresolved
            case CCURL_UNREACHABLE: .unreachable
            case CCURL_CONNECT_TIME: .connectTime
            case CCURL_UNTRUSTED: .untrusted
            case CCURL_TLS: .tls
            case CCURL_BROKEN: .broken
            case CCURL_MALFORMED: .malformed
            case CCURL_STOPPED: .stopped
            case CCURL_FORBIDDEN: .forbidden
            default: .other
            }
        guard let reason else { return .success(()) }
        let words = unsafe end.text.map { unsafe String(cString: $0) } ?? ""
        return unsafe .failure(UpstreamFailure(reason, "curl \(end.code), \(words)"))
    }
}

extension HTTPClient {
    /// Whether the numeric address belongs to the public internet.
    static func isPublic(_ address: String) -> Bool { unsafe ccurl_is_public(address) }
    /// Whether the text is a numeric address.
    static func isAddress(_ text: String) -> Bool { unsafe ccurl_is_address(text) }
}
