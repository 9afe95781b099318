/// Every code that a refused or failed turn can have, in a refusal or in an `error` event. Stable, for programs; `docs/errors.md`
/// lists them.
enum TurnErrorCode: String, Sendable, CaseIterable {
    case notFound = "not_found"
    case notAUserMessage = "not_a_user_message"
    case wrongItemType = "wrong_item_type"
    case notPending = "not_pending"
    case notImplemented = "not_implemented"
    case unknownAgent = "unknown_agent"
    case agentUnavailable = "agent_unavailable"
    case modelUnavailable = "model_unavailable"
    case noModelConfigured = "no_model_configured"
    case modelRateLimited = "model_rate_limited"
    case modelRejected = "model_rejected"
    case modelTimeout = "model_timeout"
    case modelFailed = "model_failed"
    case threadBusy = "thread_busy"
    case shuttingDown = "shutting_down"
    case storageError = "storage_error"
    case turnTimeout = "turn_timeout"
    case stepLimit = "step_limit"
    case outputLimit = "output_limit"
    case callLimit = "call_limit"
    case tokenLimit = "token_limit"
    case badToolCalls = "bad_tool_calls"
    case hookFailed = "hook_failed"
    case hookStopped = "hook_stopped"
    case pluginLimit = "plugin_limit"
    case agentCrashed = "agent_crashed"
    case modelCrashed = "model_crashed"
    case agentQuarantined = "agent_quarantined"
    case modelQuarantined = "model_quarantined"
    case agentMisbehaved = "agent_misbehaved"
    case agentFailed = "agent_failed"
    /// The agent's own words for its failure.
    case custom
    /// Any other failure: the protocol's own word.
    case streamError = "stream.error"
}

/// Which part a plugin plays in a turn.
enum ProviderRole: String, Sendable, CustomStringConvertible {
    case agent, model
    var description: String { rawValue }
}
