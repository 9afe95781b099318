private import Synchronization

// How a turn gets its thread and begins: alone at once, behind others of this process in the queue, behind another process by the
// store's lease.

extension TurnEngine {
    /// A turn to be taken.
    struct Job: Sendable {
        let id = randomID("turn")
        /// Monotonic milliseconds.
        let asked = monotonicMilliseconds()
        /// What plugins use for it.
        let meter = WorkMeter()
        var agent: Registry.Agent
        var thread: StoredThread
        var origin: TurnOrigin
        var kind = AgentTurnRequest.Kind.userMessage
        /// The user message to be answered; nil when something else is gone on from.
        var item: ChatKit.Item?
        /// `item` as it is kept.
        var stored: StoredItem?
        /// What an agent is told as the cause of the turn.
        var input: [JSONText]
        /// Events that come right behind the stream's options.
        var opening: [ChatKit.Event] = []
        var place: ThreadQueue.Place
        /// Whether the message is all there is in the thread.
        var isNew = false
        /// What the person has decided about calls, and the id of the item that asked.
        var approval: (item: String, decided: Approval)?

        /// For whom tools are called.
        func caller(_ agent: Registry.Agent) -> ToolCaller {
            ToolCaller(
                owner: origin.owner, threadID: thread.id, requestID: origin.requestID, agentID: agent.descriptor.id,
                locale: origin.locale, meter: meter)
        }

        /// A turn that answers a user message.
        init(
            agent: Registry.Agent, thread: StoredThread, origin: TurnOrigin, answering item: ChatKit.Item,
            _ stored: StoredItem, place: ThreadQueue.Place
        ) {
            self.init(
                agent: agent, thread: thread, origin: origin, kind: .userMessage, input: [JSONText(stored.json)],
                place: place)
            self.item = item
            self.stored = stored
        }

        /// A turn that goes on from something else.
        init(
            agent: Registry.Agent, thread: StoredThread, origin: TurnOrigin, kind: AgentTurnRequest.Kind,
            input: [JSONText], place: ThreadQueue.Place
        ) {
            self.agent = agent
            self.thread = thread
            self.origin = origin
            self.kind = kind
            self.input = input
            self.place = place
        }

        var open: StoreOperation {
            .openTurn(OpenTurn(id: id, threadID: thread.id, owner: origin.owner, checkpoint: nil))
        }
    }

    /// A place in the thread's line, as the policy wants it. Throws `thread_busy`.
    func place(in threadID: String, _ owner: OwnerKey) async throws(TurnError) -> ThreadQueue.Place {
        guard let place = queue.join(threadID) else { throw .busy }
        if place.isFirst { return place }
        switch configuration.policy {
        case .queue: break
        case .interrupt: for active in activeTurns(on: threadID, owner) { active.run.cancel(.interrupted) }
        case .reject:
            guard await isAboutToBeFree(place) else {
                place.leave()
                throw .oneAtATime
            }
        }
        return place
    }

    /// Whether the turn before has ended already, as its client knows, and only its place is not given up yet.
    private func isAboutToBeFree(_ place: ThreadQueue.Place) async -> Bool {
        for _ in 0..<100 {
            if place.isAtTheHead { return true }
            let runs = state.withLock { $0.active.values.filter { $0.run.threadID == place.threadID }.map(\.run) }
            if runs.contains(where: { !$0.isOver }) { return false }
            await sleep(milliseconds: 2)
        }
        return false
    }

    /// Stores what has to be stored before anything is shown, and lets the turn begin when the thread is free.
    ///
    /// - Parameters:
    ///   - at: operations that are made at once, whether the thread is free or not.
    ///   - withLease: operations that are made when the thread is taken.
    ///   - opening: events that are true when `at` is stored.
    func enter(
        _ job: Job, at: [StoreOperation], withLease: [StoreOperation], opening: [ChatKit.Event]
    ) async throws(TurnError) -> TurnReader {
        guard let run = makeRun(job) else {
            job.place.leave()
            throw .shuttingDown
        }
        let holdsLease: Bool
        do throws(StoreError) {
            holdsLease = try await store(job, at, withLease)
        } catch {
            log.warn(
                "turn could not be stored", ["request_id": .string(job.origin.requestID), "error": .string("\(error)")])
            forget(run)
            job.place.leave()
            throw TurnError(error)
        }
        let reader = TurnReader(run, resumes: job.origin.resumes)
        job.approval?.decided.note(
            "approval decided", by: job.origin.owner, job.thread.id, job.origin.requestID, log)
        run.input { turn, _ in turn.open(opening) }
        if holdsLease {
            await start(job, run)
        } else {
            // Outlives the request that is answered with `reader`: waiting is the turn's, not the caller's.
            Task { await wait(job, run, withLease) }
        }
        return reader
    }

    /// Whether the thread was taken.
    private func store(
        _ job: Job, _ at: [StoreOperation], _ withLease: [StoreOperation]
    ) async throws(StoreError) -> Bool {
        if job.place.isFirst {
            do throws(StoreError) {
                try await store.write(at + withLease + [job.open])
                return true
            } catch {
                guard error == .busy, configuration.policy != .reject else { throw error }
            }
        }
        if !at.isEmpty { try await store.write(at) }
        return false
    }

    /// Waits for the turns before this one, here and in other processes.
    private func wait(_ job: Job, _ run: TurnRun, _ withLease: [StoreOperation]) async {
        guard await job.place.turn() else { return }
        let limit = monotonicMilliseconds() + configuration.leaseWait
        var pause: Int64 = 20
        while !run.isOver {
            do throws(StoreError) {
                try await store.write(withLease + [job.open])
                return await start(job, run)
            } catch {
                guard error == .busy, monotonicMilliseconds() < limit else { return refuse(run, error) }
            }
            await sleep(milliseconds: pause)
            pause = min(pause * 2, 1_000)
        }
    }

    private func refuse(_ run: TurnRun, _ error: StoreError) {
        let refusal = error == .busy ? TurnError.busy : TurnError(error)
        run.input { turn, now in turn.refuse(code: refusal.code, message: refusal.sentence, holdsLease: false, now: now)
        }
    }

    /// By the deadline timer: the pool's clock is not needed for this.
    func sleep(milliseconds: Int64) async {
        await withCheckedContinuation { continuation in
            _ = DeadlineTimer.shared.schedule(at: monotonicMilliseconds() + milliseconds) { continuation.resume() }
        }
    }

    // MARK: Beginning

    /// The thread is taken: reads the conversation and lets the agent begin.
    private func start(_ job: Job, _ run: TurnRun) async {
        var items = job.stored.map { [$0] } ?? []
        if !job.isNew {
            do throws(StoreError) {
                items = try await history(job)
            } catch {
                let refusal = TurnError(error)
                return run.input { turn, now in
                    turn.refuse(code: refusal.code, message: refusal.sentence, holdsLease: true, now: now)
                }
            }
        }
        // A plugin that was upgraded while the turn waited answers with its new code; from here on it is the same to the end.
        let lineup = registry.lineup(for: job.thread.id)
        let bound = await boundAgent(job)
        var job = job
        job.thread.agent = bound
        guard let agent = lineup.agent(bound) else { return unavailable(bound, run) }
        var work = TurnRun.Work(
            store: store, lineup: lineup, tools: tools.bound(to: lineup), caller: job.caller(agent),
            deadline: monotonicMilliseconds() + configuration.totalLimit)
        work.opening = job.opening
        switch agent.descriptor.kind {
        case .declarative(let declared):
            do throws(ModelResolver.Failure) {
                work.model = try ModelResolver(registry: lineup, configured: configuration.defaultModel)
                    .resolve(
                        declared, id: agent.descriptor.id, plugin: agent.descriptor.plugin,
                        requested: options(job).model)
            } catch {
                return run.input { turn, now in
                    turn.refuse(code: .noModelConfigured, message: error.sentence, holdsLease: true, now: now)
                }
            }
            let loop = loop(declared, agent, &work, job, items)
            run.begin(work, loop: loop)
        case .coded:
            guard let provider = agent.provider else { return unavailable(agent.descriptor.id, run) }
            run.begin(work, agent: provider, request(job, items, deadline: work.deadline))
        }
    }

    /// The agent of the thread; while the turn waited, the one before may have handed over to another.
    private func boundAgent(_ job: Job) async -> String {
        if job.place.isFirst { return job.thread.agent }
        let thread = try? await store.thread(job.thread.id, owner: job.origin.owner)
        return thread?.agent ?? job.thread.agent
    }

    private func unavailable(_ agent: String, _ run: TurnRun) {
        let refusal = TurnError.agentUnavailable(agent)
        run.input { turn, now in
            turn.refuse(code: refusal.code, message: refusal.sentence, holdsLease: true, now: now)
        }
    }

    /// User messages that have turns of their own to come.
    func waiting(behind job: Job) -> Set<String> {
        state.withLock { state in
            let others = state.active.values.filter { $0.run.id != job.id && $0.run.threadID == job.thread.id }
            return Set(others.compactMap(\.answers))
        }
    }

    func options(_ job: Job) -> ChatKit.InferenceOptions {
        if case .userMessage(let message)? = job.item?.content { message.inferenceOptions } else { .init() }
    }

    func request(_ job: Job, _ items: [StoredItem], deadline: Int64) -> AgentTurnRequest {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("items")
            writer.raw(JSONText.array(recent(items)).bytes)
            writer.member("locale", job.origin.locale)
            writer.member("metadata", job.origin.metadata)
            writer.member("trace_id", job.origin.requestID)
            writer.member("model", ifSet: options(job).model)
            if let choice = options(job).toolChoice {
                writer.key("tool_choice")
                writer.object { $0.member("id", choice) }
            }
        }
        return AgentTurnRequest(
            agentID: job.thread.agent, threadID: job.thread.id, owner: job.origin.owner, kind: job.kind,
            input: job.input, context: JSONText(writer.bytes), requestID: job.origin.requestID,
            locale: job.origin.locale, meter: job.meter, deadline: deadline)
    }

    /// The newest items that fit, oldest first.
    private func recent(_ items: [StoredItem]) -> [JSONText] {
        var bytes = 0
        var recent: [JSONText] = []
        for item in items.suffix(configuration.maximumContextItems).reversed() {
            bytes += item.json.count
            guard bytes <= configuration.maximumContextBytes else { break }
            let text = JSONText(item.json)
            // Deeper than plugins are promised, inside the list and its object: the agent does without it.
            if !text.isNested(deeperThan: Emission.maximumDepth - 2) { recent.append(text) }
        }
        return recent.reversed()
    }

    // MARK: Active turns

    /// Makes the turn's driver and counts it; nil when the engine is stopping.
    ///
    /// - Parameters:
    ///   - isBeside: whether it runs beside the turns of its thread.
    ///   - totalLimit: milliseconds it may take, if less than usual.
    func makeRun(_ job: Job, isBeside: Bool = false, totalLimit: Int64 = .max) -> TurnRun? {
        var configuration = configuration
        configuration.totalLimit = min(configuration.totalLimit, totalLimit)
        // With thousands of turns at once the store would do little else than keep partial texts: each then does it less often.
        let active = state.withLock { $0.active.count }
        configuration.checkpointInterval = max(
            configuration.checkpointInterval, Int64(active / TurnEngine.checkpointsPerMillisecond))
        var turn = Turn(
            id: job.id, thread: job.thread.chatKit, record: ThreadRecord(json: job.thread.json),
            owner: job.origin.owner,
            configuration: configuration, makeID: { randomID($0) })
        turn.agent = job.thread.agent
        // Not the whole job: the message would be kept in memory for as long as the turn runs.
        let place = job.place
        let line = LogLine(
            requestID: job.origin.requestID, threadID: job.thread.id, agent: job.thread.agent,
            owner: job.origin.owner, kind: job.kind, asked: job.asked, meter: job.meter)
        let run = TurnRun(turn, requestID: job.origin.requestID, store: store, log: log) { [weak self] run, report in
            place.leave()
            self?.ended(run, report, line)
        }
        return state.withLock { state in
            guard !state.isStopping else { return nil }
            state.lastNumber += 1
            state.active[job.id] = Active(
                run: run, owner: job.origin.owner, answers: job.item?.id, number: state.lastNumber, isBeside: isBeside)
            if !isBeside { state.kept.supersede(thread: job.thread.id) }
            return run
        }
    }

    /// Partial texts that all turns together have the store keep, about.
    private static let checkpointsPerMillisecond = 2

    /// What the line about the end of a turn says of its beginning.
    private struct LogLine {
        var requestID: String
        var threadID: String
        var agent: String
        var owner: OwnerKey
        var kind: AgentTurnRequest.Kind
        /// Monotonic milliseconds.
        var asked: Int64
        var meter: WorkMeter
    }

    private func ended(_ run: TurnRun, _ report: TurnRun.Report, _ line: LogLine) {
        guard forget(run, keeping: report.keptBytes, owner: line.owner) else { return }
        usage.add(report.usage, agent: line.agent, owner: line.owner)
        if let record = report.changedRecord {
            for active in activeTurns(on: line.threadID, line.owner) {
                active.run.input { turn, _ in turn.adopt(record) }
            }
        }
        var fields: JSONObject = JSONObject(members: [])
        var level = LogLevel.info
        switch report.outcome {
        case .completed: fields["outcome"] = "completed"
        case .cancelled: fields["outcome"] = "cancelled"
        case .interrupted: fields["outcome"] = "interrupted"
        case .deleted: fields["outcome"] = "deleted"
        case .failed(let code, let detail):
            level = .warn
            fields["outcome"] = "failed"
            fields["code"] = .string(code.rawValue)
            fields["detail"] = .string(String(detail.prefix(500)))
        }
        counters.ended(fields["outcome"]?.string ?? "")
        // The built-in agents use nothing that is counted.
        let used = line.meter.usage
        log.write(
            level, "turn ended",
            [
                "request_id": .string(line.requestID), "thread_id": .string(line.threadID),
                "agent": .string(line.agent), "kind": .string(line.kind.rawValue),
                "outcome": fields["outcome"] ?? .null,
                "code": fields["code"] ?? .null,
                "detail": fields["detail"] ?? .null, "duration_ms": .int(monotonicMilliseconds() - line.asked),
                "steps": .int(Int64(report.steps)), "tool_calls": .int(Int64(report.toolCalls)),
                "owner": .string(line.owner.text),
                "prompt_tokens": report.usage.completions == 0 ? .null : .int(report.usage.promptTokens),
                "completion_tokens": report.usage.completions == 0 ? .null : .int(report.usage.completionTokens),
                "tokens_estimated": report.usage.estimated == 0 ? .null : true,
                "plugin_lane_ms": used.map { .double(Double($0.laneMicroseconds) / 1_000) } ?? .null,
                "emitted_bytes": used.map { .int($0.emittedBytes) } ?? .null,
                "host_calls": used.map { .int($0.hostCalls) } ?? .null,
                "open_requests": used.map { .int($0.openRequests) } ?? .null,
                "timers": used.map { .int($0.timers) } ?? .null,
            ])
    }

    /// Whether the turn was active.
    ///
    /// - Parameter bytes: that clients may come back to.
    @discardableResult
    func forget(_ run: TurnRun, keeping bytes: Int = 0, owner: OwnerKey = OwnerKey("")) -> Bool {
        let until = monotonicMilliseconds() + configuration.keptTime
        let (wasActive, drained) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            let wasActive = state.active.removeValue(forKey: run.id) != nil
            if bytes > 0 && wasActive {
                state.kept.add(
                    run, owner: owner, bytes: bytes, until: until, maximumBytes: configuration.keptBytesOfAll)
            }
            guard state.active.isEmpty, let drained = state.drained else { return (wasActive, nil) }
            state.drained = nil
            return (wasActive, drained.continuation)
        }
        drained?.resume()
        if bytes > 0 { expireKept(at: until) }
        return wasActive
    }
}
