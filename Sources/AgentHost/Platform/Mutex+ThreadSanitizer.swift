#if THREAD_SANITIZER
    internal import CPlatform

    /// Stands in for `Synchronization.Mutex` in builds for ThreadSanitizer, which does not know the futex that one is made of and
    /// would report every use as a race (seen with Swift 6.3.1). Same interface, a POSIX mutex inside.
    struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        // Unchecked: the value is only touched with the lock held.
        private final class Storage {
            let lock = unsafe cplatform_condition_create()
            var value: Value
            init(_ value: consuming Value) { self.value = value }
            deinit { unsafe cplatform_condition_destroy(lock) }
        }
        private let storage: Storage

        init(_ value: consuming sending Value) { storage = Storage(value) }

        borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            unsafe cplatform_condition_lock(storage.lock)
            defer { unsafe cplatform_condition_unlock(storage.lock) }
            return try body(&storage.value)
        }
    }
#endif
