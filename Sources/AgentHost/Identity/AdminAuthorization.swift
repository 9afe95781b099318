/// Who may do what is the operator's alone: whoever shows the admin token as `Authorization: Bearer <token>` (`seed-contracts.md` 0.2).
///
/// Without a token nobody may. May be called from any thread, several times at once.
struct AdminAuthorization: Sendable {
    /// `CHATKIT_ADMIN_TOKEN`; nil when there is none.
    private let token: [UInt8]?
    /// They know credentials that are valid and not the admin's.
    private let others: [any CredentialVerifier]

    /// - Parameters:
    ///   - token: nil or empty: there is no operator.
    ///   - others: asked when a credential is not the token, so that a valid one is told apart from an unknown one.
    init(token: String?, others: [any CredentialVerifier] = []) {
        self.token = token.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        self.others = others
    }

    /// Returns when the request comes from the operator.
    ///
    /// - Parameter authorization: the values of all `Authorization` headers.
    /// - Throws: `unauthorized` (401) without a credential or with one that nobody knows, `forbidden` (403) with one that is valid and
    ///   somebody else's.
    func check(authorization: [String]) async throws(CallerError) {
        guard authorization.count == 1, let credential = authorization.first else { throw .adminOnly }
        if let token, let shown = AdminAuthorization.bearer(credential), AdminAuthorization.areEqual(shown, token) {
            return
        }
        for verifier in others {
            if try await verifier.caller(authorization: credential) != nil { throw .notTheAdmin }
        }
        throw .adminOnly
    }

    /// The scheme's name may have any letter case (RFC 9110, 11.1).
    private static func bearer(_ credential: String) -> [UInt8]? {
        let parts = credential.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return Array(parts[1].utf8.drop { $0 == UInt8(ascii: " ") })
    }

    /// Takes as long for a good guess as for a bad one: the time depends on the length of what was shown alone.
    @inline(never)
    private static func areEqual(_ shown: [UInt8], _ token: [UInt8]) -> Bool {
        var difference = shown.count ^ token.count
        for index in shown.indices { difference |= Int(shown[index] ^ token[index % token.count]) }
        return difference == 0
    }
}
