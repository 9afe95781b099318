internal import Dispatch

/// Runs asynchronous work while the calling thread waits for it. For the main thread only: it is nobody's executor here.
func waitFor<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
    let done = DispatchSemaphore(value: 0)
    let box = Box<Value>()
    Task.detached {
        box.value = await work()
        done.signal()
    }
    done.wait()
    guard let value = box.value else { preconditionFailure("work ended without a value") }
    return value
}

/// Unchecked: written before the semaphore is signalled, read after it was waited for.
final class Box<Value: Sendable>: @unchecked Sendable {
    var value: Value?
}
