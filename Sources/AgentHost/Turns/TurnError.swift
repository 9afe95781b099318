/// Why a turn did not begin, or a thread was not changed: nothing was shown.
struct TurnError: Error, Hashable {
    /// What kind of refusal it is; doors translate it to their own status.
    enum Kind: Sendable, Hashable {
        case threadNotFound, itemNotFound, notAUserMessage, wrongItemType, unknownAgent, agentUnavailable
        /// Nothing waits for what was sent, or not any more.
        case notPending
        /// The agent has no such ability.
        case notImplemented
        /// The agent failed at something that is answered without a stream.
        case agentFailed
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
    static let noPendingCall = TurnError(
        kind: .notPending, code: .notPending,
        sentence: "No client tool call of this thread waits for a result; load the thread again.")
    static let answeredAlready = TurnError(
        kind: .notPending, code: .notPending,
        sentence: "This was answered already; load the thread again.")
    static let notAStructuredInput = TurnError(
        kind: .wrongItemType, code: .wrongItemType,
        sentence: "The item asks nothing of the person: item_id must name a structured_input.")
    static let notAWidget = TurnError(
        kind: .wrongItemType, code: .wrongItemType,
        sentence: "The item has no actions: item_id must name a widget, or be left out.")
    static let busy = TurnError(
        kind: .busy, code: .threadBusy,
        sentence:
            "Too many messages of this thread wait for an answer; send the message again when the answers are there.")
    /// By the policy `reject`.
    static let oneAtATime = TurnError(
        kind: .busy, code: .threadBusy,
        sentence: "The thread is being answered; send this again when the answer is there.")
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

    /// - Parameter what: completes "takes no …".
    static func notImplemented(_ what: String, by agent: String) -> TurnError {
        TurnError(
            kind: .notImplemented, code: .notImplemented,
            sentence: "Agent \"\(agent.prefix(64))\" takes no \(what).")
    }

    static func actionFailed(_ message: String?) -> TurnError {
        TurnError(
            kind: .agentFailed, code: .agentFailed,
            sentence: message.flatMap { $0.isEmpty ? nil : $0 } ?? "The agent failed at this action; try again.")
    }

    /// - Parameter words: the agent's; may be empty.
    static func transcriptionFailed(_ words: String) -> TurnError {
        TurnError(
            kind: .agentFailed, code: .agentFailed,
            sentence: words.isEmpty ? "The recording could not be turned into text; try again." : words)
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
        case .conflict: self = .answeredAlready
        default: self = .storage
        }
    }
}
