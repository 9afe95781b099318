internal import PluginABI

/// A function that models can call. Its schema stands in `plugin.json`; the host has checked the arguments against it.
public struct Tool: Sendable {
    /// The name in the manifest.
    public let name: String
    let run: @Sendable (JSON, CallContext) async throws -> JSON

    /// - Parameters:
    ///   - run: gets the decoded arguments and answers the result. A ``ToolError`` is a text for the model.
    public init<Arguments: Decodable & SendableMetatype>(
        _ name: String, run: @escaping @Sendable (Arguments, CallContext) async throws -> JSON
    ) {
        self.name = name
        self.run = { try await run($0.decode(), $1) }
    }
}

/// One call of a tool: who asks, and where.
public struct CallContext: Sendable {
    /// The host, for the time of this call.
    public let host: Host
    /// The person: opaque, stable for this plugin, meaningless elsewhere; empty if unknown.
    public let subject: String
    /// The thread of the conversation; empty outside one.
    public let threadID: String
    /// The agent that calls; empty if none does.
    public let agentID: String
    /// BCP 47 tag; empty if unknown.
    public let locale: String
    let call: ap_handle
    let deadline: ap_time

    /// Milliseconds until the call is given up; nil if there is no deadline.
    public var remainingMilliseconds: Int? { host.milliseconds(until: deadline) }

    /// Tells the reader how the call is going.
    /// - Throws: `CancellationError` when nobody waits any more, ``HostError``.
    public func progress(_ text: String, icon: String? = nil) async throws {
        var news = JSONObject()
        news["text"] = .string(text)
        news["icon"] = icon.map(JSON.string)
        try await host.accept(host.tables.progress(call: call, JSON.object(news).encoded))
    }
}
