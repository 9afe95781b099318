import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// What was acknowledged survives the death of the process and the fullness of the disk.
struct CrashTests {
    /// Rounds of writing until killed. Each begins on what the last one left.
    @Test(.timeLimit(.minutes(2)))
    func acknowledgedWritesSurviveKill() async throws {
        let folder = try TemporaryFolder()
        let (path, log) = (folder.file("test.db"), folder.file("acknowledged"))
        let store = try SQLiteStore(path: path)
        try await store.write([.insertThread(.sample("thr"))])
        await store.close()

        for round in 0..<8 {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, log = log as String, round = round as Int] in
                try await CrashTests.writeUntilKilled(path, log, round)
            }
        }
        let reopened = try SQLiteStore(path: path)
        let acknowledged = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
        let history = try await reopened.history(thread: "thr", owner: .ada, limit: .max)
        let stored = Dictionary(grouping: history, by: \.id)
        #expect(acknowledged.count > 50)
        for id in acknowledged { #expect(stored[id]?.map(\.json) == [Array(id.utf8)]) }
        // In the order of each of the writers.
        for prefix in Set(acknowledged.map { $0.prefix { $0 != "#" } }) {
            let numbers = history.filter { $0.id.hasPrefix(prefix + "#") }.compactMap {
                Int($0.id.drop { $0 != "#" }.dropFirst())
            }
            #expect(numbers == Array(0..<numbers.count))
        }
        let connection = try Connection(path: path, mode: .read)
        #expect(try connection.all("PRAGMA integrity_check") { $0.text(0) } == ["ok"])
    }

    /// Eight writers note every acknowledged item in the file `log` (a plain write outlives the process). The one that notes
    /// the last of a random number kills the process at once, while the others' commits are under way.
    private static func writeUntilKilled(_ path: String, _ log: String, _ round: Int) async throws {
        let store = try SQLiteStore(path: path)
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let last = Int.random(in: 20..<200)
        let noted = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0... {
                        let id = "\(round).\(writer)#\(number)"
                        try await store.write([.insertItem(.sample(id, in: "thr", json: id), owner: .ada)])
                        let line = Array((id + "\n").utf8)
                        _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                        if noted.next() == last { kill(getpid(), SIGKILL) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private final class Counter: Sendable {
        private let count = Atomic(0)
        func next() -> Int { count.add(1, ordering: .relaxed).newValue }
    }

    /// The file may not grow beyond a limit: as a full disk. Afterwards the store works again by itself.
    @Test(.timeLimit(.minutes(1)))
    func fullDiskIsToldAndHealsItself() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("test.db")
        await #expect(processExitsWith: .success) { [path = path as String] in
            try await CrashTests.fillTheDisk(path)
        }
    }

    private static func fillTheDisk(_ path: String) async throws {
        signal(SIGXFSZ, SIG_IGN)
        let store = try SQLiteStore(path: path)
        try await store.write([.insertThread(.sample("thr"))])
        let block = String(repeating: "x", count: 100_000)
        for round in 0..<3 {
            limitFiles(to: 600_000 + UInt(round) * 2_000_000)
            var acknowledged: [String] = []
            var failure: StoreError?
            for number in 0..<1_000 where failure == nil {
                let id = "\(round)#\(number)"
                do throws(StoreError) {
                    try await store.write([.insertItem(.sample(id, in: "thr", json: block), owner: .ada)])
                    acknowledged.append(id)
                } catch {
                    failure = error
                }
            }
            guard case .failed = failure else {
                throw StoreError.failed("a full disk went unnoticed: \(acknowledged.count)")
            }
            // Reading goes on meanwhile.
            var stored = try await store.history(thread: "thr", owner: .ada, limit: .max).map(\.id)
            guard stored.filter({ $0.hasPrefix("\(round)#") }) == acknowledged else { throw StoreError.conflict }
            limitFiles(to: .max)
            try await store.check()
            try await store.write([.insertItem(.sample("after \(round)", in: "thr"), owner: .ada)])
            stored = try await store.history(thread: "thr", owner: .ada, limit: .max).map(\.id)
            guard stored.last == "after \(round)" else { throw StoreError.itemNotFound }
        }
        await store.close()
    }

    private static func limitFiles(to bytes: UInt) {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
        limit.rlim_cur = min(limit.rlim_max, rlim_t(bytes))
        setrlimit(__rlimit_resource_t(1), &limit)
    }
}
