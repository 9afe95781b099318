internal import CPlatform
private import Synchronization

/// The store in one SQLite file, which several hosts on one machine may share.
///
/// One thread writes with group commit, a few read. A write is acknowledged when it is on the disk.
final class SQLiteStore: Store {
    private let writer: Writer
    private let readers: ReaderPool
    let holder: LeaseHolder
    private let isClosing = Atomic(false)

    /// Files up to this size are checked as a whole at start: a fraction of a second.
    private static let checkedBytes: Int64 = 64 << 20

    /// Opens the database, or makes a new one (mode 0600), and brings its schema up to date.
    ///
    /// Blocks: to be called at start.
    init(path: String, readerThreads: Int = 2) throws(StoreOpenError) {
        let connection = try SQLiteStore.open(path)
        holder = try LeaseHolder(path: path)
        writer = Writer(connection: connection) { try Connection(path: path, mode: .write) }
        readers = ReaderPool(threads: readerThreads) { try Connection(path: path, mode: .read) }
    }

    private static func open(_ path: String) throws(StoreOpenError) -> Connection {
        var size: Int64 = 0
        let error = unsafe cplatform_file_prepare(path, &size)
        guard error == 0 else { throw .place(path, errno: error) }
        do {
            let connection = try Connection(path: path, mode: .write)
            if size > 0 && size <= checkedBytes {
                let finding = try connection.first("PRAGMA quick_check(1)") { $0.text(0) } ?? "ok"
                if finding != "ok" { throw StoreOpenError.damage(path, finding) }
            }
            try storeSchema.apply(to: connection)
            return connection
        } catch {
            throw .refusal(path, error)
        }
    }

    // MARK: Writing

    func submit(_ batch: [StoreOperation], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        let holder = holder
        let job = WriteJob(isRelaxed: !batch.isEmpty && batch.allSatisfy(\.isRelaxed)) { connection in
            for operation in batch { try operation.apply(to: connection, as: holder) }
        } completion: { result in
            completion(result.mapError(StoreError.init))
        }
        guard !writer.submit(job) else { return }
        // Never on the caller's stack: it may hold locks.
        Task.detached { completion(.failure(.closed)) }
    }

    /// Runs `body` on the writer's thread, alone in its transaction or together with others; answers when it is durable.
    func change<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws(StoreError) -> T {
        let result: Result<T, StoreError> = await withCheckedContinuation { continuation in
            let answer = Mutex<T?>(nil)
            let job = WriteJob { connection in
                let value = try body(connection)
                answer.withLock { $0 = value }
            } completion: { result in
                continuation.resume(
                    returning: result.mapError(StoreError.init).flatMap {
                        answer.withLock { $0 }.map { .success($0) } ?? .failure(.failed("The write did not run."))
                    })
            }
            if !writer.submit(job) { continuation.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    // MARK: Reading

    /// Runs `body` on a reader's thread.
    func read<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws(StoreError) -> T {
        do { return try await readers.read(body) } catch { throw StoreError(error) }
    }

    // MARK: The host's own

    func secret(_ name: String) async throws(StoreError) -> [UInt8] {
        try await change { connection in
            try connection.run(
                "INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING", .text(name), .blob(randomBytes(32)))
            return try connection.first("SELECT value FROM secrets WHERE name = ?", .text(name)) { $0.blob(0) } ?? []
        }
    }

    func check() async throws(StoreError) {
        // A page is really written: an empty transaction would not touch the disk.
        _ = try await change { connection in
            try connection.run("UPDATE counters SET value = value + 1 WHERE name = 'check'")
        }
    }

    func close() async {
        guard !isClosing.exchange(true, ordering: .acquiringAndReleasing) else { return }
        // Waiting for threads blocks: on a thread of its own.
        var closer: NativeThread?
        await withCheckedContinuation { continuation in
            closer = NativeThread(name: "store-close") { [writer, readers, holder] in
                writer.close()
                readers.close()
                holder.giveBack()
                continuation.resume()
            }
        }
        closer?.join()
    }
}

extension StoreError {
    /// What a job met, in the store's words.
    fileprivate init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError: self = .failed(error.sentence)
        case is ReaderPool.Closed: self = .closed
        default: self = .failed("The store failed: \(error)")
        }
    }
}
