import Foundation
import Testing

@testable import AgentHost

struct ErrorCodeTests {
    /// The page before and after the heading of its last section.
    private func page() throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        let text = try String(contentsOf: root.appendingPathComponent("docs/errors.md"), encoding: .utf8)
        return text.components(separatedBy: "## Errors inside a stream")
    }

    /// Code and status of each row of the first table of `docs/errors.md`.
    private func documented() throws -> [String: Int] {
        var table: [String: Int] = [:]
        for line in try page()[0].components(separatedBy: "\n") where line.hasPrefix("| `") {
            let cells = line.components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 6, "\(line)")
            #expect(cells[3].count > 10 && cells[4].count > 10, "\(line)")
            #expect(table[cells[1]] == nil, "\(line)")
            table[cells[1].trimmingCharacters(in: ["`"])] = Int(cells[2])
        }
        return table
    }

    @Test func theDocumentListsEveryCodeWithItsStatus() throws {
        let codes = Dictionary(uniqueKeysWithValues: ErrorCode.allCases.map { ($0.rawValue, $0.status) })
        #expect(try documented() == codes)
    }

    @Test func theDocumentListsEveryCodeOfAStream() throws {
        let rows = try page()[1].components(separatedBy: "\n").filter { $0.hasPrefix("| `") }
        let codes = rows.map { $0.components(separatedBy: "`")[1] }
        #expect(codes == TurnErrorCode.allCases.map(\.rawValue))
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
