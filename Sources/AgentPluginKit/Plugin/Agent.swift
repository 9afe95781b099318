internal import PluginABI

/// An agent that answers turns itself (kind `coded`). Declarative agents need only the manifest.
public struct Agent: Sendable {
    /// The id in the manifest.
    public let id: String
    let answer: @Sendable (Turn) async throws -> Void
    let transcribe: (@Sendable (Speech) async throws -> String)?

    /// - Parameters:
    ///   - transcribe: turns speech into text; to be listed as `transcription` under `accepts` in the manifest.
    ///   - answer: when it returns, the turn is complete; what it throws is shown as an error. Kinds of turns that the manifest lists
    ///     under `accepts` come here too: see ``Turn/kind``.
    public init(
        _ id: String, transcribe: (@Sendable (Speech) async throws -> String)? = nil,
        answer: @escaping @Sendable (Turn) async throws -> Void
    ) {
        self.id = id
        self.transcribe = transcribe
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
    /// `user_message`, `retry`, `client_tool_output`, `structured_input`; and `action`, `sync_action`, `feedback` where the manifest
    /// accepts them.
    public let kind: String
    /// What caused the turn; ``message``, ``action`` and others read it.
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
