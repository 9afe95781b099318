import Foundation
import Testing

@testable import AgentHost

struct ConnectionTests {
    let folder: TemporaryFolder
    let connection: Connection

    init() throws {
        folder = try TemporaryFolder()
        folder.makeFile("test.db")
        connection = try Connection(path: folder.file("test.db"), mode: .write)
    }

    @Test func valuesComeBackUnchanged() throws {
        try connection.execute("CREATE TABLE a (i, t, e, b, z, u, n)")
        try connection.run(
            "INSERT INTO a VALUES (?, ?, ?, ?, ?, ?, ?)", .integer(.min), .text("a\u{0}é😀"), .text(""),
            .blob([0, 255]),
            .blob([]), .utf8("é"), .null)
        let types = try connection.first(
            "SELECT typeof(i), typeof(t), typeof(e), typeof(b), typeof(z), typeof(u), typeof(n) FROM a"
        ) { row in (0..<7).map { row.text($0) } }
        #expect(types == ["integer", "text", "text", "blob", "blob", "blob", "null"])
        try connection.first("SELECT * FROM a") { row in
            #expect(row.integer(0) == .min)
            #expect(row.text(1) == "a\u{0}é😀")
            #expect(row.text(2) == "")
            #expect(row.blob(3) == [0, 255])
            #expect(row.optionalBlob(4) == [])
            #expect(row.utf8(5) == "é")
            #expect(row.optionalBlob(6) == nil)
        }
    }

    @Test func isDurableWriteAheadLog() throws {
        #expect(try connection.first("PRAGMA journal_mode") { $0.text(0) } == "wal")
        #expect(try connection.first("PRAGMA synchronous") { $0.integer(0) } == 2)
    }

    @Test func readersCannotWrite() throws {
        try connection.execute("CREATE TABLE a (x)")
        let reader = try Connection(path: folder.file("test.db"), mode: .read)
        #expect(throws: DatabaseError.self) { try reader.run("INSERT INTO a VALUES (1)") }
    }

    @Test func errorsSayWhatWasDoneWithoutValues() throws {
        try connection.execute("CREATE TABLE a (x UNIQUE)")
        try connection.run("INSERT INTO a VALUES (?)", .text("secret"))
        let error = #expect(throws: DatabaseError.self) {
            try connection.run("INSERT INTO a VALUES (?)", .text("secret"))
        }
        #expect(error?.isUniqueViolation == true)
        #expect(error?.action == "INSERT INTO a VALUES (?)")
        #expect(error?.sentence.contains("secret") == false)
        // The statement can be used again.
        #expect(try connection.run("INSERT INTO a VALUES (?)", .text("other")) == 1)
        let missing = #expect(throws: DatabaseError.self) { try connection.run("SELECT * FROM missing") }
        #expect(missing?.message.contains("no such table") == true)
    }
}
