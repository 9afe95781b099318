/// Limits of turns; the defaults are those of `reliability.md` 4. Times in milliseconds.
struct TurnConfiguration: Sendable {
    /// A turn that takes longer ends with an error.
    var totalLimit: Int64 = 600_000
    /// A turn whose model or agent says nothing for that long ends with an error.
    var idleLimit: Int64 = 120_000
    /// Completions of a model in one turn.
    var maximumSteps = 16
    /// Function calls in one turn.
    var maximumToolCalls = 32
    /// Tokens a model may read and write in one turn, all steps together.
    var maximumTokens: Int64 = 1_000_000
    /// Steps, one after the other, in which a model may get all its calls wrong.
    var maximumFaultySteps = 3
    /// Bytes a model may write in one turn.
    var maximumOutputBytes = 4 << 20
    /// Bytes of arguments in one turn.
    var maximumArgumentBytes = 256 << 10
    /// Bytes of one emission of an agent.
    var maximumEmissionBytes = 1 << 20
    /// Bytes an agent may be ahead of the slowest reader.
    var maximumBytesAhead = 4 << 20
    /// Of a turn that clients may come back to: bytes that are kept of what they have taken while it runs, and after its end.
    var resumeWindow = 4 << 20
    var keptBytes = 1 << 20
    /// How long it is kept after its end.
    var keptTime: Int64 = 300_000
    /// Bytes that are kept of all ended turns together; the oldest go first.
    var keptBytesOfAll = 64 << 20
    /// A client that may come back and does not take for that long, at most twice that long, what there is loses its stream, so that
    /// the turn goes on.
    var readerPatience: Int64 = 15_000
    /// User and assistant messages that a model is told.
    var maximumHistory = 20
    /// Tokens that instructions, tools and messages may take together, by model.
    var historyBudget = HistoryBudget()
    /// Milliseconds after which consent that was asked for does not count any more.
    var approvalLifetime: Int64 = 30 * 86_400_000
    /// Items that a coded agent is told, and their bytes.
    var maximumContextItems = 50
    var maximumContextBytes = 1 << 20
    /// What becomes of a message that comes while its thread is being answered.
    var policy = TurnPolicy.queue
    /// Messages that may wait for the turn before them, per thread.
    var maximumQueue = 8
    /// How long a turn waits for another host's turn on the same thread.
    var leaseWait: Int64 = 30_000
    /// Partial text is kept for a restart at most this often.
    var checkpointInterval: Int64 = 1_000
    /// Model for agents that want "default", by agent and by what the person has chosen; nil uses their offline model.
    var defaultModel: @Sendable (_ agent: String, _ requested: String?) -> ModelChoice? = { _, _ in nil }
}
