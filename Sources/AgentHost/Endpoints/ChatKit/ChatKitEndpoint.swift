/// The ChatKit protocol (`chatkit-protocol.md`): one path, one method, the body says what is asked.
///
/// What is wrong is found in this order: who calls, the body, the thread, the operation.
struct ChatKitEndpoint: Endpoint {
    let engine: TurnEngine
    let store: any Store
    let identification: CallerIdentification
    let agents: AgentRouter
    /// The agent of this route, when nobody names one.
    let routeDefault: String
    let log: Logger

    /// The largest body of a request: 1 MiB.
    static let maximumBody = 1 << 20

    func answer(_ request: EndpointRequest) async throws(Refusal) -> Answer {
        var call = try await call(request.head)
        let chatKit = try await ChatKitEndpoint.read(request.body)
        call.metadata = chatKit.metadata
        var answer = try await perform(chatKit.operation, call)
        if answer.threadID == nil { answer.threadID = chatKit.operation.threadID }
        return answer
    }

    /// What an operation needs to know beside itself.
    struct Call: Sendable {
        let head: HTTPRequest
        let caller: Caller
        var metadata = JSONObject(members: [])
        let doorLog: Logger
        /// Its lines name the request.
        var log: Logger { doorLog.with(["request_id": .string(head.id)]) }
        var owner: OwnerKey { caller.owner }
    }

    /// Finds out who calls.
    func call(_ request: HTTPRequest) async throws(Refusal) -> Call {
        do {
            let caller = try await identification.caller(
                authorization: request.fields.values("Authorization"),
                users: request.fields.values("X-User-ID") + request.fields.values("X-UserID"))
            return Call(head: request, caller: caller, doorLog: log)
        } catch {
            throw Refusal(error)
        }
    }

    private static func read(_ body: RequestBody) async throws(Refusal) -> ChatKit.Request {
        let bytes: [UInt8]
        do {
            bytes = try await body.collect(upTo: maximumBody)
        } catch {
            throw Refusal(error)
        }
        do {
            return try ChatKit.Request(body: bytes)
        } catch {
            throw Refusal(error)
        }
    }

    private func perform(_ operation: ChatKit.Operation, _ call: Call) async throws(Refusal) -> Answer {
        switch operation {
        case .createThread(let input): return try await create(input, call)
        case .addUserMessage(let thread, let input): return try await add(input, to: thread, call)
        case .retryAfterItem(let thread, let item): return try await retry(thread, after: item, call)
        case .getThread(let thread): return try await get(thread, call)
        case .listThreads(let page): return try await listThreads(page, call)
        case .listItems(let thread, let page): return try await listItems(of: thread, page, call)
        case .updateThread(let thread, let title): return try await update(thread, title: title, call)
        case .deleteThread(let thread): return try await delete(thread, call)
        case .addClientToolOutput(let thread, let result): return try await goOn(thread, with: result, call)
        case .addStructuredInput(let thread, let item, let input):
            return try await answer(input, to: item, in: thread, call)
        case .customAction(let action): return try await act(action, call)
        case .syncCustomAction(let action): return try await actAtOnce(action, call)
        case .feedback(let thread, let items, let kind):
            return try await feedback(kind, on: items, in: thread, call)
        case .transcribe(let audio, let mimeType): return try await transcribe(audio, mimeType, call)
        case .createAttachment, .deleteAttachment:
            throw Refusal(.notImplemented, "This server does not offer attachments.")
        }
    }
}

extension ChatKit.Operation {
    /// The thread it is about.
    fileprivate var threadID: String? {
        switch self {
        case .addUserMessage(let thread, _), .addClientToolOutput(let thread, _),
            .addStructuredInput(let thread, _, _), .retryAfterItem(let thread, _), .getThread(let thread),
            .listItems(let thread, _), .feedback(let thread, _, _), .updateThread(let thread, _),
            .deleteThread(let thread):
            thread
        case .customAction(let action), .syncCustomAction(let action): action.thread
        case .createThread, .listThreads, .createAttachment, .deleteAttachment, .transcribe: nil
        }
    }
}
