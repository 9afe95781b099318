/// The front door of the room: finds plugins in folders, loads them in process or in workers, registers what they offer, and replaces them by
/// newer generations while the host runs.
///
/// A plugin that is refused never keeps the others from loading, nor an older generation of itself from serving.
actor PluginHost {
    let configuration: PluginHostConfiguration
    let registry: Registry
    let log: Logger
    let loader: GenerationLoader
    let blocking = BlockingWork(name: "plugin-load")
    let deadlines = DeadlineTimer(name: "plugin-clock")
    private let io: WorkerIO
    private let store: any Store
    private(set) var watch: FolderWatch?

    /// What is known of one plugin.
    struct Slot {
        var deployment: Deployment
        /// Whose code is loaded, by number.
        var live: [Int: LiveGeneration] = [:]
        /// Where its newest content was found.
        var path: String
    }
    /// By plugin id.
    var slots: [String: Slot] = [:]
    /// What was found in the folders, by path.
    var found: [String: FoundFile] = [:]
    /// Code that was mapped into this process.
    private var mappedInProcess: Set<String> = []
    /// Paths that a command is working on: the watch leaves them alone.
    var claimed: Set<String> = []
    var isScanning = false
    var mustScanAgain = false
    private var turnstile = Turnstile()
    var isShutDown = false
    /// What the kernel gives for the sandbox of workers; nil until the plugins are loaded.
    private(set) var sandbox: SandboxReport?

    init(
        configuration: PluginHostConfiguration, registry: Registry, store: any Store, dispatcher: any ToolDispatching,
        http: HTTPClient = HTTPClient(), log: Logger
    ) throws(PluginHostError) {
        self.configuration = configuration
        self.registry = registry
        self.store = store
        self.log = log
        do { io = try WorkerIO() } catch { throw .noResources(error.sentence) }
        var limits = PluginLimitTable()
        if let path = configuration.limitsFile {
            do { limits = try PluginLimitTable.read(path) } catch {
                throw .limitsUnusable(path, reason: error.reason)
            }
        }
        loader = GenerationLoader(
            configuration: configuration, limits: limits, registry: registry, store: store,
            services: HostServices(store: store, registry: registry, dispatcher: dispatcher, http: http), io: io,
            deadlines: deadlines, blocking: blocking, log: log)
    }

    // MARK: Loading

    /// Finds out what the sandbox of workers can do here, and says it.
    func askForSandbox() async {
        let (program, policy) = (configuration.workerPath, configuration.sandboxPolicy)
        let report = await blocking.run { SandboxReport.ask(program, policy: policy) }
        sandbox = report
        let fields: KeyValuePairs<String, JSON> = [
            "sandbox": .string(report.state.rawValue), "landlock": .int(Int64(report.landlock)),
        ]
        switch report.state {
        case .full: log.info(report.sentence, fields)
        case .partial, .off, .unknown: log.warn(report.sentence, fields)
        case .refusing: log.error(report.sentence, fields)
        }
    }

    /// Loads one generation and performs what follows from it. Only one change of a plugin is under way at a time (`exclusively`).
    ///
    /// - Parameters:
    ///   - percent: share of the threads it is tried out on; nil to serve.
    ///   - isAgain: whether it takes over from a generation that was taken back.
    ///   - isPinned: whether it only answers the threads that are pinned to it.
    func load(
        _ bundle: Bundle, _ number: Int, percent: Int? = nil, isAgain: Bool = false, isPinned: Bool = false
    ) async throws(BundleError) {
        let id = bundle.manifest.id
        let mode = configuration.mode(of: bundle)
        do throws(BundleError) {
            try checkAgents(of: bundle.manifest)
            try countMapping(of: slots[id]?.deployment.record(number), mode)
            let live = try await loader.load(
                GenerationLoader.Plan(
                    bundle: bundle, number: number, mode: mode, state: await savedState(of: id),
                    onNotice: { [weak self] notice in
                        Task { await self?.noticed(notice, plugin: id, generation: number) }
                    }))
            guard !isShutDown else {
                await live.instance.stop()
                throw BundleError(reason: "the host is shutting down")
            }
            if percent == nil, !isPinned, let collision = registry.serve(live.generation) {
                await live.instance.stop()
                throw BundleError(reason: collision)
            }
            slots[id]?.live[number] = live
        } catch {
            change(id) { $0.failed(number, error.reason, now: .now()) }
            await keep(id)
            throw error
        }
        await perform(id) { deployment, now in
            if isPinned { return deployment.loadedForPins(number, now: now.wall) }
            return isAgain
                ? deployment.loadedAgain(number, now: now) : deployment.loaded(number, percent: percent, now: now)
        }
    }

    /// Before any code runs; the registry decides in the end.
    private func checkAgents(of manifest: Manifest) throws(BundleError) {
        for agent in manifest.agents {
            guard let other = registry.agent(agent.id), other.descriptor.plugin != manifest.id else { continue }
            throw BundleError(
                reason: "agent id \"\(agent.id)\" is already taken by plugin \"\(other.descriptor.plugin)\"")
        }
    }

    /// Code that is mapped into this process stays there for good.
    private func countMapping(of record: Deployment.Record?, _ mode: PluginMode) throws(BundleError) {
        guard mode == .inProcess, let record, !mappedInProcess.contains(record.hash) else { return }
        guard mappedInProcess.count < GenerationLoader.inProcessLimit else {
            throw BundleError(
                reason:
                    "this process has loaded \(GenerationLoader.inProcessLimit) libraries, which cannot be unloaded; "
                    + "restart the host, or take the plugin out of AGENTHOST_TRUSTED")
        }
        mappedInProcess.insert(record.hash)
    }

    /// What the generation that serves hands over; nil when there is none, or it has nothing or fails.
    private func savedState(of id: String) async -> GenerationLoader.SavedState? {
        guard let slot = slots[id], let serving = slot.deployment.serving, let live = slot.live[serving],
            live.instance.offers.contains(.state)
        else { return nil }
        do throws(ProviderFailure) {
            let state = try await live.instance.control(.saveState, timeout: GenerationLoader.healthTimeout)
            return GenerationLoader.SavedState(version: live.manifest.version, json: state)
        } catch {
            log.warn(
                "the state of generation \(serving) could not be saved: \(error.status.sentence)",
                ["plugin": .string(id)])
            return nil
        }
    }

    // MARK: Decisions

    /// Runs `body` while nobody else changes the plugin.
    func exclusively<Value: Sendable, Failure: Error>(
        _ id: String, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        await withCheckedContinuation { turnstile.enter(id, $0) }
        defer { turnstile.leave(id) }
        return try await body()
    }

    /// Changes the plugin's deployment and answers what the change says.
    @discardableResult
    func change<Value>(_ id: String, _ body: (inout Deployment) -> Value) -> Value? {
        guard var deployment = slots[id]?.deployment else { return nil }
        defer { slots[id]?.deployment = deployment }
        return body(&deployment)
    }

    /// Changes the plugin's deployment and does what follows.
    func perform<Failure: Error>(
        _ id: String, _ body: (inout Deployment, Deployment.Moment) throws(Failure) -> [Deployment.Action]
    ) async throws(Failure) {
        guard var deployment = slots[id]?.deployment else { return }
        let actions = try body(&deployment, .now())
        slots[id]?.deployment = deployment
        for action in actions { await perform(action, of: id) }
        await keep(id)
    }

    private func perform(_ action: Deployment.Action, of id: String) async {
        switch action {
        case .route: route(id)
        case .retire(let number): retire(number, of: id)
        case .load(let number): reload(number, of: id)
        case .probation(let number, let until):
            deadlines.schedule(at: until) { [weak self] in Task { await self?.probationOver(number, of: id) } }
        case .log(let level, let sentence): log.write(level, sentence, ["plugin": .string(id)])
        }
    }

    /// Spreads turns as the deployment says.
    private func route(_ id: String) {
        guard let slot = slots[id] else { return }
        guard let serving = slot.deployment.serving.flatMap({ slot.live[$0] }) else {
            return registry.withdraw(plugin: id)
        }
        if let collision = registry.serve(serving.generation) {
            log.error("generation \(serving.generation.number) cannot serve: \(collision)", ["plugin": .string(id)])
        }
        let canary = slot.deployment.canary.flatMap { slot.live[$0] }
        registry.setCanary(
            canary.map { Registry.Canary(generation: $0.generation, percent: slot.deployment.percent) }, of: id)
        registry.setPinned(slot.deployment.pins.compactMapValues { slot.live[$0]?.generation }, of: id)
    }

    /// Lets it go when the turns that it has are over, or its time for that is.
    private func retire(_ number: Int, of id: String) {
        guard let live = slots[id]?.live[number] else { return }
        let limit = live.manifest.drainSeconds * 1_000
        Task {
            await untilFree(live.generation, milliseconds: limit)
            await live.instance.stop()
            await ended(number, of: id)
        }
    }

    private func untilFree(_ generation: Generation, milliseconds: Int64) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let once = Once { continuation.resume() }
            generation.whenFree { once.run() }
            deadlines.schedule(at: monotonicMilliseconds() + milliseconds) { once.run() }
        }
    }

    private func ended(_ number: Int, of id: String) async {
        guard slots[id]?.live.removeValue(forKey: number) != nil else { return }
        change(id) { $0.gone(number, now: .now()) }
        log.info("generation \(number) has ended", ["plugin": .string(id)])
        await keep(id)
    }

    /// Loads a generation again from its private copy, because a newer one was taken back.
    private func reload(_ number: Int, of id: String) {
        Task {
            await exclusively(id) {
                guard let record = slots[id]?.deployment.record(number) else { return }
                do throws(BundleError) {
                    try await load(loader.reopen(record), number, isAgain: true)
                } catch {
                    change(id) { $0.failed(number, error.reason, now: .now()) }
                    log.error(
                        "generation \(number) could not be loaded again: \(error.reason)", ["plugin": .string(id)])
                    await keep(id)
                }
            }
        }
    }

    private func probationOver(_ number: Int, of id: String) async {
        await perform(id) { deployment, now in deployment.probationOver(number, now: now) }
    }

    private func noticed(_ notice: PluginNotice, plugin id: String, generation number: Int) async {
        switch notice {
        case .crashed(let reason, _):
            await perform(id) { deployment, now in deployment.crashed(number, reason, now: now) }
        case .stuck(let reason):
            await perform(id) { deployment, now in deployment.crashed(number, reason, isFinal: true, now: now) }
        case .serving, .quarantined: break
        }
    }

    // MARK: Remembering

    /// Where deployments are kept: no plugin can have this id, which is no reverse domain.
    private static let space = KeySpace(plugin: "host", scope: .plugin)

    /// Keeps the deployment, so that a restart finds it. A failure is logged: it decides nothing now.
    func keep(_ id: String) async {
        guard let deployment = slots[id]?.deployment else { return }
        do throws(StoreError) {
            let write = KeyValueWrite(puts: [("deployment/\(id)", deployment.json.encoded)])
            _ = try await store.write(write, in: PluginHost.space)
        } catch {
            log.error(
                "the deployment could not be kept; a restart would not know of it",
                ["plugin": .string(id), "error": .string("\(error)")])
        }
    }

    /// What an earlier run has kept; a new one when there is nothing.
    func deployment(of id: String) async -> Deployment {
        let key = "deployment/\(id)"
        guard let entries = try? await store.values([key], in: PluginHost.space), let entry = entries.first,
            let json = try? JSON.parse(entry.value, maximumDepth: 8), var kept = Deployment(json), kept.plugin == id
        else { return Deployment(plugin: id) }
        kept.restart(now: .now())
        return kept
    }

    // MARK: The end

    /// Begins to watch the plugin folders.
    func watchFolders() {
        guard watch == nil, !isShutDown else { return }
        watch = FolderWatch(configuration.folders) { [weak self] in Task { await self?.changed() } }
        changed()
    }

    /// Withdraws all plugins, lets their open work end, destroys them and ends their workers; then what remains is killed. Each
    /// plugin gets its drain and destroy times; all are stopped at once.
    func shutdown() async {
        guard !isShutDown else { return }
        isShutDown = true
        watch?.close()
        for id in slots.keys { registry.withdraw(plugin: id) }
        let instances = slots.values.flatMap { $0.live.values.map(\.instance) }
        await withTaskGroup(of: Void.self) { group in
            for instance in instances { group.addTask { await instance.stop() } }
        }
        slots = [:]
        await blocking.run { [io, deadlines] in
            io.close()
            deadlines.close()
        }
        blocking.close()
    }
}

/// Lets one through at a time, for each key.
private struct Turnstile {
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    mutating func enter(_ key: String, _ continuation: CheckedContinuation<Void, Never>) {
        if waiting[key] == nil {
            waiting[key] = []
            continuation.resume()
        } else {
            waiting[key]?.append(continuation)
        }
    }

    mutating func leave(_ key: String) {
        guard var queue = waiting[key] else { return }
        guard !queue.isEmpty else { return waiting[key] = nil }
        let next = queue.removeFirst()
        waiting[key] = queue
        next.resume()
    }
}
