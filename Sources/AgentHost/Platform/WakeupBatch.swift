internal import CPlatform

/// Wake-ups that wait until a batch of news is through.
///
/// News often come many at once, each for somebody else who waits. Woken for the first, the thread that serves them all would find
/// one thing to do, and would be woken again for the second. Confined to the thread that gathers.
@safe final class WakeupBatch {
    /// Wake-ups that are put off at most: what comes first should not wait for all of a long batch.
    private static let limit = 64

    private var calls: [@Sendable () -> Void] = []

    private init() {}

    /// Runs `body`; what it hands to `call`, on this thread, is called a little later, at the latest when `body` has returned.
    static func gather(_ body: () -> Void) {
        guard unsafe cplatform_current_wakeups() == nil else { return body() }
        let batch = WakeupBatch()
        unsafe cplatform_set_current_wakeups(Unmanaged.passUnretained(batch).toOpaque())
        body()
        cplatform_set_current_wakeups(nil)
        batch.flush()
    }

    /// Calls `wakeup`, at once if this thread does not gather. It must not block, nor count on what comes after it.
    static func call(_ wakeup: @escaping @Sendable () -> Void) {
        guard let current = unsafe cplatform_current_wakeups() else { return wakeup() }
        let batch = unsafe Unmanaged<WakeupBatch>.fromOpaque(current).takeUnretainedValue()
        batch.calls.append(wakeup)
        if batch.calls.count >= limit { batch.flush() }
    }

    private func flush() {
        var taken: [@Sendable () -> Void] = []
        swap(&taken, &calls)
        for call in taken { call() }
    }
}
