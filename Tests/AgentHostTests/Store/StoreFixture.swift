import Foundation
import Testing

@testable import AgentHost

/// A folder for one test, removed with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("agenthost-" + UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    /// An empty file, as a database needs it to begin with.
    func makeFile(_ name: String) { _ = FileManager.default.createFile(atPath: file(name), contents: nil) }
}

/// A store in a folder of its own.
struct StoreFixture {
    let folder: TemporaryFolder
    let store: SQLiteStore
    var path: String { folder.file("test.db") }

    init() throws {
        folder = try TemporaryFolder()
        store = try SQLiteStore(path: folder.file("test.db"))
    }

    /// Makes a thread of the owner and answers its id.
    func makeThread(_ id: String = randomID("thr"), owner: OwnerKey = .ada) async throws -> String {
        try await store.write([.insertThread(.sample(id, owner: owner))])
        return id
    }
}

extension OwnerKey {
    static let ada = OwnerKey("h:ada")
    static let eve = OwnerKey("h:eve")
}

extension StoredThread {
    static func sample(_ id: String, owner: OwnerKey = .ada, json: String = "{}") -> StoredThread {
        StoredThread(
            id: id, owner: owner, agent: "echo", createdAt: Timestamp(microseconds: 7), json: Array(json.utf8))
    }
}

extension StoredItem {
    static func sample(_ id: String, in thread: String, hidden: Bool = false, json: String = "{}") -> StoredItem {
        StoredItem(
            id: id, threadID: thread, type: "user_message", isHidden: hidden, createdAt: Timestamp(microseconds: 9),
            json: Array(json.utf8))
    }
}

extension OpenTurn {
    static func sample(
        _ id: String, in thread: String, owner: OwnerKey = .ada, checkpoint: String? = nil
    ) -> OpenTurn {
        OpenTurn(id: id, threadID: thread, owner: owner, checkpoint: checkpoint.map { Array($0.utf8) })
    }
}

extension PageRequest {
    static func first(_ limit: Int, _ order: Order = .ascending, after: String? = nil) -> PageRequest {
        PageRequest(limit: limit, order: order, after: after)
    }
    static let all = PageRequest.first(100_000)
}
