internal import CPlatform
private import Synchronization

/// Something an event loop watches. All functions are called on the loop's thread.
protocol EventSource: AnyObject {
    /// The descriptor became ready; `flags` are those of `cplatform_sockets.h`.
    func ready(_ flags: UInt32)
    /// A deadline given to `EventLoop.wake(_:at:)` has passed.
    func deadlinePassed()
    /// Called once at the end of the loop's current iteration after `EventLoop.schedule`: the time to write what has gathered.
    func turn()
    /// Another thread has called `EventLoop.wake(_:)`.
    func woken()
}

/// One thread that waits for sockets with epoll and runs Swift jobs in between.
///
/// It is an executor: a Task started with `executorPreference:` of a loop runs on the loop's thread, so that a request, the code
/// that answers it and its connection share one thread and need no hop. An iteration runs jobs in rounds until there are none (at
/// most 512), lets sources write what has gathered, and then waits. Nothing that blocks may run here.
///
/// It is no `SerialExecutor`: jobs that run isolated to one are enqueued anew at every call of a nonisolated async function
/// (measured: 3 µs a call), because that function belongs on the Task's executor instead.
@safe final class EventLoop: TaskExecutor, @unchecked Sendable {
    // Unchecked: all state but `shared` and `woken` is touched on the loop's thread only.
    private static let jobBudget = 512
    private static let wakeToken = UInt64.max

    private let epoll: Int32
    private let wakeDescriptor: Int32
    private let shared = Mutex(Shared())
    /// Whether the loop was already told that `shared` holds something.
    private let woken = Atomic(false)

    private var jobs: [UnownedJob] = []
    private var round: [UnownedJob] = []
    private var scheduled: [any EventSource] = []
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var deadlines = DeadlineHeap()
    private var running = true
    /// Where sources read into: one buffer for all, so that an idle connection has none.
    var readBuffer = [UInt8](repeating: 0, count: 32 << 10)
    /// Milliseconds of the monotonic clock, taken after each wait.
    private(set) var now = monotonicMilliseconds()
    /// Where sources of streams write to: one buffer for all.
    var streamBuffer: [UInt8] = []
    private var dateBytes: [UInt8] = []
    private var dateTaken = Int64.min

    /// What other threads hand in.
    private struct Shared {
        var jobs: [UnownedJob] = []
        var calls: [@Sendable () -> Void] = []
        var sources: [any EventSource & Sendable] = []
    }

    private struct Slot {
        var source: (any EventSource)?
        var generation: UInt32 = 0
    }

    /// Throws when the system has no descriptors left.
    init() throws(ServerError) {
        epoll = cplatform_epoll_create()
        wakeDescriptor = cplatform_eventfd_create()
        guard epoll >= 0, wakeDescriptor >= 0,
            cplatform_epoll_add_wake(epoll, wakeDescriptor, EventLoop.wakeToken) == 0
        else {
            if epoll >= 0 { cplatform_close(epoll) }
            if wakeDescriptor >= 0 { cplatform_close(wakeDescriptor) }
            throw .system("The event loop cannot be made", -min(epoll, wakeDescriptor))
        }
    }

    deinit {
        cplatform_close(epoll)
        cplatform_close(wakeDescriptor)
    }

    // MARK: From any thread

    /// Whether the caller is on the loop's thread.
    var isCurrent: Bool {
        unsafe cplatform_current_loop() == UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            jobs.append(job)
        } else {
            shared.withLock { $0.jobs.append(job) }
            wakeUp()
        }
    }

    /// Runs `body` on the loop's thread: at once if the caller is on it, else soon.
    func run(_ body: @escaping @Sendable () -> Void) {
        if isCurrent {
            body()
        } else {
            shared.withLock { $0.calls.append(body) }
            wakeUp()
        }
    }

    /// Calls `woken` of the source on the loop's thread: at once if the caller is on it, else soon.
    func wake(_ source: any EventSource & Sendable) {
        if isCurrent {
            source.woken()
        } else {
            shared.withLock { $0.sources.append(source) }
            wakeUp()
        }
    }

    private func wakeUp() {
        if !woken.exchange(true, ordering: .sequentiallyConsistent) { cplatform_eventfd_signal(wakeDescriptor) }
    }

    // MARK: The thread

    /// Serves until `stop`; becomes the calling thread's loop.
    func serve() {
        unsafe cplatform_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        var events = [cplatform_event](repeating: cplatform_event(), count: 256)
        var wakes = WakePolicy()
        while running {
            runJobs()
            turnScheduled()
            fireDeadlines()
            let count = unsafe events.withUnsafeMutableBufferPointer { events in
                guard let base = events.baseAddress else { return Int32(0) }
                return unsafe cplatform_epoll_wait(epoll, base, Int32(events.count), timeout)
            }
            now = monotonicMilliseconds()
            var found = max(0, Int(count))
            for index in 0..<found { found += dispatch(events[index]) }
            wakes.note(found)
        }
        cplatform_set_current_loop(nil)
        slots = []
        scheduled = []
    }

    /// Ends `serve` after the current iteration. On the loop's thread.
    func stop() { running = false }

    private var timeout: Int32 {
        if !(jobs.isEmpty) || !scheduled.isEmpty { return 0 }
        guard let earliest = deadlines.earliest else { return -1 }
        return Int32(min(max(earliest - monotonicMilliseconds(), 0), 60_000))
    }

    private func runJobs() {
        var budget = EventLoop.jobBudget
        while budget > 0, !(jobs.isEmpty) {
            swap(&jobs, &round)
            budget -= round.count
            for job in round {
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            }
            round.removeAll(keepingCapacity: true)
        }
    }

    private func turnScheduled() {
        guard !scheduled.isEmpty else { return }
        var sources: [any EventSource] = []
        swap(&sources, &scheduled)
        for source in sources { source.turn() }
    }

    private func fireDeadlines() {
        guard let earliest = deadlines.earliest, earliest <= now else { return }
        while let entry = deadlines.popDue(now) { source(entry.token)?.deadlinePassed() }
    }

    /// Returns how much more it found.
    private func dispatch(_ event: cplatform_event) -> Int {
        guard event.token != EventLoop.wakeToken else { return takeShared() }
        source(event.token)?.ready(event.flags)
        return 0
    }

    private func takeShared() -> Int {
        // Cleared before taking: what comes later wakes again.
        woken.store(false, ordering: .sequentiallyConsistent)
        let taken = shared.withLock { shared in
            defer { shared = Shared() }
            return shared
        }
        jobs.append(contentsOf: taken.jobs)
        for call in taken.calls { call() }
        for source in taken.sources { source.woken() }
        return taken.jobs.count + taken.calls.count + taken.sources.count
    }

    /// The wall clock's date as HTTP writes it, at most a second old.
    var date: [UInt8] {
        if dateTaken == .min || now - dateTaken >= 1_000 {
            dateBytes = HTTPDate.format(.now())
            dateTaken = now
        }
        return dateBytes
    }

    // MARK: Sources, on the loop's thread

    /// Watches a connection; nil when the kernel refuses. The loop keeps `source` until `remove`.
    func add(_ source: any EventSource, stream descriptor: Int32) -> UInt64? {
        register(source) { cplatform_epoll_add_stream(epoll, descriptor, $0) }
    }

    /// Watches a listener that other loops watch, too.
    func add(_ source: any EventSource, listener descriptor: Int32) -> UInt64? {
        register(source) { cplatform_epoll_add_listener(epoll, descriptor, $0) }
    }

    private func register(_ source: any EventSource, _ add: (UInt64) -> Int32) -> UInt64? {
        let index = freeSlots.popLast() ?? slots.count
        if index == slots.count { slots.append(Slot()) }
        let token = UInt64(slots[index].generation) << 32 | UInt64(index)
        guard add(token) == 0 else {
            freeSlots.append(index)
            return nil
        }
        slots[index].source = source
        return token
    }

    /// Forgets a source. Events and deadlines that still come for its token are dropped.
    func remove(_ token: UInt64, descriptor: Int32) {
        let index = Int(token & 0xFFFF_FFFF)
        guard source(token) != nil else { return }
        _ = cplatform_epoll_remove(epoll, descriptor)
        slots[index].source = nil
        slots[index].generation &+= 1
        freeSlots.append(index)
    }

    /// The sources watched.
    var sources: [any EventSource] { slots.compactMap(\.source) }

    /// Calls `deadlinePassed` of the source at `deadline`.
    func wake(_ token: UInt64, at deadline: Int64) { deadlines.insert(deadline, token) }

    /// Calls `turn` of the source at the end of this iteration. The caller keeps from scheduling twice.
    func schedule(_ source: any EventSource) { scheduled.append(source) }

    private func source(_ token: UInt64) -> (any EventSource)? {
        let index = Int(token & 0xFFFF_FFFF)
        guard index < slots.count, slots[index].generation == UInt32(token >> 32) else { return nil }
        return slots[index].source
    }
}
