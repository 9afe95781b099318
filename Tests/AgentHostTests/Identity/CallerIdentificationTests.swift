import Testing

@testable import AgentHost

struct CallerIdentificationTests {
    private func owner(
        authorization: [String] = [], users: [String] = [], _ verifiers: [any CredentialVerifier] = []
    ) async throws -> String {
        try await CallerIdentification(verifiers: verifiers)
            .caller(authorization: authorization, users: users).owner.text
    }

    @Test func nobodyIsAnonymous() async throws {
        #expect(try await owner() == "h:anonymous")
    }

    @Test(arguments: ["alice", "a", "alice@example.com", String(repeating: "x", count: 128), "t:alice", "!~"])
    func userHeader(_ user: String) async throws {
        #expect(try await owner(users: [user]) == "h:" + user)
    }

    @Test(arguments: [
        [""], [String(repeating: "x", count: 129)], ["a b"], ["é"], ["\u{7F}"], ["a\tb"], ["alice", "bob"],
        ["alice", "alice"],
    ])
    func userHeaderRefused(_ users: [String]) async {
        await #expect(throws: CallerError.invalidUser) { try await owner(users: users) }
    }

    @Test(arguments: [["Bearer x"], ["Basic eA=="], [""], ["Bearer a", "Bearer b"]])
    func anUnknownCredentialIsNeverAnonymous(_ authorization: [String]) async {
        await #expect(throws: CallerError.unknownCredential) {
            try await owner(authorization: authorization, users: ["alice"])
        }
    }

    /// Knows one secret; has an opinion on credentials that begin with "Bearer cs_" only.
    private struct Secrets: CredentialVerifier {
        func caller(authorization: String) async throws(CallerError) -> Caller? {
            guard authorization.hasPrefix("Bearer cs_") else { return nil }
            guard authorization == "Bearer cs_good" else { throw .unknownCredential }
            return Caller(owner: OwnerKey("s:1"))
        }
    }
    private struct Anything: CredentialVerifier {
        func caller(authorization: String) async throws(CallerError) -> Caller? { Caller(owner: OwnerKey("t:any")) }
    }

    @Test func theFirstVerifierThatKnowsTheKindDecides() async throws {
        #expect(
            try await owner(authorization: ["Bearer cs_good"], users: ["x", "y"], [Secrets(), Anything()]) == "s:1")
        #expect(try await owner(authorization: ["Bearer other"], [Secrets(), Anything()]) == "t:any")
        await #expect(throws: CallerError.unknownCredential) {
            try await owner(authorization: ["Bearer cs_bad"], [Secrets(), Anything()])
        }
    }
}
