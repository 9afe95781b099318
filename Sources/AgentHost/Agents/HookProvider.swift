/// Points of a declarative agent's turn where its plugin has a say (`ap.agent-hooks/1`, `docs/hooks.md`).
enum HookPoint: String, Sendable, Hashable, CaseIterable {
    case instructions
    case beforeModel = "before_model"
    case afterModel = "after_model"
    case beforeTool = "before_tool"
    case afterTool = "after_tool"
}

/// A turn that has come to such a point.
struct HookRequest: Sendable {
    var point: HookPoint
    var agentID: String
    var threadID: String
    var owner: OwnerKey
    /// For the log.
    var requestID: String
    var locale: String
    /// What there is at this point: an object.
    var json: JSON
    /// Milliseconds of the monotonic clock.
    var deadline: Int64
}

/// Where hooks come from.
protocol HookProvider: Sendable {
    /// Asks the plugin. Does not block. `completion` is called exactly once, from any thread, with an object that says what changes, or
    /// null for nothing.
    func hook(
        _ request: HookRequest, completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void
    ) -> any Cancellable
}
