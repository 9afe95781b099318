/// Why a request is not answered as asked: becomes `{"error": <sentence>, "code": <code>}` (`seed-contracts.md` 0.3).
struct Refusal: Error, Sendable {
    var status: Int
    /// Stable, for machines.
    var code: String
    /// For people: what is wrong and what to do.
    var sentence: String
    /// Fields of the answer beyond those every refusal has, such as `Allow`.
    var fields: HTTPFields

    init(_ code: ErrorCode, _ sentence: String, fields: HTTPFields = [:]) {
        status = code.status
        self.code = code.rawValue
        self.sentence = sentence
        self.fields = fields
    }

    /// What a client that may wait is told.
    private static let retryAfter: HTTPFields = ["Retry-After": "1"]

    /// The same bytes for a thread that is not there and for one of another owner.
    static let threadNotFound = Refusal(.notFound, "There is no such thread.")
    static let itemNotFound = Refusal(.itemNotFound, "There is no such item in this thread.")
    static let cursorNotFound = Refusal(
        .cursorNotFound, "after must be the id of an element of this list; leave it out to begin anew.")
    static let storage = Refusal(
        .storageError, "The server cannot reach its store at the moment; try again later.", fields: retryAfter)

    /// The answer to send. Never cached.
    var answer: Answer {
        var writer = JSONWriter()
        writer.object {
            $0.member("error", sentence)
            $0.member("code", code)
        }
        var answer = Answer.json(writer.bytes, status: status)
        for (name, value) in fields.all { answer.fields.append(name, value) }
        return answer
    }
}

// One place turns the errors of the other rooms into answers.

extension Refusal {
    /// A body that broke or is too large. `status` 0, nobody to answer, stays 0.
    init(_ error: HTTPError) {
        status = error.status
        code = error.code
        sentence = error.message
        fields = [:]
    }

    init(_ error: ChatKit.RequestError) {
        let code: ErrorCode =
            switch error.code {
            case .invalidJSON: .invalidJSON
            case .invalidRequest: .invalidRequest
            case .unknownOperation: .unknownOperation
            }
        self.init(code, error.sentence)
    }

    init(_ error: CallerError) {
        switch error.code {
        case .unauthorized: self.init(.unauthorized, error.sentence, fields: ["WWW-Authenticate": "Bearer"])
        case .forbidden: self.init(.forbidden, error.sentence)
        case .invalidUser: self.init(.invalidUser, error.sentence)
        }
    }

    init(_ error: AgentRouter.Failure) {
        let code: ErrorCode =
            switch error.code {
            case .invalidRequest: .invalidRequest
            case .unknownAgent: .unknownAgent
            case .agentUnavailable: .agentUnavailable
            }
        self.init(code, error.sentence)
    }

    init(_ error: TurnError) {
        switch error.kind {
        case .threadNotFound: self = .threadNotFound
        case .itemNotFound: self = .itemNotFound
        case .notAUserMessage: self.init(.notAUserMessage, error.sentence)
        case .wrongItemType: self.init(.wrongItemType, error.sentence)
        case .notPending: self.init(.notPending, error.sentence)
        case .notImplemented: self.init(.notImplemented, error.sentence)
        case .agentFailed: self.init(.agentFailed, error.sentence)
        case .unknownAgent: self.init(.unknownAgent, error.sentence)
        case .agentUnavailable: self.init(.agentUnavailable, error.sentence)
        case .busy: self.init(.threadBusy, error.sentence, fields: Refusal.retryAfter)
        case .shuttingDown: self.init(.shuttingDown, error.sentence, fields: Refusal.retryAfter)
        case .storage: self = .storage
        }
    }

    /// - Parameter log: told what a client is not: why the store failed.
    init(_ error: StoreError, log: Logger) {
        switch error {
        case .threadNotFound: self = .threadNotFound
        case .itemNotFound: self = .itemNotFound
        case .cursorNotFound: self = .cursorNotFound
        case .exists, .busy, .conflict, .closed, .failed:
            log.error("store failed", ["error": .string("\(error)")])
            self = .storage
        }
    }
}
