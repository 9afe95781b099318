/// Finds out who sends a request: a credential decides before the user header, the user header before nothing at all
/// (`seed-contracts.md` 0.2). A credential that nobody recognises is refused: it never becomes an anonymous request.
struct CallerIdentification: Sendable {
    /// Asked in order.
    var verifiers: [any CredentialVerifier] = []

    /// The longest user name, in bytes.
    static let maximumUserLength = 128

    /// - Parameters:
    ///   - authorization: the values of all `Authorization` headers.
    ///   - users: the values of all `X-User-ID` and `X-UserID` headers together; more than one is refused, for a proxy and a client
    ///     that both set it must not be told apart by luck.
    func caller(authorization: [String], users: [String]) async throws(CallerError) -> Caller {
        if authorization.count > 1 { throw .unknownCredential }
        if let credential = authorization.first {
            for verifier in verifiers {
                if let caller = try await verifier.caller(authorization: credential) { return caller }
            }
            throw .unknownCredential
        }
        if users.count > 1 { throw .invalidUser }
        guard let user = users.first else { return .anonymous }
        guard CallerIdentification.isValid(user: user) else { throw .invalidUser }
        return .selfDeclared(user)
    }

    /// 1 to 128 visible ASCII characters.
    private static func isValid(user: String) -> Bool {
        (1...maximumUserLength).contains(user.utf8.count) && user.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
