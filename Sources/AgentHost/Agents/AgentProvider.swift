/// What an agent is: the manifest's words.
struct AgentDescriptor: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// The host runs the model/tool loop.
        case declarative(DeclarativeAgent)
        /// The plugin (or the host itself) answers turns.
        case coded
    }
    /// Unique in this host.
    var id: String
    var title: String
    /// What it does, in words for other agents.
    var summary = ""
    /// Id of the plugin it comes from; "host" for built-in ones.
    var plugin: String
    var kind: Kind
    /// What it answers beyond messages and the answers to what it asked: of `action`, `sync_action`, `feedback` and
    /// `transcription`.
    var accepts: Set<AgentTurnRequest.Kind> = []
}

struct DeclarativeAgent: Sendable, Hashable {
    var instructions: String
    /// A model id, or "default".
    var model: String = "default"
    /// Model of the same plugin that is used when "default" means nothing else.
    var offlineModel: String?
    /// Grants: bare tool names of the same plugin, or `plugin-id/tool` with `*` wildcards (abi.md A7).
    var tools: [String]
    /// Ids of agents it may ask as if they were tools: granted as `agent/<id>` in `tools`.
    var agents: [String] = []
    /// Ids of agents it may hand the conversation over to.
    var handoffs: [String] = []
    /// Where its plugin has a say.
    var hooks: Set<HookPoint> = []
    var maxSteps: Int = 16
}

/// What there is to answer.
struct AgentTurnRequest: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case userMessage = "user_message"
        case clientToolOutput = "client_tool_output"
        case structuredInput = "structured_input"
        case action, retry, feedback, transcription
        case syncAction = "sync_action"
    }
    var agentID: String
    var threadID: String
    var owner: OwnerKey
    var kind: Kind
    /// The items that caused the turn; what it is for the other kinds says `docs/plugin-abi.md`.
    var input: [JSONText]
    /// `items`, `locale`, `model`, `tool_choice`, `metadata`, `trace_id`.
    var context: JSONText
    /// What of `context` the host itself needs.
    var requestID = ""
    var locale = ""
    /// Counts what the turn uses.
    var meter: WorkMeter?
    /// Milliseconds of the monotonic clock.
    var deadline: Int64
}

/// What a coded agent says. Called from any thread; calls of one turn come one after the other. Calls after `finish` are ignored.
protocol AgentOutput: Sendable {
    /// Appends to the assistant message `item`.
    func text(item: UInt32, _ deltas: ChatKit.TextDeltas)
    /// `kind` and `json` as in abi.md 4.5. `json` is checked here: malformed content fails the turn.
    func emit(item: UInt32, kind: String, json: [UInt8])
    func itemDone(_ item: UInt32)
    func finish(_ result: Result<Void, ProviderFailure>)
}

extension AgentOutput {
    /// Appends one delta.
    func text(item: UInt32, _ delta: String) { text(item: item, ChatKit.TextDeltas(delta)) }
}

/// Tells a coded agent how far its reader is: lets the provider grant credit.
protocol AgentTurn: Cancellable {
    /// The reader has taken `bytes` more bytes of what this turn emitted.
    func consumed(_ bytes: Int)
}

/// Where coded agents come from.
protocol AgentProvider: Sendable {
    /// Starts a turn. Does not block. `output.finish` is called exactly once, at the latest when the provider dies or is told to revoke.
    func begin(_ request: AgentTurnRequest, output: any AgentOutput) -> any AgentTurn

    /// Turns speech into text, outside of any thread (kind `transcription`). Does not block. `completion` is called exactly once, with
    /// `{"text": …}` or a failure.
    func transcribe(
        _ request: AgentTurnRequest, completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void
    ) -> any Cancellable
}

extension AgentProvider {
    /// It cannot.
    func transcribe(
        _ request: AgentTurnRequest, completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void
    ) -> any Cancellable {
        completion(.failure(.unsupported))
        return NotCancellable()
    }
}
