import Foundation
import Testing

@testable import AgentHost

struct SecretTests {
    private func adminToken(_ environment: [String: String]) throws -> String? {
        try Configuration(SettingSources(environment: environment, dotEnv: [:], flags: [:])).adminToken
    }

    /// A file with these bytes, removed afterwards.
    private func withFile<Value>(_ bytes: [UInt8], _ body: (String) throws -> Value) throws -> Value {
        let path = NSTemporaryDirectory() + "secret-\(UUID().uuidString)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test func givenAsAValue() throws {
        #expect(try adminToken([:]) == nil)
        #expect(try adminToken(["CHATKIT_ADMIN_TOKEN": ""]) == nil)
        #expect(try adminToken(["CHATKIT_ADMIN_TOKEN": "a"]) == "a")
        let longest = String(repeating: "x", count: SettingSources.secretLimit)
        #expect(try adminToken(["CHATKIT_ADMIN_TOKEN": longest]) == longest)
    }

    @Test(arguments: ["s3cret", "s3cret\n", "s3cret\r\n"]) func givenAsAFile(_ text: String) throws {
        let token = try withFile(Array(text.utf8)) { try adminToken(["CHATKIT_ADMIN_TOKEN_FILE": $0]) }
        #expect(token == "s3cret")
    }

    @Test(arguments: [
        "two words", "tab\there", "ümlaut", "line\nbreak",
        String(repeating: "x", count: SettingSources.secretLimit + 1),
    ])
    func aValueThatNoHeaderCarriesIsRefused(_ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try adminToken(["CHATKIT_ADMIN_TOKEN": text]) }
        #expect(error?.description.hasPrefix("CHATKIT_ADMIN_TOKEN must be") == true)
        #expect(error?.description.contains(text) == false)
    }

    @Test(arguments: ["", "\n", "\n\n", "two\nlines\n", "a b"]) func aFileWithoutASecretIsRefused(_ text: String) throws
    {
        try withFile(Array(text.utf8)) { path in
            let error = #expect(throws: ConfigurationError.self) { try adminToken(["CHATKIT_ADMIN_TOKEN_FILE": path]) }
            #expect(error?.description.hasPrefix("CHATKIT_ADMIN_TOKEN_FILE must hold") == true)
        }
    }

    @Test func aFileThatIsMissingTooLargeOrAFolderIsRefused() throws {
        let large = [UInt8](repeating: 0x61, count: 1 << 20)
        try withFile(large) { large in
            for path in ["/nonexistent/token", "/tmp", large] {
                let error = #expect(throws: ConfigurationError.self) {
                    try adminToken(["CHATKIT_ADMIN_TOKEN_FILE": path])
                }
                #expect(error?.description.contains(path) == true)
            }
        }
    }

    @Test func bothAreRefused() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try adminToken(["CHATKIT_ADMIN_TOKEN": "s3cret", "CHATKIT_ADMIN_TOKEN_FILE": "/tmp/x"])
        }
        #expect(
            error?.description == "CHATKIT_ADMIN_TOKEN and CHATKIT_ADMIN_TOKEN_FILE are both set; set one of them.")
    }
}
