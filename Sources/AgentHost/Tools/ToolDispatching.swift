/// Calls tools by the name that models and clients see: looks the tool up, checks the arguments against its schema, keeps its
/// deadline. Plugins that call tools and turns that run a model's tool calls go through it alike.
protocol ToolDispatching: Sendable {
    /// Starts a call. Does not block. `progress` any number of times, then `completion` exactly once, both from any thread,
    /// possibly before this returns. `deadline` in milliseconds of the monotonic clock; the tool's own timeout may end it sooner.
    func dispatch(
        tool exposedName: String, arguments: JSON, owner: OwnerKey, threadID: String, agentID: String, locale: String,
        deadline: Int64, progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable
}
