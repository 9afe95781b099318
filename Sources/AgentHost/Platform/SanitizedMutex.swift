#if TSAN_LOCKS
    internal import CPlatform

    /// Stands in for `Synchronization.Mutex` when ThreadSanitizer runs (`-Xswiftc -DTSAN_LOCKS`).
    ///
    /// The standard library is not instrumented, so ThreadSanitizer does not see what its mutex orders and reports a race for every
    /// `withLock`. A pthread mutex it knows. A type of the module wins over an imported one of the same name, so no other file changes;
    /// test targets repeat the last line below.
    struct SanitizedMutex<Value>: ~Copyable, @unchecked Sendable {
        // Unchecked: the value is only touched with the lock held.
        private let storage: MutexStorage<Value>

        init(_ value: consuming sending Value) { storage = MutexStorage(value) }

        borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            unsafe cplatform_condition_lock(storage.condition)
            defer { unsafe cplatform_condition_unlock(storage.condition) }
            nonisolated(unsafe) var value = storage.value
            defer { unsafe storage.value = value }
            return unsafe try body(&value)
        }
    }

    typealias Mutex<Value> = SanitizedMutex<Value>

    @safe private final class MutexStorage<Value>: @unchecked Sendable {
        // Unchecked: the value is only touched with the lock held.
        let condition = unsafe cplatform_condition_create()
        var value: Value
        init(_ value: Value) { self.value = value }
        deinit { unsafe cplatform_condition_destroy(condition) }
    }
#endif
