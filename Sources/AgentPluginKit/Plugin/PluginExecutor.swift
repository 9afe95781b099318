internal import Glibc
internal import Synchronization

/// Runs the tasks of this plugin on threads of its own. In process, Swift's pool is shared with the host and all other plugins: a handler
/// that blocks its threads would hold them all up.
///
/// As many threads as there are cores, at least two, started when there is work for them. They live as long as the process, like the
/// library.
final class PluginExecutor: TaskExecutor {
    static let shared = PluginExecutor()

    /// What tools such as `top -H` show.
    static let threadName = "plugin-swift"

    /// Places of jobs that are gone which may be kept.
    private static let kept = 4_096

    private struct State {
        var jobs: [UnownedJob] = []
        /// The first that waits; those before it are gone.
        var first = 0
        /// Threads that wait for a job, or are about to take one.
        var idle = 0
        var threads = 0
    }
    private let state = Mutex(State())
    private let waiting = Semaphore()
    private let most = max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 2)

    private init() {}

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let starts = state.withLock { state in
            state.jobs.append(job)
            guard state.jobs.count - state.first > state.idle, state.threads < most else { return false }
            state.threads += 1
            state.idle += 1
            return true
        }
        waiting.signal()
        if starts, !startThread() { threadIsMissing() }
    }

    /// Takes the job that has waited longest.
    ///
    /// - Parameter thread: whether it is taken by a thread of this executor, which is not idle then.
    private func next(by thread: Bool = false) -> UnownedJob? {
        state.withLock { state in
            guard state.first < state.jobs.count else { return nil }
            let job = state.jobs[state.first]
            state.first += 1
            if state.first == state.jobs.count {
                state.jobs.removeAll(keepingCapacity: state.first <= PluginExecutor.kept)
                state.first = 0
            } else if state.first > PluginExecutor.kept {
                state.jobs.removeFirst(state.first)
                state.first = 0
            }
            if thread { state.idle -= 1 }
            return job
        }
    }

    private func run() {
        while true {
            waiting.wait()
            guard let job = next(by: true) else { continue }
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            state.withLock { $0.idle += 1 }
        }
    }

    /// The function for it is hidden from Swift. A name is a courtesy: where the file cannot be opened there is none.
    private static func nameThread() {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = unsafe write(file, threadName, threadName.utf8.count)
        close(file)
    }

    /// Starts a thread that takes no signals but those of its own faults.
    private func startThread() -> Bool {
        var (blocked, old) = (sigset_t(), sigset_t())
        unsafe sigfillset(&blocked)
        for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { unsafe sigdelset(&blocked, fault) }
        unsafe pthread_sigmask(SIG_SETMASK, &blocked, &old)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &old, nil) }
        var thread = pthread_t()
        let error = unsafe pthread_create(
            &thread, nil,
            { _ in
                PluginExecutor.nameThread()
                PluginExecutor.shared.run()
                return nil
            }, nil)
        if error == 0 { pthread_detach(thread) }
        return error == 0
    }

    /// There are no threads to be had. Those that run will come to the jobs that wait; if there are none, Swift's pool takes them. The
    /// caller must not: it may hold a lock.
    private func threadIsMissing() {
        let isAlone = state.withLock { state in
            state.threads -= 1
            state.idle -= 1
            return state.threads == 0
        }
        guard isAlone else { return }
        while let job = next() { globalConcurrentExecutor.enqueue(job) }
    }
}
