internal import CPlatform
internal import PluginRuntime
private import Synchronization

/// A runtime in this process: commands and events are direct calls.
@safe final class InProcessChannel: PluginChannel, @unchecked Sendable {
    // Unchecked: `runtime` is set once, before anybody else sees the object, and `apr_deliver` may be called from any thread. The
    // lock keeps it from being called after `apr_destroy`.
    private var runtime: OpaquePointer?
    private let relay: EventRelay
    private let state = Mutex(State())

    private struct State {
        /// Threads inside `apr_deliver`.
        var users = 0
        var isReleased = false
        var isAbandoned = false
    }

    /// Threads that run `[turn]` lanes of one plugin.
    private static let laneThreads: UInt32 = 2

    init(_ receiver: any PluginChannelReceiver) throws(PluginChannelError) {
        relay = EventRelay(receiver)
        // The runtime's reference to this object; given back by `release`. An abandoned runtime keeps it for ever, as its
        // threads may still call.
        let context = unsafe Unmanaged.passRetained(self)
        var options = unsafe apr_options(
            lane_threads: InProcessChannel.laneThreads, blocking_threads: 0,
            sink: { unsafe InProcessChannel.receive($0, $1, $2) }, context: context.toOpaque())
        guard let made = unsafe apr_create(&options) else {
            unsafe context.release()
            throw PluginChannelError(sentence: "no memory or threads for another plugin")
        }
        unsafe runtime = made
    }

    /// The runtime's sink: on any of its threads.
    private static func receive(
        _ context: UnsafeMutableRawPointer?, _ messages: UnsafePointer<UnsafePointer<apr_message>>, _ count: Int
    ) {
        guard let context = unsafe context else { return }
        let channel = unsafe Unmanaged<InProcessChannel>.fromOpaque(context).takeUnretainedValue()
        var events = PluginEventBatch()
        for index in 0..<count { unsafe events.append(messages[index]) }
        channel.relay.take(events.take(), of: channel)
    }

    func send(_ message: PluginMessage) {
        let mayEnter = state.withLock { state in
            guard !state.isReleased, !state.isAbandoned else { return false }
            state.users += 1
            return true
        }
        guard mayEnter else { return }
        unsafe message.withMessage { pointer in
            if let runtime = unsafe runtime { unsafe apr_deliver(runtime, pointer) }
        }
        state.withLock { $0.users -= 1 }
    }

    func abandon() {
        state.withLock { $0.isAbandoned = true }
        relay.stop()
    }

    func release(_ done: @escaping @Sendable () -> Void) {
        let mayRelease = state.withLock { state in
            defer { state.isReleased = true }
            return !state.isReleased && !state.isAbandoned
        }
        guard mayRelease else { return }
        // Freeing joins the runtime's threads, and the caller may be one of them.
        _ = NativeThread(name: "plugin-free") {
            self.free()
            done()
        }
    }

    private func free() {
        // Deliveries that had begun are short: they never wait.
        while state.withLock({ $0.users }) > 0 { cplatform_sleep_ms(1) }
        if let runtime = unsafe runtime { unsafe apr_destroy(runtime) }
        relay.close()
        unsafe Unmanaged.passUnretained(self).release()
    }
}

/// Runs plugins in this process.
struct InProcessChannelFactory: PluginChannelFactory {
    var mode: PluginMode { .inProcess }

    func open(_ receiver: any PluginChannelReceiver, log: Logger) throws(PluginChannelError) -> any PluginChannel {
        try InProcessChannel(receiver)
    }
}
