internal import Glibc

/// Gives the processor to another thread.
func yieldThread() { sched_yield() }

/// Where the host reads what a worker prints.
func writeToStandardError(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe write(2, bytes, bytes.count)
}

/// Waits on a plain thread (never on Swift's pool) until another thread signals.
@safe final class Semaphore: @unchecked Sendable {
    // Sendable: a POSIX semaphore is made for several threads. Owned: freed in deinit, when nobody waits any more.
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        unsafe sem_init(semaphore, 0, 0)
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func signal() { unsafe sem_post(semaphore) }

    /// Waits for a signal, however long.
    func wait() {
        while unsafe sem_wait(semaphore) != 0 {}
    }

    /// Whether the signal came within `seconds`.
    func wait(seconds: Int) -> Bool {
        var end = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &end)
        end.tv_sec += seconds
        while unsafe sem_timedwait(semaphore, &end) != 0 {
            if errno != EINTR { return false }
        }
        return true
    }
}
