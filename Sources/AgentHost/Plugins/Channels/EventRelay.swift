private import Synchronization

/// Lets another thread do what the host does with a plugin's events, once there are too many for the thread that runs the plugin.
///
/// With few events nothing is handed over: they are dealt with where they come from, which costs no thread switch. With many the plugin's
/// thread would be busy to the brim, and late, while others have time. Order is kept: as long as something is handed over and not dealt
/// with, all that comes goes the same way.
final class EventRelay: Sendable {
    private struct Batch: Sendable {
        var events: [PluginEvent]
        var channel: any PluginChannel
    }

    private let receiver: any PluginChannelReceiver
    private let queue = BlockingQueue<Batch>()
    private let state = Mutex(State())

    private struct State {
        var thread: NativeThread?
        /// Of events.
        var load = Load(low: 25_000, high: 50_000)
        /// Batches that are handed over and not dealt with.
        var pending = 0
        var isStopped = false
    }

    /// - Parameter receiver: deals with events, on the thread that they come on or on the relay's.
    init(_ receiver: any PluginChannelReceiver) { self.receiver = receiver }

    /// Has the events dealt with, now or soon. From any thread; batches with events of one turn must come one after the other.
    func take(_ events: [PluginEvent], of channel: any PluginChannel) {
        let isDone = state.withLock { state in
            guard !state.isStopped else { return true }
            state.load.count(events.count, at: monotonicMilliseconds())
            guard state.load.isHigh || state.pending > 0 else { return false }
            if state.thread == nil { state.thread = NativeThread(name: "plugin-events") { self.run() } }
            state.pending += 1
            // In the lock: nobody may come between the count and the place in the queue.
            queue.push(Batch(events: events, channel: channel))
            return true
        }
        if !isDone { receiver.channel(channel, received: events) }
    }

    private func run() {
        var wakes = WakePolicy()
        while true {
            let batches = queue.takeAll()
            if batches.isEmpty { return }
            WakeupBatch.gather {
                for batch in batches where !state.withLock({ $0.isStopped }) {
                    receiver.channel(batch.channel, received: batch.events)
                }
            }
            wakes.note(batches.count)
            state.withLock { $0.pending -= batches.count }
        }
    }

    /// Drops what comes, and what was handed over. From any thread; does not block.
    func stop() {
        state.withLock { $0.isStopped = true }
        queue.close()
    }

    /// Deals with what was handed over and ends the thread. Blocks; not from the receiver. Nothing may come any more.
    func close() {
        queue.close()
        state.withLock { $0.thread.take() }?.join()
    }
}
