/// Why the host cannot start, serve or begin a conversation.
public struct HostError: Error, Hashable, CustomStringConvertible {
    /// Stable, for machines.
    public let code: String
    /// One sentence that says what to do.
    public let description: String

    init(_ description: String, code: String) {
        self.description = description
        self.code = code
    }
}
