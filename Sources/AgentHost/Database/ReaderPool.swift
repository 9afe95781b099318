/// A few threads that read, each with a connection of its own, beside the writer and each other.
///
/// May be used from any thread; asking never blocks.
final class ReaderPool: Sendable {
    /// The pool is closed.
    struct Closed: Error {}

    private typealias Job = @Sendable (Result<Connection, any Error>) -> (any Error)?
    private let queue: BlockingQueue<Job>
    private let threads: [NativeThread]

    /// - Parameter open: makes a connection; called on the reading threads, again after a fault.
    init(threads count: Int, open: @escaping @Sendable () throws -> Connection) {
        let queue = BlockingQueue<Job>()
        self.queue = queue
        threads = (0..<count).map { index in
            NativeThread(name: "store-reader-\(index)") { ReaderPool.serve(queue, open) }
        }
    }

    deinit { queue.close() }

    /// Runs `body` on one of the threads.
    func read<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        let result: Result<T, any Error> = await withCheckedContinuation { continuation in
            let accepted = queue.push { connection in
                let result = Result { try body(connection.get()) }
                continuation.resume(returning: result)
                if case .failure(let error) = result { return error }
                return nil
            }
            if !accepted { continuation.resume(returning: .failure(Closed())) }
        }
        return try result.get()
    }

    /// Finishes what is queued. Blocks; to be called once.
    func close() {
        queue.close()
        for thread in threads { thread.join() }
    }

    private static func serve(_ queue: BlockingQueue<Job>, _ open: @Sendable () throws -> Connection) {
        var connection: Connection?
        var wakes = WakePolicy()
        while let job = queue.takeFirst() {
            wakes.note(1)
            let current = Result { try connection ?? open() }
            connection = try? current.get()
            // After a fault of the database the connection may be unsound.
            if job(current) is DatabaseError { connection = nil }
        }
    }
}
