/// Runs blocking work for async code: on one thread of its own, never on Swift's pool.
final class BlockingWork: Sendable {
    private let queue = BlockingQueue<@Sendable () -> Void>()

    init(name: String) {
        _ = NativeThread(name: name) { [queue] in
            while true {
                let jobs = queue.takeAll()
                if jobs.isEmpty { return }
                for job in jobs { job() }
            }
        }
    }

    /// Runs `body` on the thread. Not after `close`.
    func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            let accepted = queue.push {
                do throws(Failure) {
                    let value = try body()
                    continuation.resume(returning: .success(value))
                } catch { continuation.resume(returning: .failure(error)) }
            }
            precondition(accepted, "blocking work after its thread was closed")
        }
        return try result.get()
    }

    /// Ends the thread once what is queued is done.
    func close() { queue.close() }
}
