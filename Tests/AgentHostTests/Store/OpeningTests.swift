import Foundation
import Testing

@testable import AgentHost

/// Opening a database: what is refused, with one sentence that names the file, and what is not.
struct OpeningTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func refusal(_ path: String) -> StoreOpenError? {
        do throws(StoreOpenError) {
            _ = try SQLiteStore(path: path)
            return nil
        } catch {
            return error
        }
    }

    @Test func newDatabaseIsForItsOwnerOnly() async throws {
        let path = folder.file("new.db")
        let store = try SQLiteStore(path: path)
        try await store.check()
        for file in [path, path + "-wal", path + "-hosts"] {
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(file)")
        }
    }

    @Test func wrongPlaces() throws {
        let missing = refusal(folder.file("no/such/folder.db"))
        #expect(missing?.code == .unwritable)
        #expect(missing?.sentence.contains("no/such/folder.db': its folder does not exist") == true)
        #expect(refusal(folder.path)?.sentence.contains("it is a folder") == true)
        #expect(refusal("/dev/null")?.code == .unwritable)
        #expect(refusal("")?.code == .unwritable)
        #expect(refusal(folder.file(String(repeating: "x", count: 300)))?.sentence.contains("too long") == true)
        // Nothing was left behind.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test(.enabled(if: getuid() != 0, "root may write everywhere"))
    func readOnlyFolder() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder.path)
        #expect(refusal(folder.file("new.db"))?.sentence.contains("may not read and write") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path)
    }

    @Test func specialNamesAreFiles() throws {
        let name = folder.file("file:x?mode=memory")
        _ = try SQLiteStore(path: name)
        #expect(FileManager.default.fileExists(atPath: name))
    }

    @Test func otherFilesAreLeftAlone() throws {
        let text = folder.file("text")
        try String(repeating: "no database ", count: 100).write(toFile: text, atomically: false, encoding: .utf8)
        let before = try Data(contentsOf: URL(fileURLWithPath: text))
        #expect(refusal(text)?.code == .damaged)
        #expect(refusal(text)?.sentence.contains("'\(text)'") == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: text)) == before)
    }

    @Test func otherProgramsDatabasesAreRefused() throws {
        let path = folder.file("other.db")
        folder.makeFile("other.db")
        try Connection(path: path, mode: .write).execute("CREATE TABLE other (a)")
        #expect(refusal(path)?.code == .notADatabase)
    }

    @Test func newerDatabaseIsRefused() async throws {
        let path = folder.file("newer.db")
        await (try SQLiteStore(path: path)).close()
        try Connection(path: path, mode: .write).setSchemaVersion(99)
        #expect(refusal(path)?.code == .newer)
        #expect(refusal(path)?.sentence.contains("made by a newer AgentHost (schema 99") == true)
    }

    @Test func damageIsFoundAtStart() async throws {
        let path = folder.file("damaged.db")
        let store = try SQLiteStore(path: path)
        try await store.write([.insertThread(.sample("thr"))])
        for index in 0..<200 {
            try await store.write([
                .insertItem(.sample("\(index)", in: "thr", json: String(repeating: "x", count: 500)), owner: .ada)
            ])
        }
        await store.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // Page 3 on: tables and indexes.
        for offset in stride(from: 8_192, to: bytes.count, by: 4_096) {
            bytes.replaceSubrange(offset..<offset + 16, with: Data(count: 16))
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(refusal(path)?.code == .damaged)
        #expect(refusal(path)?.sentence.contains("restore a backup") == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    @Test func severalHostsCanStartAtOnce() async throws {
        let path = folder.file("shared.db")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<6 {
                group.addTask {
                    let store = try SQLiteStore(path: path)
                    try await store.write([.insertThread(.sample("thr_\(index)"))])
                }
            }
            try await group.waitForAll()
        }
        let store = try SQLiteStore(path: path)
        #expect(try await store.threads(owner: .ada, page: .all).elements.count == 6)
    }
}
