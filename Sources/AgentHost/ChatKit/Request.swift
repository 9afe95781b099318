extension ChatKit {
    /// One call of the protocol's endpoint (`chatkit-protocol.md` 1 and 3).
    struct Request: Sendable, Hashable {
        var operation: Operation
        /// The integrator's own; not the metadata of a thread.
        var metadata: JSONObject
    }

    /// What is asked for; each case is a `type` of the protocol.
    enum Operation: Sendable, Hashable {
        // Answered with a stream.
        case createThread(input: UserMessageInput)
        case addUserMessage(thread: String, input: UserMessageInput)
        /// `result` may be null.
        case addClientToolOutput(thread: String, result: JSON)
        case addStructuredInput(thread: String, item: String, StructuredInputSubmission)
        case retryAfterItem(thread: String, item: String)
        case customAction(ActionCall)

        // Answered with a JSON document.
        case getThread(String)
        case listThreads(PageParameters)
        case listItems(thread: String, PageParameters)
        case feedback(thread: String, items: [String], Feedback)
        case updateThread(String, title: String)
        case deleteThread(String)
        case syncCustomAction(ActionCall)
        case createAttachment(name: String, size: Int64, mimeType: String)
        case deleteAttachment(String)
        case transcribe(audioBase64: String, mimeType: String)
    }

    /// What the composer sends.
    struct UserMessageInput: Sendable, Hashable {
        var content: [UserContent]
        /// Ids of attachments.
        var attachments: [String]
        /// May be empty, which is not the same as absent.
        var quotedText: String?
        var inferenceOptions: InferenceOptions
    }

    /// Which part of a list is wanted (section 9).
    struct PageParameters: Sendable, Hashable {
        enum Order: String, Sendable, CaseIterable {
            case ascending = "asc"
            case descending = "desc"
        }
        /// What an absent limit, null or 0 mean.
        static let defaultLimit = 20
        /// Larger limits are cut to this, so that no answer grows without bound; `has_more` tells the client to page on.
        static let maximumLimit = 1000

        /// 1 to `maximumLimit`.
        var limit = defaultLimit
        var order = Order.descending
        /// Id of the last element already seen, exclusive.
        var after: String?
    }

    /// The answers to a structured input.
    struct StructuredInputSubmission: Sendable, Hashable {
        enum Status: String, Sendable, CaseIterable { case answered, skipped }
        struct Answer: Sendable, Hashable {
            var values: [String] = []
            var skipped = false
        }
        var status = Status.answered
        /// By input id.
        var answers: [String: Answer] = [:]
    }

    /// An action of a widget or of the page. Payloads are as untrusted as any input.
    struct ActionCall: Sendable, Hashable {
        var thread: String
        /// The widget it comes from, if it comes from one.
        var item: String?
        var type: String
        /// Null when absent.
        var payload: JSON
    }

    enum Feedback: String, Sendable, CaseIterable { case positive, negative }

    /// Why bytes are no request of the protocol.
    struct RequestError: Error, Hashable {
        enum Code: String, Sendable, CaseIterable {
            /// The body is not one JSON value.
            case invalidJSON = "invalid_json"
            /// A field is missing or has the wrong type; the sentence names its path.
            case invalidRequest = "invalid_request"
            /// `type` names nothing the protocol knows.
            case unknownOperation = "unknown_operation"
        }
        var code: Code
        /// A sentence for people that says what to mend.
        var sentence: String
    }
}
