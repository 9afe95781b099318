import Foundation
import Testing

@testable import AgentHost

struct MigrationTests {
    let folder: TemporaryFolder
    let connection: Connection

    init() throws {
        folder = try TemporaryFolder()
        folder.makeFile("test.db")
        connection = try Connection(path: folder.file("test.db"), mode: .write)
    }

    private var columns: [String] {
        get throws { try connection.all("SELECT name FROM pragma_table_info('a')") { $0.text(0) } }
    }

    @Test func onlyWhatIsMissingIsApplied() throws {
        try Migrations(steps: ["CREATE TABLE a (x)"]).apply(to: connection)
        #expect(try connection.schemaVersion() == 1)
        try connection.run("INSERT INTO a VALUES (7)")

        let today = Migrations(steps: [
            "CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1", "ALTER TABLE a ADD COLUMN z",
        ])
        for _ in 0..<2 { try today.apply(to: connection) }
        #expect(try connection.schemaVersion() == 3)
        #expect(try columns == ["x", "y", "z"])
        #expect(try connection.first("SELECT y FROM a") { $0.integer(0) } == 8)
    }

    @Test func failingStepLeavesTheLastOne() throws {
        let broken = Migrations(steps: ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y; CREATE TABLE a (x)"])
        #expect(throws: DatabaseError.self) { try broken.apply(to: connection) }
        #expect(try connection.schemaVersion() == 1)
        #expect(try columns == ["x"])
        #expect(!connection.isInTransaction)
    }

    @Test func newerIsRefused() throws {
        try Migrations(steps: ["CREATE TABLE a (x)", "CREATE TABLE b (x)"]).apply(to: connection)
        #expect(throws: Migrations.Refusal.newer(found: 2, known: 1)) {
            try Migrations(steps: ["CREATE TABLE a (x)"]).apply(to: connection)
        }
        #expect(try connection.schemaVersion() == 2)
    }
}
