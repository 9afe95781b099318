/// One write for the writer's thread.
struct WriteJob: Sendable {
    /// May wait a little for company, as nobody waits for it.
    var isRelaxed = false
    /// Runs on the writer's thread inside a transaction; what it wrote is undone when it throws. Must not block. It runs a second
    /// time when another job of its group has failed, with what it wrote the first time undone.
    var body: @Sendable (Connection) throws -> Void
    /// Called once, on the writer's thread, after the commit or the failure. Must not block.
    var completion: @Sendable (Result<Void, any Error>) -> Void
}

/// The thread that alone writes to a database, with group commit.
///
/// Whatever was submitted while the last commit ran goes into one transaction: the time of a commit is the batching window, and
/// one fsync serves all (`measurements.md` 3). Jobs run in the order of `submit` and are completed in it. May be used from any
/// thread; submitting never blocks.
final class Writer: Sendable {
    private let queue: BlockingQueue<WriteJob>
    private let thread: NativeThread

    /// - Parameters:
    ///   - connection: belongs to the writer from now on.
    ///   - reopen: makes a new connection after a fault; called on the writer's thread.
    init(connection: Connection, reopen: @escaping @Sendable () throws -> Connection) {
        let queue = BlockingQueue<WriteJob>()
        self.queue = queue
        thread = NativeThread(name: "store-writer") {
            var loop = WriterLoop(connection: connection, reopen: reopen)
            loop.run(queue)
        }
    }

    deinit { queue.close() }

    /// Queues a job. False when the writer is closed: the job is dropped, its completion is not called.
    func submit(_ job: WriteJob) -> Bool { queue.push(job) }

    /// Finishes what is queued. Blocks; to be called once.
    func close() {
        queue.close()
        thread.join()
    }
}

/// What the writer's thread does; lives on that thread.
private struct WriterLoop {
    /// How long relaxed jobs wait for a commit that they can ride along with.
    static let patienceMilliseconds: Int64 = 200

    /// Nil after a fault, until it could be opened again.
    var connection: Connection?
    let reopen: @Sendable () throws -> Connection

    mutating func run(_ queue: BlockingQueue<WriteJob>) {
        var waiting: [WriteJob] = []
        var deadline: Int64?
        var wakes = WakePolicy()
        while true {
            let taken = queue.takeAll(deadline: deadline)
            wakes.note(taken.count)
            if taken.isEmpty && deadline == nil { return }
            waiting = waiting.isEmpty ? taken : waiting + taken
            if waiting.allSatisfy(\.isRelaxed), !queue.isClosed {
                let until = deadline ?? monotonicMilliseconds() + WriterLoop.patienceMilliseconds
                deadline = until
                if monotonicMilliseconds() < until { continue }
            }
            deadline = nil
            commit(waiting)
            waiting = []
        }
    }

    /// Runs the jobs in one transaction and completes them.
    private mutating func commit(_ jobs: [WriteJob]) {
        var outcomes: [Result<Void, any Error>] = []
        outcomes.reserveCapacity(jobs.count)
        do {
            let connection = try openConnection()
            if try WriterLoop.runTogether(jobs, on: connection) {
                outcomes = jobs.map { _ in .success(()) }
            } else {
                try connection.run("BEGIN IMMEDIATE")
                for job in jobs { outcomes.append(try WriterLoop.runAlone(job, on: connection)) }
                try connection.run("COMMIT")
            }
        } catch {
            recover(from: error)
            outcomes = jobs.map { _ in .failure(error) }
        }
        for (job, outcome) in zip(jobs, outcomes) { job.completion(outcome) }
    }

    private mutating func openConnection() throws -> Connection {
        if let connection { return connection }
        let made = try reopen()
        connection = made
        return made
    }

    /// Runs the jobs without a savepoint for each, which would cost every write a sixth more. False when one failed: nothing is
    /// written then, and all have to run again. Throws when the transaction as a whole is lost.
    private static func runTogether(_ jobs: [WriteJob], on connection: Connection) throws -> Bool {
        try connection.run("BEGIN IMMEDIATE")
        do {
            for job in jobs { try job.body(connection) }
        } catch {
            guard connection.isInTransaction else { throw error }
            try connection.run("ROLLBACK")
            return false
        }
        try connection.run("COMMIT")
        return true
    }

    /// Runs one job under a savepoint of its own, so that it can fail alone. Throws when the transaction as a whole is lost.
    private static func runAlone(_ job: WriteJob, on connection: Connection) throws -> Result<Void, any Error> {
        try connection.run("SAVEPOINT job")
        do {
            try job.body(connection)
            try connection.run("RELEASE job")
            return .success(())
        } catch {
            guard connection.isInTransaction else { throw error }
            try connection.run("ROLLBACK TO job")
            try connection.run("RELEASE job")
            return .failure(error)
        }
    }

    /// After a failed group: waiting for a lock leaves the connection sound, anything else may not have.
    private mutating func recover(from error: any Error) {
        guard let connection else { return }
        if let error = error as? DatabaseError, error.isBusy, !connection.isInTransaction { return }
        _ = try? connection.run("ROLLBACK")
        self.connection = nil
    }
}
