internal import CPlatform
private import Synchronization

/// An HTTP/1.1 server: a listening socket, event loops on threads of their own, and a handler.
final class HTTPServer: Sendable {
    private let context: ServerContext
    private let state = Mutex(State())

    private struct State {
        var descriptor: Int32 = -1
        var port = 0
        var loops: [Loop] = []
    }

    /// A loop with what belongs to it.
    private struct Loop: @unchecked Sendable {
        // Unchecked: the listener is touched on the loop's thread only.
        let loop: EventLoop
        let listener: Listener
        let thread: NativeThread

        /// On the loop's thread.
        var connections: [HTTPConnection] { loop.sources.compactMap { $0 as? HTTPConnection } }
    }

    init(configuration: HTTPServerConfiguration, handler: any HTTPHandler, log: Logger) {
        context = ServerContext(configuration: configuration, handler: handler, log: log)
    }

    /// The port listened on; 0 before `start`.
    var port: Int { state.withLock { $0.port } }

    /// The event loops, for other work that belongs on them; empty before `start`.
    var loops: [EventLoop] { state.withLock { $0.loops.map(\.loop) } }

    /// The number of open connections.
    var connectionCount: Int { context.connectionCount }

    /// The number of handlers that have not returned.
    var handlerCount: Int { context.handlerCount }

    /// Binds and begins to serve. Blocks only to resolve the host's name. To be called once.
    ///
    /// Ignores SIGPIPE in the whole process and raises its soft limit of open descriptors to the hard one.
    func start() throws(ServerError) {
        cplatform_ignore_sigpipe()
        _ = cplatform_raise_descriptor_limit()
        let (descriptor, port) = try Self.listen(context.configuration)
        var loops: [EventLoop] = []
        do throws(ServerError) {
            for _ in 0..<loopCount { loops.append(try EventLoop()) }
        } catch {
            cplatform_close(descriptor)
            throw error
        }
        let started = loops.enumerated().map { index, loop in
            let listener = Listener(descriptor, loop, context)
            let thread = NativeThread(name: "http-\(index)") { loop.serve() }
            let started = Loop(loop: loop, listener: listener, thread: thread)
            loop.run { started.listener.start() }
            return started
        }
        state.withLock {
            $0.descriptor = descriptor
            $0.port = port
            $0.loops = started
        }
    }

    private var loopCount: Int {
        let wanted = context.configuration.loops
        return wanted > 0 ? wanted : max(1, Int(cplatform_core_count()))
    }

    private static func listen(_ configuration: HTTPServerConfiguration) throws(ServerError) -> (Int32, Int) {
        var port: Int32 = 0
        let host = configuration.host
        let wanted = configuration.port
        guard (0...65_535).contains(wanted) else { throw .portOutOfRange(wanted) }
        let result = unsafe cplatform_listen(host, Int32(wanted), 1_024, &port)
        switch result {
        case 0...: return (result, Int(port))
        case CPLATFORM_UNKNOWN_HOST: throw .unknownHost(host)
        case -CPLATFORM_EADDRINUSE: throw .addressInUse(host: host, port: wanted)
        case -CPLATFORM_EACCES: throw .notPermitted(host: host, port: wanted)
        case -CPLATFORM_EADDRNOTAVAIL: throw .addressNotAvailable(host: host)
        default: throw .system("Cannot listen on \(host):\(wanted)", -result)
        }
    }

    /// Stops: closes the listener and idle connections, lets running requests end for `drainMilliseconds`, then cancels their
    /// handlers, and after `cancelDeadline` cuts what is left.
    ///
    /// Blocks the calling thread until then: never call it on a loop or on Swift's pool. True when everything ended by itself.
    @discardableResult
    func shutdown(drainMilliseconds: Int64) -> Bool {
        let (loops, descriptor) = state.withLock { state in
            defer {
                state.descriptor = -1
                state.loops = []
            }
            return (state.loops, state.descriptor)
        }
        guard descriptor >= 0 else { return true }
        context.drain()
        onEach(loops) { loop in
            loop.listener.stop()
            loop.connections.forEach { $0.drain() }
        }
        cplatform_close(descriptor)
        var clean = waitUntilQuiet(drainMilliseconds)
        if !clean {
            context.log.warn(
                "requests are cancelled: the time to drain is over", ["running": .int(Int64(handlerCount))])
            onEach(loops) { loop in loop.connections.forEach { $0.cancelHandler() } }
            if !waitUntilQuiet(context.configuration.cancelDeadline) {
                onEach(loops) { loop in loop.connections.forEach { $0.depart() } }
            }
        }
        // A handler that does not heed its cancellation keeps its loop: the loop's executor must outlive its jobs.
        guard waitUntilQuiet(context.configuration.cancelDeadline) else {
            context.log.error("handlers do not end", ["running": .int(Int64(handlerCount))])
            return false
        }
        if handlerCount > 0 { clean = false }
        onEach(loops) { $0.loop.stop() }
        for loop in loops { loop.thread.join() }
        return clean
    }

    /// Runs `body` for each loop on its thread and waits for all.
    private func onEach(_ loops: [Loop], _ body: @escaping @Sendable (Loop) -> Void) {
        let done = BlockingQueue<Void>()
        for loop in loops {
            loop.loop.run {
                body(loop)
                done.push(())
            }
        }
        var left = loops.count
        while left > 0 { left -= done.takeAll().count }
    }

    private func waitUntilQuiet(_ milliseconds: Int64) -> Bool {
        let deadline = monotonicMilliseconds() + milliseconds
        while context.connectionCount > 0 || context.handlerCount > 0 {
            guard monotonicMilliseconds() < deadline else { return false }
            _ = context.progress.takeAll(deadline: deadline)
        }
        return true
    }
}
