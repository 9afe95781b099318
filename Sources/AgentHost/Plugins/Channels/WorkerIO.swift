internal import CPlatform
private import Synchronization

/// The thread that reads from and writes to all workers.
@safe final class WorkerIO: @unchecked Sendable {
    // Unchecked: `poller` is set in `init` and only read then (the kernel's calls on it are safe from any thread).
    private var poller = cplatform_poller(epoll: -1, wake: -1)
    private let state = Mutex(State())

    private struct State {
        var thread: NativeThread?
        var lastTag: UInt64 = 0
        var workers: [UInt64: WorkerChannel] = [:]
        /// Tags of those with something new to write.
        var dirty: Set<UInt64> = []
        var isClosed = false
        /// When to read again what these print, by tag.
        var paused: [UInt64: Int64] = [:]
    }

    /// Tags of a worker: its socket, its output, its end.
    private static let tagStep: UInt64 = 4

    /// Throws a sentence when the system has no descriptors left.
    init() throws(PluginChannelError) {
        let error = unsafe cplatform_poller_open(&poller)
        guard error == 0 else {
            throw PluginChannelError(sentence: "cannot watch workers: \(FileError(error).sentence)")
        }
    }

    deinit { unsafe cplatform_poller_close(&poller) }

    /// Begins to serve a worker.
    func add(_ worker: WorkerChannel) throws(PluginChannelError) {
        let error: Int32 = state.withLock { state in
            guard !state.isClosed else { return 108 }
            if state.thread == nil { state.thread = NativeThread(name: "plugin-io") { self.run() } }
            state.lastTag += WorkerIO.tagStep
            let tag = state.lastTag
            worker.tag = tag
            var error = watch(worker.child.socket, tag)
            if error == 0 {
                error = watch(worker.child.output, tag + 1)
                if error == 0, worker.child.end >= 0 { error = watch(worker.child.end, tag + 2) }
                if error != 0 {
                    unwatch(worker.child.socket)
                    unwatch(worker.child.output)
                }
            }
            if error == 0 { state.workers[tag] = worker }
            return error
        }
        guard error == 0 else {
            throw PluginChannelError(sentence: "cannot watch the worker: \(FileError(error).sentence)")
        }
    }

    /// The worker has something new to write.
    func isDirty(_ worker: WorkerChannel) {
        let isFirst = state.withLock { state in
            defer { state.dirty.insert(worker.tag) }
            return state.dirty.isEmpty
        }
        if isFirst { wake() }
    }

    func remove(_ worker: WorkerChannel) {
        unwatch(worker.child.socket)
        unwatch(worker.child.output)
        if worker.child.end >= 0 { unwatch(worker.child.end) }
        state.withLock { state in
            state.workers[worker.tag] = nil
            state.paused[worker.tag] = nil
        }
    }

    /// Stops watching what is no longer wanted: the output of a worker that closed it.
    func unwatch(_ descriptor: Int32) { unsafe cplatform_poller_remove(&poller, descriptor) }

    /// Leaves what the worker prints alone until that time, in milliseconds of the monotonic clock. I/O thread.
    func pauseOutput(_ worker: WorkerChannel, until time: Int64) {
        unwatch(worker.child.output)
        state.withLock { $0.paused[worker.tag] = time }
    }

    /// Goes on reading where the pause is over. Answers how many milliseconds the next one lasts; -1: there is none.
    private func endPauses() -> Int32 {
        let now = monotonicMilliseconds()
        return state.withLock { state in
            for (tag, time) in state.paused where time <= now {
                state.paused[tag] = nil
                guard let worker = state.workers[tag] else { continue }
                _ = watch(worker.child.output, tag + 1)
            }
            return state.paused.values.min().map { Int32(clamping: $0 - now) } ?? -1
        }
    }

    func setWritable(_ worker: WorkerChannel, _ wanted: Bool) {
        _ = unsafe cplatform_poller_set_writable(&poller, worker.child.socket, worker.tag, wanted)
    }

    /// Kills the workers that are left and ends the thread. Blocks; not from a receiver.
    func close() {
        let (thread, workers) = state.withLock { state in
            state.isClosed = true
            return (state.thread.take(), Array(state.workers.values))
        }
        for worker in workers { worker.abandon() }
        wake()
        thread?.join()
    }

    private func watch(_ descriptor: Int32, _ tag: UInt64) -> Int32 {
        unsafe cplatform_poller_add(&poller, descriptor, tag)
    }

    private func wake() { unsafe cplatform_poller_wake(&poller) }

    private func run() {
        var ready = [cplatform_ready](repeating: cplatform_ready(tag: 0, events: 0), count: 64)
        var wakes = WakePolicy()
        while true {
            let pause = endPauses()
            let count = unsafe ready.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return 0 }
                return unsafe Int(cplatform_poller_wait(&poller, base, Int32(buffer.count), pause))
            }
            for entry in ready[..<count] {
                let source = entry.tag % WorkerIO.tagStep
                guard let worker = state.withLock({ $0.workers[entry.tag - source] }) else { continue }
                switch source {
                case 1: worker.readOutput()
                case 2: worker.hasEnded()
                default:
                    if entry.events & UInt32(CPLATFORM_WRITABLE) != 0 { worker.flush() }
                    if entry.events & UInt32(CPLATFORM_READABLE) != 0 { worker.readSocket() }
                }
            }
            let dirty = state.withLock { state in
                defer { state.dirty.removeAll() }
                return state.dirty.compactMap { state.workers[$0] }
            }
            for worker in dirty { worker.flush() }
            wakes.note(count + dirty.count)
            if state.withLock({ $0.isClosed && $0.workers.isEmpty }) { return }
        }
    }
}
