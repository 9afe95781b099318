/// What a tool is: the manifest's words, known without running anything.
struct ToolDescriptor: Sendable, Hashable {
    /// Id of the plugin that provides it.
    var plugin: String
    /// Name in the plugin's manifest.
    var name: String
    /// Name that models and clients see: unique in this host.
    var exposedName: String
    /// For people.
    var title: String
    /// For models.
    var description: String
    var inputSchema: JSON
    var outputSchema: JSON?
    /// Milliseconds.
    var timeout: Int64 = 30_000
    var isReadOnly = false
    var isIdempotent = false
    var isDestructive = false
    var needsApproval = false
    /// Whether the page of the client executes it: it is never called here.
    var runsInClient = false
}

/// One call: the same whether it comes from a turn, from MCP or from the chat API (abi.md A2).
struct ToolCallRequest: Sendable {
    var tool: ToolDescriptor
    /// Checked against the tool's input schema.
    var arguments: JSON
    var caller: ToolCaller
    /// Milliseconds of the monotonic clock.
    var deadline: Int64
}

/// For whom and where a tool is called.
struct ToolCaller: Sendable, Hashable {
    var owner: OwnerKey
    /// Empty outside a thread.
    var threadID = ""
    /// Of the request that caused the call, for the log.
    var requestID = ""
    var agentID = ""
    var locale = ""
    /// Whether the person has agreed to this very call.
    var isApproved = false
    /// Agents that ask each other as tools: how many are above this one.
    var depth = 0
    /// Of the turn the call is made for.
    var meter: WorkMeter?
}

/// How a call ended.
enum ToolOutcome: Sendable, Hashable {
    case success(JSON)
    /// The tool says what went wrong, in words for the model.
    case failure(String)
    /// The call did not come about or broke off.
    case broken(ProviderFailure)
}

/// Why a plugin did not deliver: tool, model or agent.
enum ProviderFailure: Error, Sendable, Hashable {
    case crashed
    case deadline
    case cancelled
    case unavailable
    /// It crashed too often and rests.
    case quarantined
    case denied
    /// It does not know how.
    case unsupported
    case limit
    /// It passed one of its own limits, or has as much as it may have.
    case overLimit(LimitReached)
    /// It broke the contract, or failed with its own words.
    case failed(String)
    case explained(ProviderExplanation)
}

/// A limit of a plugin that was reached.
struct LimitReached: Sendable, Hashable {
    /// Its name in the settings.
    var limit: String
    /// For people: which limit, which setting, what to do.
    var sentence: String
}

/// Where tools come from.
protocol ToolProvider: Sendable {
    /// Starts a call. Does not block. `progress` is called any number of times, then `completion` exactly once, both from any
    /// thread, possibly before this returns.
    func call(
        _ request: ToolCallRequest,
        progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable
}

/// A tool that is loaded, with who runs it.
struct LoadedTool: Sendable {
    var descriptor: ToolDescriptor
    var provider: any ToolProvider
}

/// Where loaded tools are found.
protocol ToolDirectory: Sendable {
    /// By exposed name; nil when there is none at the moment.
    func tool(_ exposedName: String) -> LoadedTool?
}

/// Work that goes on and can be told to stop. The completion still comes.
protocol Cancellable: Sendable {
    /// May be called from any thread, more than once, and after the end. Does not block.
    func cancel(_ reason: CancelReason)
}

enum CancelReason: Sendable, Hashable { case cancelled, deadline }

/// Nothing to cancel.
struct NotCancellable: Cancellable {
    func cancel(_ reason: CancelReason) {}
}
