/// A failure that its provider can explain better than anybody above it.
struct ProviderExplanation: Sendable, Hashable {
    /// Stable, for programs: the raw value of a `TurnErrorCode`.
    var code: String
    /// For people; says what to do. Never holds anything that the other side wrote.
    var sentence: String
    /// Whether it may work if it is tried again as it is.
    var allowRetry: Bool
    /// For the log. Never holds a secret.
    var detail: String
}
