private import Synchronization

/// What the loops of one server share.
final class ServerContext: Sendable {
    let configuration: HTTPServerConfiguration
    let handler: any HTTPHandler
    let log: Logger
    /// Wakes `HTTPServer.shutdown` when something has ended.
    let progress = BlockingQueue<Void>()

    private let connections = Atomic(0)
    private let handlers = Atomic(0)
    private let draining = Atomic(false)
    private let lastComplaint = Atomic<Int64>(.min)

    init(configuration: HTTPServerConfiguration, handler: any HTTPHandler, log: Logger) {
        self.configuration = configuration
        self.handler = handler
        self.log = log
    }

    /// Whether the server is stopping: nothing is kept alive then.
    var isDraining: Bool { draining.load(ordering: .relaxed) }
    var connectionCount: Int { connections.load(ordering: .relaxed) }
    var handlerCount: Int { handlers.load(ordering: .relaxed) }

    func drain() { draining.store(true, ordering: .sequentiallyConsistent) }

    /// Counts a connection; returns how many there are now.
    func connectionOpened() -> Int { connections.add(1, ordering: .relaxed).newValue }
    func connectionClosed() {
        if connections.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { tellIfDraining() }
    }
    func handlerStarted() { handlers.add(1, ordering: .relaxed) }
    func handlerReturned() {
        if handlers.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { tellIfDraining() }
    }
    private func tellIfDraining() {
        if draining.load(ordering: .sequentiallyConsistent) { progress.push(()) }
    }

    /// Logs a warning that could come with every connection: at most once a second.
    func complain(_ message: String, at now: Int64) {
        let last = lastComplaint.load(ordering: .relaxed)
        guard last == .min || now - last >= 1_000,
            lastComplaint.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
        else { return }
        log.warn(message, ["connections": .int(Int64(connectionCount))])
    }
}
