/// Runs tools by name: what turns and plugins' services call.
protocol ToolDispatching: Sendable {
    /// Looks the tool up, checks the arguments, calls it and waits no longer than allowed.
    ///
    /// Does not block. `progress` is called any number of times, then `completion` exactly once, both from any thread, possibly
    /// before this returns. Whatever goes wrong is an outcome that a model can read (`ToolOutcome.modelText`).
    ///
    /// - Parameters:
    ///   - exposedName: name as models see it.
    ///   - deadline: milliseconds of the monotonic clock; the tool's own time limit may end the call earlier.
    func dispatch(
        tool exposedName: String, arguments: JSON, caller: ToolCaller, deadline: Int64,
        progress: @escaping @Sendable (JSON) -> Void, completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable

    /// What the operator and the manifest say about a tool for this caller. A call that must be asked for is refused by `dispatch`
    /// unless the caller says that it was.
    func decision(for tool: ToolDescriptor, _ caller: ToolCaller) -> ToolPolicy.Decision

    /// The same, but tools are looked up there.
    func bound(to directory: any ToolDirectory) -> any ToolDispatching
}

extension ToolDispatching {
    /// Without an operator's word the manifest decides.
    func decision(for tool: ToolDescriptor, _ caller: ToolCaller) -> ToolPolicy.Decision {
        ToolPolicy().decision(for: tool, caller)
    }
}
