/// Who sends a request (`seed-contracts.md` 0.2).
struct Caller: Sendable, Hashable {
    /// Whose threads the request sees and makes.
    var owner: OwnerKey

    /// A user who says so in a header, without any proof. `anonymous` is everybody who says nothing.
    static func selfDeclared(_ user: String) -> Caller { Caller(owner: OwnerKey("h:" + user)) }
    static let anonymous = selfDeclared("anonymous")
}

/// Why a caller cannot be told.
struct CallerError: Error, Hashable {
    enum Code: String, Sendable, CaseIterable {
        /// A credential that is unknown, malformed or of a kind this server does not accept.
        case unauthorized
        /// A valid credential that does not permit this.
        case forbidden
        /// The user header breaks its rules.
        case invalidUser = "invalid_user"
    }
    var code: Code
    /// A sentence for people that says what to mend; never holds the credential.
    var sentence: String

    static let unknownCredential = CallerError(
        code: .unauthorized,
        sentence: "The Authorization header holds no credential this server knows; send a valid one, or none.")
    static let adminOnly = CallerError(
        code: .unauthorized,
        sentence: "This is for the operator alone: send the admin token (CHATKIT_ADMIN_TOKEN) as Authorization: Bearer."
    )
    static let notTheAdmin = CallerError(
        code: .forbidden, sentence: "This credential is not the admin's; send the admin token (CHATKIT_ADMIN_TOKEN).")
    static let invalidUser = CallerError(
        code: .invalidUser,
        sentence: "The user header must be 1 to 128 visible ASCII characters without spaces; send X-User-ID once.")
}

/// Tells the caller behind a credential: client secrets of sessions, signed tokens, the admin's key.
///
/// The first verifier that recognises a credential decides. May be called from any thread, several times at once.
protocol CredentialVerifier: Sendable {
    /// - Parameter authorization: the value of the `Authorization` header, as sent.
    /// - Returns: nil when the credential is of another kind.
    /// - Throws: `unauthorized` when it is of this kind and not valid.
    func caller(authorization: String) async throws(CallerError) -> Caller?
}
