import Foundation
import Testing

@testable import AgentHost

struct ErrorCodeTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "../../..")

    /// The rows of the table under a heading of `docs/errors.md`, each as its cells.
    private func rows(_ heading: String) throws -> [[String]] {
        let text = try String(contentsOf: Self.root.appendingPathComponent("docs/errors.md"), encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix(heading + "\n") })
        return section.components(separatedBy: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.components(separatedBy: " | ").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " |`")) }
        }
    }

    /// Code and status of each row; every cell says something.
    private func documented(_ heading: String, columns: Int) throws -> [String: Int] {
        var table: [String: Int] = [:]
        for row in try rows(heading) {
            try #require(row.count == columns, "\(row)")
            #expect(row.dropFirst(2).allSatisfy { $0.count > 10 }, "\(row)")
            #expect(table[row[0]] == nil, "\(row)")
            table[row[0]] = Int(row[1])
        }
        return table
    }

    @Test func theDocumentListsEveryCodeWithItsStatus() throws {
        let codes = Dictionary(uniqueKeysWithValues: ErrorCode.allCases.map { ($0.rawValue, $0.status) })
        #expect(try documented("Codes of the endpoints", columns: 4) == codes)
    }

    @Test func theDocumentListsEveryCodeOfAStream() throws {
        #expect(try rows("Errors inside a stream").map { $0[0] } == TurnErrorCode.allCases.map(\.rawValue))
    }

    /// `HTTPError` has no list of its values: they are where the sources make them.
    @Test func theDocumentListsEveryCodeOfHTTP() throws {
        var codes: [String: Int] = [:]
        for room in ["HTTP", "Server"] {
            let folder = Self.root.appendingPathComponent("Sources/AgentHost/\(room)")
            for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
                for made in try String(contentsOf: file, encoding: .utf8).matches(
                    of: /HTTPError\(\s*(\d+), "([a-z_]+)"/)
                {
                    codes[String(made.2)] = Int(made.1)
                }
            }
        }
        #expect(codes.count > 20)
        // Nobody is there to be told, or the mistake is the server's and its answer is `internal_error`.
        let inside = codes.filter { $0.value == 0 || $0.value == 500 }.keys
        for code in inside { codes[code] = nil }
        for code in ErrorCode.allCases { codes[code.rawValue] = nil }
        #expect(try documented("Codes of HTTP itself", columns: 3) == codes)
    }

    /// Refusals are made of `ErrorCode`, or pass the errors of the parser on: no code is written as text elsewhere.
    @Test func codesAreWrittenInOnePlace() throws {
        let folder = Self.root.appendingPathComponent("Sources/AgentHost/Endpoints")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var seen = 0
        for case let file as URL in files where file.pathExtension == "swift" {
            seen += 1
            if file.lastPathComponent == "ErrorCode.swift" { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            for code in ErrorCode.allCases where code != .unauthorized {
                #expect(!text.contains("\"\(code.rawValue)\""), "\(file.lastPathComponent)")
            }
        }
        #expect(seen > 5)
    }

    @Test func aBodyThatIsTooLargeHasTheSameCodeInBothRooms() {
        #expect(HTTPError.bodyTooLarge(1).code == ErrorCode.bodyTooLarge.rawValue)
        #expect(HTTPError.bodyTooLarge(1).status == ErrorCode.bodyTooLarge.status)
    }

    @Test func refusalsOfTheStore() {
        #expect(Refusal(StoreError.threadNotFound, log: .silent).code == "not_found")
        #expect(Refusal(StoreError.cursorNotFound, log: .silent).code == "cursor_not_found")
        let failure = Refusal(StoreError.failed("disk /secret/path is full"), log: .silent)
        #expect(failure.code == "storage_error")
        #expect(!failure.sentence.contains("secret"))
    }

    @Test(arguments: [
        (TurnError.threadNotFound, "not_found", 404), (.itemNotFound, "item_not_found", 404),
        (.notAUserMessage, "not_a_user_message", 400), (.unknownAgent("x"), "unknown_agent", 404),
        (.agentUnavailable("x"), "agent_unavailable", 503), (.busy, "thread_busy", 409),
        (.shuttingDown, "shutting_down", 503), (.storage, "storage_error", 503),
    ])
    func refusalsOfTheEngine(_ error: TurnError, _ code: String, _ status: Int) {
        let refusal = Refusal(error)
        #expect(refusal.code == code)
        #expect(refusal.status == status)
    }
}
