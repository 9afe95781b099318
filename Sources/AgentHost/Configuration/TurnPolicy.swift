/// What becomes of a message that comes while its thread is being answered (design.md 3).
enum TurnPolicy: String, Sendable, CaseIterable {
    /// It is stored and waits for its turn.
    case queue
    /// The running turn, and those that wait, make way: what was shown of them is kept.
    case interrupt
    /// It is refused with `thread_busy`.
    case reject
}
