/// Why a turn did not begin, or a thread was not changed: nothing was shown.
struct TurnError: Error, Hashable {
    /// What kind of refusal it is; doors translate it to their own status.
    enum Kind: Sendable, Hashable {
        case threadNotFound, itemNotFound, notAUserMessage, unknownAgent, agentUnavailable
        /// Too many messages wait on this thread.
        case busy
        case shuttingDown
        case storage
    }

    var kind: Kind
    /// Stable, for programs.
    var code: String
    /// For people; says what to do.
    var sentence: String

    static let threadNotFound = TurnError(
        kind: .threadNotFound, code: "not_found",
        sentence: "There is no such thread; check thread_id or start a new one.")
    static let itemNotFound = TurnError(
        kind: .itemNotFound, code: "not_found", sentence: "There is no such item in this thread; check item_id.")
    static let notAUserMessage = TurnError(
        kind: .notAUserMessage, code: "not_a_user_message",
        sentence: "The item is no user message; only an answer to a user message can be retried.")
    static let busy = TurnError(
        kind: .busy, code: "thread_busy",
        sentence:
            "Too many messages of this thread wait for an answer; send the message again when the answers are there.")
    static let shuttingDown = TurnError(
        kind: .shuttingDown, code: "shutting_down", sentence: "The server is shutting down; try again in a moment.")

    static func unknownAgent(_ id: String) -> TurnError {
        TurnError(
            kind: .unknownAgent, code: "unknown_agent",
            sentence: "No agent \"\(id.prefix(64))\" is loaded; choose one that is.")
    }
    static func agentUnavailable(_ id: String) -> TurnError {
        TurnError(
            kind: .agentUnavailable, code: "agent_unavailable",
            sentence: "Agent \"\(id.prefix(64))\" of this thread is not loaded at the moment; try again later.")
    }

    /// A failed write or read, with the detail left to the log.
    static let storage = TurnError(
        kind: .storage, code: "storage_error",
        sentence: "The conversation could not be stored; nothing was changed. Try again in a moment.")

    init(kind: Kind, code: String, sentence: String) {
        self.kind = kind
        self.code = code
        self.sentence = sentence
    }

    init(_ error: StoreError) {
        switch error {
        case .threadNotFound: self = .threadNotFound
        case .itemNotFound: self = .itemNotFound
        case .busy: self = .busy
        default: self = .storage
        }
    }
}
