import Testing

@testable import AgentHost

struct AdminAuthorizationTests {
    /// Knows one credential that is not the admin's.
    private struct Session: CredentialVerifier {
        func caller(authorization: String) async throws(CallerError) -> Caller? {
            authorization == "Bearer session" ? Caller(owner: OwnerKey("s:1")) : nil
        }
    }
    private let admin = AdminAuthorization(token: "token-0123456789", others: [Session()])

    @Test(arguments: ["Bearer token-0123456789", "bearer token-0123456789", "BEARER  token-0123456789"])
    func theTokenOpens(_ credential: String) async throws {
        try await admin.check(authorization: [credential])
    }

    @Test(arguments: [
        [String](), [""], ["Bearer"], ["Bearer "], ["token-0123456789"], ["Basic token-0123456789"],
        ["Bearer token-012345678"],
        ["Bearer token-01234567890"], ["Bearer token-0123456789token-0123456789"], ["Bearer Token-0123456789"],
        ["Bearer token-0123456789 x"], ["Bearer token-0123456789 "],
        ["Bearer token-0123456789", "Bearer token-0123456789"],
    ])
    func nothingElseDoes(_ authorization: [String]) async {
        await #expect(throws: CallerError.adminOnly) { try await admin.check(authorization: authorization) }
    }

    @Test func aValidCredentialOfSomebodyElseIsForbidden() async {
        let error = await #expect(throws: CallerError.self) { try await admin.check(authorization: ["Bearer session"]) }
        #expect(error?.code == .forbidden)
        #expect(Refusal(CallerError.notTheAdmin).status == 403)
        #expect(Refusal(CallerError.adminOnly).status == 401)
        #expect(Refusal(CallerError.adminOnly).fields["WWW-Authenticate"] == "Bearer")
    }

    @Test(arguments: [nil, ""]) func withoutATokenNobodyIsTheOperator(_ token: String?) async {
        let admin = AdminAuthorization(token: token)
        for credential in ["Bearer ", "Bearer", "Bearer x"] {
            await #expect(throws: CallerError.adminOnly) { try await admin.check(authorization: [credential]) }
        }
    }
}
