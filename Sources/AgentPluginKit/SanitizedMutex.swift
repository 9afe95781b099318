#if TSAN_LOCKS
    internal import Glibc

    /// Stands in for `Synchronization.Mutex` when ThreadSanitizer runs (`-Xswiftc -DTSAN_LOCKS`), which does not see what that one
    /// orders. As in the host, which the kit must not depend on.
    struct SanitizedMutex<Value>: ~Copyable, @unchecked Sendable {
        // Unchecked: the value is only touched with the lock held.
        private let storage: SanitizedMutexStorage<Value>

        init(_ value: consuming sending Value) { storage = SanitizedMutexStorage(value) }

        borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            unsafe pthread_mutex_lock(storage.lock)
            defer { unsafe pthread_mutex_unlock(storage.lock) }
            nonisolated(unsafe) var value = storage.value
            defer { unsafe storage.value = value }
            return unsafe try body(&value)
        }
    }

    typealias Mutex<Value> = SanitizedMutex<Value>

    @safe private final class SanitizedMutexStorage<Value>: @unchecked Sendable {
        // Unchecked: the value is only touched with the lock held.
        let lock: UnsafeMutablePointer<pthread_mutex_t>
        var value: Value

        init(_ value: Value) {
            unsafe lock = .allocate(capacity: 1)
            unsafe pthread_mutex_init(lock, nil)
            self.value = value
        }

        deinit {
            unsafe pthread_mutex_destroy(lock)
            unsafe lock.deallocate()
        }
    }
#endif
