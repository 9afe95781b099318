internal import Synchronization

/// How many agents may still be asked on behalf of one turn, at all depths together. May be used from any thread.
final class NestedTurns: Sendable {
    /// Agents that ask agents that ask agents: no deeper.
    static let maximumDepth = 3
    private let left: Mutex<Int>

    init(limit: Int = 16) { left = Mutex(limit) }

    /// False when there were enough.
    func takeOne() -> Bool {
        left.withLock { left in
            guard left > 0 else { return false }
            left -= 1
            return true
        }
    }
}

/// Asks an agent on behalf of another one: a turn of its own, with less to spend, that nobody watches and nothing keeps. What it says is the
/// result.
struct NestedAgent: ToolProvider {
    let engine: TurnEngine
    let lineup: Lineup
    let agent: Registry.Agent
    let turns: NestedTurns

    func call(
        _ request: ToolCallRequest, progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable {
        guard turns.takeOne() else {
            completion(.failure("No more agents can be asked in this turn. Answer with what you have."))
            return NotCancellable()
        }
        let message = request.arguments["message"]?.string ?? ""
        return engine.ask(self, message, request, progress: progress, completion: completion)
    }
}

extension TurnEngine {
    /// Limits of a turn inside a turn.
    private func nestedConfiguration(_ deadline: Int64) -> TurnConfiguration {
        var limits = configuration
        limits.totalLimit = min(limits.totalLimit, max(1, deadline - monotonicMilliseconds()))
        limits.maximumSteps = min(limits.maximumSteps, 8)
        limits.maximumToolCalls = min(limits.maximumToolCalls, 16)
        limits.maximumOutputBytes = min(limits.maximumOutputBytes, 1 << 20)
        limits.maximumTokens = min(limits.maximumTokens, max(1_000, limits.maximumTokens / 4))
        return limits
    }

    fileprivate func ask(
        _ nested: NestedAgent, _ message: String, _ request: ToolCallRequest,
        progress: @escaping @Sendable (JSON) -> Void, completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable {
        let agent = nested.agent
        let caller = request.caller.asking(agent.descriptor.id)
        let id = randomID("turn")
        let thread = ChatKit.Thread(id: caller.threadID, createdAt: .now())
        var turn = Turn(
            id: id, thread: thread, record: ThreadRecord(), owner: caller.owner,
            configuration: nestedConfiguration(request.deadline), makeID: { randomID($0) })
        turn.agent = agent.descriptor.id
        let store = NoStore()
        let run = TurnRun(turn, requestID: caller.requestID, store: store, log: log) { [weak self] _, report in
            self?.nestedEnded(report, caller)
        }
        var work = TurnRun.Work(
            store: store, lineup: nested.lineup, tools: tools.bound(to: nested.lineup), caller: caller,
            deadline: request.deadline)
        let item = ChatKit.Item(
            id: randomID("msg"), threadID: caller.threadID, createdAt: .now(),
            content: .userMessage(ChatKit.UserMessage(content: [.text(message)])))
        let listener = NestedListener(run, progress: progress, completion: completion)
        switch agent.descriptor.kind {
        case .declarative(let declared):
            do throws(ModelResolver.Failure) {
                work.model = try ModelResolver(registry: nested.lineup, configured: configuration.defaultModel)
                    .resolve(declared, id: agent.descriptor.id, plugin: agent.descriptor.plugin)
            } catch {
                completion(.failure(error.sentence))
                return NotCancellable()
            }
            let offer = equip(&work, declared, agent, nested.turns, mayHandOver: false)
            let history = ModelHistory(
                of: [StoredItem(item)], answering: item.id,
                instructions: TurnEngine.instructions(declared.instructions, hasTools: !offer.tools.isEmpty),
                limit: 1)
            listener.listen()
            run.begin(
                work,
                loop: ModelLoop(
                    agent: declared, offer: offer, history: history,
                    budget: configuration.historyBudget.tokens(for: work.model?.model ?? "")))
        case .coded:
            guard let provider = agent.provider else {
                completion(.broken(.unavailable))
                return NotCancellable()
            }
            let asked = AgentTurnRequest(
                agentID: agent.descriptor.id, threadID: caller.threadID, owner: caller.owner, kind: .userMessage,
                input: [JSONText(item.json)],
                context: JSONText(["locale": .string(caller.locale), "trace_id": .string(caller.requestID)]),
                requestID: caller.requestID, locale: caller.locale, deadline: request.deadline)
            listener.listen()
            run.begin(work, agent: provider, asked)
        }
        return listener
    }

    private func nestedEnded(_ report: TurnRun.Report, _ caller: ToolCaller) {
        usage.add(report.usage, agent: caller.agentID, owner: caller.owner)
        log.info(
            "agent asked by an agent",
            [
                "request_id": .string(caller.requestID), "thread_id": .string(caller.threadID),
                "agent": .string(caller.agentID), "owner": .string(caller.owner.text),
                "depth": .int(Int64(caller.depth)), "steps": .int(Int64(report.steps)),
                "tool_calls": .int(Int64(report.toolCalls)), "prompt_tokens": .int(report.usage.promptTokens),
                "completion_tokens": .int(report.usage.completionTokens),
            ])
    }
}

/// Reads a nested turn: its messages are the result, its function calls are progress.
private final class NestedListener: Cancellable {
    private struct State {
        var texts: [String] = []
        var error: String?
        var completion: (@Sendable (ToolOutcome) -> Void)?
    }
    private let run: TurnRun
    private let number: Int
    private let progress: @Sendable (JSON) -> Void
    private let state: Mutex<State>

    init(
        _ run: TurnRun, progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) {
        self.run = run
        self.progress = progress
        number = run.attachFirst(resumes: false)
        state = Mutex(State(completion: completion))
    }

    /// Begins to read. The run keeps the listener for as long as there is something to hear.
    func listen() {
        run.onReady(number) { [self] in drain() }
        drain()
    }

    private func drain() {
        while true {
            switch run.take(number, limit: 64 << 10) {
            case .events(let events): for event in events { hear(event) }
            case .nothing: return
            case .end, .dropped: return end()
            }
        }
    }

    private func hear(_ event: ChatKit.Event) {
        switch event {
        case .itemDone(let item):
            guard case .assistantMessage(let parts) = item.content else { return }
            state.withLock { $0.texts.append(parts.map(\.text).joined()) }
        case .itemUpdated(_, .taskAdded(_, let task)):
            if case .custom(let title?, _, _) = task.kind { progress(["text": .string(title)]) }
        case .error(let code, let message, _): state.withLock { $0.error = message ?? code }
        default: break
        }
    }

    private func end() {
        run.onReady(number) {}
        let (completion, outcome) = state.withLock { state in
            let text = state.texts.joined(separator: "\n")
            let outcome: ToolOutcome =
                if let error = state.error {
                    .failure("The agent failed: \(error)" + (text.isEmpty ? "" : " It had said: \(text.prefix(2_000))"))
                } else if text.isEmpty {
                    .failure("The agent answered nothing.")
                } else {
                    .success(.string(text))
                }
            defer { state.completion = nil }
            return (state.completion, outcome)
        }
        completion?(outcome)
    }

    func cancel(_ reason: CancelReason) { run.cancel(.stopped) }
}

/// Keeps nothing: for turns that leave no trace of their own.
private struct NoStore: Store {
    func submit(_ batch: [StoreOperation], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        completion(.success(()))
    }
    func thread(_ id: String, owner: OwnerKey) async throws(StoreError) -> StoredThread? { nil }
    func threads(owner: OwnerKey, page: PageRequest) async throws(StoreError) -> StoredPage<StoredThread> {
        StoredPage(elements: [], hasMore: false)
    }
    func items(
        thread: String, owner: OwnerKey, page: PageRequest, includingHidden: Bool
    ) async throws(StoreError) -> StoredPage<StoredItem> { StoredPage(elements: [], hasMore: false) }
    func item(_ id: String, thread: String, owner: OwnerKey) async throws(StoreError) -> StoredItem? { nil }
    func items(ofType type: String, thread: String, owner: OwnerKey) async throws(StoreError) -> [StoredItem] { [] }
    func history(thread: String, owner: OwnerKey, limit: Int) async throws(StoreError) -> [StoredItem] { [] }
    func interruptedTurns() async throws(StoreError) -> [OpenTurn] { [] }
    func values(_ keys: [String], in space: KeySpace) async throws(StoreError) -> [KeyValueEntry] { [] }
    func list(
        prefix: String, after: String?, limit: Int, in space: KeySpace
    ) async throws(StoreError) -> [KeyValueEntry] { [] }
    func write(_ write: KeyValueWrite, in space: KeySpace) async throws(StoreError) -> [String: String] { [:] }
    func secret(_ name: String) async throws(StoreError) -> [UInt8] { [] }
    func check() async throws(StoreError) {}
    func close() async {}
}

extension ToolCaller {
    /// Who calls tools for an agent that is asked.
    fileprivate func asking(_ agent: String) -> ToolCaller {
        var caller = self
        caller.agentID = agent
        caller.depth += 1
        caller.isApproved = false
        return caller
    }
}
