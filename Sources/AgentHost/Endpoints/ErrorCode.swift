/// Every code an endpoint answers with, and its status. Codes never change their meaning; `docs/errors.md` explains each.
///
/// The codes of broken HTTP itself (a malformed head, a body that does not arrive) are the HTTP room's.
enum ErrorCode: String, Sendable, CaseIterable {
    // What was asked.
    case invalidJSON = "invalid_json"
    case invalidRequest = "invalid_request"
    case unknownOperation = "unknown_operation"
    case notAUserMessage = "not_a_user_message"
    case wrongItemType = "wrong_item_type"
    case bodyTooLarge = "body_too_large"
    case notImplemented = "not_implemented"

    // Who asks.
    case unauthorized
    case forbidden
    case invalidUser = "invalid_user"

    // What is not there. Another owner's thing is not there either.
    case notFound = "not_found"
    case itemNotFound = "item_not_found"
    case cursorNotFound = "cursor_not_found"
    case attachmentNotFound = "attachment_not_found"
    case unknownAgent = "unknown_agent"
    case unknownPlugin = "unknown_plugin"
    case methodNotAllowed = "method_not_allowed"

    // What the server cannot do now.
    case threadBusy = "thread_busy"
    case notPending = "not_pending"
    case gap
    case pluginRefused = "plugin_refused"
    case pluginConflict = "plugin_conflict"
    case agentFailed = "agent_failed"
    case answerTooLarge = "answer_too_large"
    case agentUnavailable = "agent_unavailable"
    case storageError = "storage_error"
    case shuttingDown = "shutting_down"
    case internalError = "internal_error"

    /// The HTTP status that goes with it.
    var status: Int {
        switch self {
        case .invalidJSON, .invalidRequest, .unknownOperation, .notAUserMessage, .wrongItemType, .invalidUser: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .notFound, .itemNotFound, .cursorNotFound, .attachmentNotFound, .unknownAgent, .unknownPlugin: 404
        case .methodNotAllowed: 405
        case .threadBusy, .notPending, .pluginConflict: 409
        case .gap: 410
        case .bodyTooLarge: 413
        case .pluginRefused: 422
        case .internalError, .answerTooLarge: 500
        case .notImplemented: 501
        case .agentFailed: 502
        case .agentUnavailable, .storageError, .shuttingDown: 503
        }
    }
}
