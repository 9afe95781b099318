internal import PluginABI

/// An agent that answers turns itself (kind `coded`). Declarative agents need only the manifest.
public struct Agent: Sendable {
    /// The id in the manifest.
    public let id: String
    let answer: @Sendable (Turn) async throws -> Void

    /// - Parameter answer: when it returns, the turn is complete; what it throws is shown as an error.
    public init(_ id: String, answer: @escaping @Sendable (Turn) async throws -> Void) {
        self.id = id
        self.answer = answer
    }
}

/// One turn that an agent answers. `item` is a number of your choice that names one item within the turn.
public struct Turn: Sendable {
    /// The host, for the time of this turn.
    public let host: Host
    /// The agent that is meant.
    public let agentID: String
    /// The thread of the conversation.
    public let threadID: String
    /// The person: opaque, stable for this plugin, meaningless elsewhere.
    public let subject: String
    /// `user_message`, `client_tool_output`, `structured_input`, `action`, …
    public let kind: String
    /// The items that caused the turn, in ChatKit shape.
    public let input: [JSON]
    /// `items` (recent ones, oldest first), `locale`, `model`, `metadata`, …
    public let context: JSON
    let handle: ap_handle
    let deadline: ap_time
    let pace: Pace

    /// Milliseconds until the turn is given up; nil if there is no deadline.
    public var remainingMilliseconds: Int? { host.milliseconds(until: deadline) }

    /// Appends to the assistant message `item`; the first piece starts it. Waits while the reader is behind.
    /// - Throws: `CancellationError` when the reader left, ``HostError``.
    public func text(_ delta: String, item: UInt32 = 0) async throws {
        try await say { host.tables.text(turn: handle, item: item, delta) }
    }

    /// Emits something with structure: `workflow`, `task`, `widget`, `progress`, `notice`, …
    public func emit(_ kind: String, _ json: JSON, item: UInt32 = 0) async throws {
        try await say { host.tables.emit(turn: handle, item: item, kind: kind, json.encoded) }
    }

    /// The item is complete: it is stored and shown as such.
    public func itemDone(_ item: UInt32 = 0) async throws {
        try await say { host.tables.itemDone(turn: handle, item: item) }
    }

    private func say(_ emit: () -> ap_status) async throws {
        let round = pace.round
        let status = emit()
        if status == AP_W_SLOW { return try await pace.wait(after: round) }
        try check(status)
    }
}
