/// Why a model's server did not deliver a completion.
struct ModelFault: Error, Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// No connection, or a status of the 5xx kind.
        case unavailable
        case rateLimited
        /// The account has no quota left.
        case quota
        /// Status 401 or 403.
        case key
        case unknownModel
        case tooLong
        /// Any other refusal, with its status.
        case refused(Int)
        case redirected
        case untrusted
        /// Nothing, or nothing more, for so many milliseconds.
        case silent(began: Bool, Int64)
        /// The connection ended before the answer did.
        case brokenOff
        /// What came is no answer.
        case unreadable
        /// More bytes than an answer may have.
        case tooLarge
        /// The time that the whole completion may take is over.
        case deadline
        case cancelled
        /// The host is stopping.
        case closing
    }

    var kind: Kind
    /// For the log: statuses, codes and names, never text of the server, which may repeat a key.
    var detail: String
    /// Milliseconds that the server wants to be left alone.
    var retryAfter: Int64?

    init(_ kind: Kind, _ detail: String = "", retryAfter: Int64? = nil) {
        self.kind = kind
        self.detail = detail.isEmpty ? "\(kind)" : detail
        self.retryAfter = retryAfter
    }

    /// Whether the same server may well answer in a moment. Of use only as long as nothing of an answer was passed on.
    var isPassing: Bool {
        switch kind {
        case .unavailable, .rateLimited, .brokenOff: true
        default: false
        }
    }

    /// Whether another server may answer instead.
    var mayFallBack: Bool {
        switch kind {
        case .deadline, .cancelled, .closing: false
        default: true
        }
    }
}

extension ModelFault {
    /// The failure as the turn is told.
    var failure: ProviderFailure {
        switch kind {
        case .cancelled: .cancelled
        case .closing: .unavailable
        case .deadline: .deadline
        case .tooLarge: .limit
        default:
            .explained(
                ProviderExplanation(code: code, sentence: sentence, allowRetry: allowsRetry, detail: detail))
        }
    }

    private var code: String {
        switch kind {
        case .rateLimited: "model_rate_limited"
        case .quota, .key, .unknownModel, .tooLong, .refused, .redirected, .untrusted: "model_rejected"
        case .silent: "model_timeout"
        case .brokenOff, .unreadable: "model_failed"
        default: "model_unavailable"
        }
    }

    private var allowsRetry: Bool {
        switch kind {
        case .quota, .key, .unknownModel, .tooLong, .refused, .redirected, .untrusted: false
        default: true
        }
    }

    private var sentence: String {
        switch kind {
        case .rateLimited: "The model is asked too often at the moment; try again in a minute."
        case .quota: "The account for the model has used up its quota; the operator has to raise it."
        case .key: "The model's server does not accept this host; the operator has to check the API key."
        case .unknownModel: "The model's server does not know this model; choose another one."
        case .tooLong: "The conversation is too long for the model; start a new one, or send less."
        case .refused(let status):
            "The model's server refused the request (status \(status)); the operator finds more in the log."
        case .redirected:
            "The model's server redirects, which is not followed; the operator has to correct its base URL."
        case .untrusted:
            "The model's server cannot prove who it is; the operator has to check its certificate."
        case .silent(let began, let milliseconds):
            began
                ? "The model fell silent for \(milliseconds / 1_000) seconds and was stopped; try again."
                : "The model did not begin to answer within \(milliseconds / 1_000) seconds; try again."
        case .brokenOff: "The connection to the model broke off; try again."
        case .unreadable: "The model sent something that is no answer; try again."
        default: "The model is not available at the moment; try again in a moment."
        }
    }
}

extension ModelFault {
    /// What ended a transfer.
    ///
    /// - Parameter began: whether a piece of the answer had come.
    init(_ failure: UpstreamFailure, limits: UpstreamLimits, began: Bool) {
        let kind: Kind =
            switch failure.reason {
            case .unresolved, .unreachable, .connectTime, .tls, .forbidden, .other, .invalidRequest: .unavailable
            case .untrusted: .untrusted
            case .broken: .brokenOff
            case .malformed, .headTooLarge, .stopped: .unreadable
            case .firstByteTime: .silent(began: false, limits.firstByte)
            case .idleTime: .silent(began: began, limits.idle)
            case .deadline: .deadline
            case .bodyTooLarge: .tooLarge
            case .cancelled: .cancelled
            case .closed: .closing
            }
        self.init(kind, failure.detail)
    }

    /// An answer that is no success.
    ///
    /// - Parameters:
    ///   - body: what is known of the body; read for its error code only.
    ///   - now: to measure a date in `Retry-After`.
    init(_ head: UpstreamHead, body: [UInt8], now: Timestamp) {
        let error = ErrorObject((try? JSON.parse(body, maximumDepth: 32)) ?? .null)
        let kind: Kind =
            switch head.status {
            case 300..<400: .redirected
            case 401, 403: .key
            case 402: .quota
            case 404: .unknownModel
            case 429: error.isQuota ? .quota : .rateLimited
            case 408, 409, 425: .unavailable
            case 400..<500: error.isTooLong ? .tooLong : .refused(head.status)
            case 500..<600: .unavailable
            default: .unreadable
            }
        self.init(
            kind, "status \(head.status)\(error.suffix)\(ModelFault.requestID(head))",
            retryAfter: ModelFault.retryAfter(head.fields, now: now))
    }

    /// An error in the middle of an event stream, or in place of an answer.
    init(event error: JSON) {
        let error = ErrorObject(error)
        let kind: Kind =
            if error.isQuota {
                .quota
            } else if error.isTooLong {
                .tooLong
            } else if error.words.contains("rate_limit_exceeded") {
                .rateLimited
            } else {
                .unavailable
            }
        self.init(kind, "error in the stream\(error.suffix)")
    }

    /// The server's id of the request, for its operator's log.
    private static func requestID(_ head: UpstreamHead) -> String {
        guard let id = head.fields["x-request-id"].flatMap(ErrorObject.word) else { return "" }
        return ", request \(id)"
    }

    /// `retry-after-ms`, or `Retry-After` in seconds or as a date, as milliseconds; nil for anything else.
    static func retryAfter(_ fields: HTTPFields, now: Timestamp) -> Int64? {
        if let value = fields["retry-after-ms"], let milliseconds = Int64(value), milliseconds >= 0 {
            return milliseconds
        }
        guard let value = fields["Retry-After"] else { return nil }
        if let seconds = Int64(value) { return seconds < 0 ? nil : min(seconds, 1 << 40) * 1_000 }
        return HTTPDate.parse(value).map { max(0, ($0.microseconds - now.microseconds) / 1_000) }
    }
}

/// The parts of an API's error that a program can go by.
private struct ErrorObject {
    /// `code` and `type`, where they are plain words.
    var words: [String] = []

    init(_ json: JSON) {
        let error = json["error"] ?? json
        words = [error["code"], error["type"]].compactMap { $0?.string.flatMap(ErrorObject.word) }
    }

    /// A short text of harmless characters; nil otherwise: what a server says may repeat a key or break a log line.
    static func word(_ text: String) -> String? {
        let isPlain = text.utf8.allSatisfy { HTTPSyntax.isToken($0) && $0 != UInt8(ascii: "*") }
        return isPlain && (1...64).contains(text.utf8.count) && !text.hasPrefix("sk-") ? text : nil
    }

    var isQuota: Bool { words.contains("insufficient_quota") || words.contains("billing_hard_limit_reached") }
    var isTooLong: Bool {
        words.contains("context_length_exceeded") || words.contains("exceed_context_size_error")
    }
    var suffix: String { words.isEmpty ? "" : ", " + words.joined(separator: " ") }
}
