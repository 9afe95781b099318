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
    var code: TurnErrorCode
    /// For people; says what to do.
    var sentence: String

    static let threadNotFound = TurnError(
        kind: .threadNotFound, code: .notFound,
        sentence: "There is no such thread; check thread_id or start a new one.")
    static let itemNotFound = TurnError(
        kind: .itemNotFound, code: .notFound, sentence: "There is no such item in this thread; check item_id.")
    static let notAUserMessage = TurnError(
        kind: .notAUserMessage, code: .notAUserMessage,
        sentence: "The item is no user message; only an answer to a user message can be retried.")
    static let busy = TurnError(
        kind: .busy, code: .threadBusy,
        sentence:
            "Too many messages of this thread wait for an answer; send the message again when the answers are there.")
    static let shuttingDown = TurnError(
        kind: .shuttingDown, code: .shuttingDown, sentence: "The server is shutting down; try again in a moment.")

    static func unknownAgent(_ id: String) -> TurnError {
        TurnError(
            kind: .unknownAgent, code: .unknownAgent,
            sentence: "No agent \"\(id.prefix(64))\" is loaded; choose one that is.")
    }
    static func agentUnavailable(_ id: String) -> TurnError {
        TurnError(
            kind: .agentUnavailable, code: .agentUnavailable,
            sentence: "Agent \"\(id.prefix(64))\" of this thread is not loaded at the moment; try again later.")
    }

    /// A failed write or read, with the detail left to the log.
    static let storage = TurnError(
        kind: .storage, code: .storageError,
        sentence: "The conversation could not be stored; nothing was changed. Try again in a moment.")

    init(kind: Kind, code: TurnErrorCode, sentence: String) {
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
