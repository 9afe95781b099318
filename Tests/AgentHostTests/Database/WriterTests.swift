import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// The writing thread: group commit, and what it does about faults.
struct WriterTests {
    struct Refused: Error {}
    let folder: TemporaryFolder
    var path: String { folder.file("test.db") }

    init() throws {
        folder = try TemporaryFolder()
        folder.makeFile("test.db")
        try Connection(path: path, mode: .write).execute("CREATE TABLE a (x)")
    }

    private func makeWriter() throws -> Writer {
        let path = path
        return Writer(connection: try Connection(path: path, mode: .write)) { try Connection(path: path, mode: .write) }
    }

    /// Occupies the writer until something is pushed into the answered queue: what is submitted meanwhile is one group.
    private func holdUp(_ writer: Writer) -> BlockingQueue<Int> {
        let (started, gate) = (BlockingQueue<Int>(), BlockingQueue<Int>())
        let job = WriteJob { _ in
            started.push(1)
            _ = gate.takeAll()
        } completion: { _ in
        }
        #expect(writer.submit(job))
        _ = started.takeAll()
        return gate
    }

    private var stored: [Int64] {
        get throws { try Connection(path: path, mode: .read).all("SELECT x FROM a ORDER BY rowid") { $0.integer(0) } }
    }

    private func insert(_ number: Int, isRelaxed: Bool = false, _ completion: @escaping @Sendable (Bool) -> Void)
        -> WriteJob
    {
        WriteJob(isRelaxed: isRelaxed) {
            try $0.run("INSERT INTO a VALUES (?)", .integer(Int64(number)))
        } completion: {
            if case .success = $0 { completion(true) } else { completion(false) }
        }
    }

    @Test func failingJobIsUndoneAlone() throws {
        let writer = try makeWriter()
        let results = Mutex<[Bool]>([])
        // Held up, so that the rest goes into one group.
        let gate = holdUp(writer)
        for index in 0..<9 {
            let job = WriteJob {
                try $0.run("INSERT INTO a VALUES (?)", .integer(Int64(index)))
                if index % 2 == 1 { throw Refused() }
            } completion: { result in
                results.withLock { $0.append((try? result.get()) != nil) }
            }
            #expect(writer.submit(job))
        }
        gate.push(1)
        writer.close()
        #expect(results.withLock { $0 } == [true, false, true, false, true, false, true, false, true])
        #expect(try stored == [0, 2, 4, 6, 8])
    }

    @Test func completionMeansCommitted() throws {
        let writer = try makeWriter()
        let counts = Mutex<[Int]>([])
        let reader = try Connection(path: path, mode: .read)
        for index in 0..<100 {
            let job = insert(index) { _ in
                let count = try? reader.first("SELECT count(*) FROM a") { Int($0.integer(0)) }
                counts.withLock { $0.append(count ?? -1) }
            }
            #expect(writer.submit(job))
        }
        writer.close()
        let seen = counts.withLock { $0 }
        #expect(seen.count == 100 && zip(seen, 1...).allSatisfy { $0 >= $1 })
    }

    @Test func relaxedJobsKeepTheirPlace() throws {
        let writer = try makeWriter()
        for index in 0..<50 { #expect(writer.submit(insert(index, isRelaxed: index % 5 != 0) { _ in })) }
        writer.close()
        #expect(try stored == Array(0..<50))
    }

    @Test func lostTransactionFailsTheGroupAndTheNextWorks() throws {
        let writer = try makeWriter()
        let results = Mutex<[Bool]>([])
        let note: @Sendable (Bool) -> Void = { ok in results.withLock { $0.append(ok) } }
        let gate = holdUp(writer)
        #expect(writer.submit(insert(1, note)))
        // As SQLite does itself after I/O errors: the transaction is gone.
        let fault = WriteJob {
            try $0.run("ROLLBACK")
            throw DatabaseError(code: 10, message: "disk I/O error", action: "test")
        } completion: { _ in
        }
        #expect(writer.submit(fault))
        #expect(writer.submit(insert(2, note)))
        gate.push(1)
        while results.withLock({ $0.count }) < 2 { usleep(1_000) }
        #expect(results.withLock { $0 } == [false, false])
        #expect(writer.submit(insert(3, note)))
        writer.close()
        #expect(results.withLock { $0 } == [false, false, true])
        #expect(try stored == [3])
    }

    @Test func faultMeansANewConnectionAsSoonAsThereIsOne() throws {
        let path = path
        let attempts = Mutex(0)
        let writer = Writer(connection: try Connection(path: path, mode: .write)) {
            let attempt = attempts.withLock { count in
                count += 1
                return count
            }
            if attempt == 1 { throw Refused() }
            return try Connection(path: path, mode: .write)
        }
        func store(_ number: Int, isFault: Bool = false) -> Bool {
            let answer = BlockingQueue<Bool>()
            let job = WriteJob {
                try $0.run("INSERT INTO a VALUES (?)", .integer(Int64(number)))
                if isFault {
                    try $0.run("ROLLBACK")
                    throw Refused()
                }
            } completion: { result in
                answer.push((try? result.get()) != nil)
            }
            return writer.submit(job) && answer.takeAll() == [true]
        }
        #expect(store(1))
        #expect(!store(2, isFault: true))
        #expect(!store(3))
        #expect(store(4))
        #expect(store(5))
        writer.close()
        #expect(attempts.withLock { $0 } == 2)
        #expect(try stored == [1, 4, 5])
    }

    @Test func closedWriterRefuses() throws {
        let writer = try makeWriter()
        writer.close()
        #expect(!writer.submit(insert(1) { _ in Issue.record("must not run") }))
    }
}
