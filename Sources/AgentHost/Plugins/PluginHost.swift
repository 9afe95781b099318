/// The front door of the room: finds plugins in folders, loads them in process or in workers, registers what they offer.
///
/// A plugin that is refused never keeps the others from loading.
actor PluginHost {
    private let configuration: PluginHostConfiguration
    private let registry: Registry
    private let store: any Store
    private let services: HostServices
    private let log: Logger
    private let io: WorkerIO
    private let deadlines = DeadlineTimer(name: "plugin-clock")
    private let blocking = BlockingWork(name: "plugin-load")
    private var instances: [PluginInstance] = []
    private var isShutDown = false

    init(
        configuration: PluginHostConfiguration, registry: Registry, store: any Store, dispatcher: any ToolDispatching,
        log: Logger
    ) throws(PluginHostError) {
        self.configuration = configuration
        self.registry = registry
        self.store = store
        self.log = log
        services = HostServices(store: store, registry: registry, dispatcher: dispatcher)
        do { io = try WorkerIO() } catch { throw .noResources(error.sentence) }
    }

    // MARK: Loading

    /// Scans the folders once (names that begin with a dot are left alone: copies under way), in order, and loads what is in them, sorted by name. Answers what became of each file. Throws when a
    /// folder is missing; then nothing was loaded.
    func loadAll() async throws(PluginHostError) -> [PluginReport] {
        var paths: [String] = []
        for folder in configuration.folders { paths += try await candidates(folder) }
        var reports: [PluginReport] = []
        for path in paths { reports.append(await report(path)) }
        return reports
    }

    private func candidates(_ folder: String) async throws(PluginHostError) -> [String] {
        let entries: [FileSystem.Entry]
        do {
            entries = try await blocking.run { () throws(FileError) in try FileSystem.list(folder) }
        } catch {
            throw error.code == 2 ? .folderMissing(folder) : .folderUnreadable(folder, reason: error.sentence)
        }
        return entries.map(\.name)
            .filter { ($0.hasSuffix(".agentplugin") || $0.hasSuffix(".so")) && !$0.hasPrefix(".") }
            .map { "\(folder)/\($0)" }
    }

    private func report(_ path: String) async -> PluginReport {
        var report = PluginReport(file: Bundle.lastComponent(path), state: .loaded)
        do {
            let bundle = try await blocking.run { () throws(BundleError) in try Bundle.read(path) }
            report.id = bundle.manifest.id
            report.mode = configuration.trusted.includes(bundle.manifest.id) ? .inProcess : .worker
            try await load(bundle, report.mode ?? .worker)
            log.info(
                "plugin loaded",
                [
                    "file": .string(report.file), "plugin": .string(bundle.manifest.id),
                    "version": .string(bundle.manifest.version), "mode": .string(report.mode?.rawValue ?? ""),
                ])
        } catch {
            let sentence = "\(report.file): \(error.reason)"
            report.state = .refused(sentence)
            log.error("plugin refused: \(sentence)", ["file": .string(report.file)])
        }
        return report
    }

    private func load(_ bundle: Bundle, _ mode: PluginMode) async throws(BundleError) {
        let manifest = bundle.manifest
        try checkRequirements(manifest)
        try checkUnique(manifest)
        let configuration = self.configuration
        let config = try await blocking.run { () throws(BundleError) in
            try PluginHost.config(of: manifest.id, in: configuration.configFolder)
        }
        let copy = try await blocking.run { () throws(BundleError) in
            try PrivateCopy.make(of: bundle, cache: configuration.cacheFolder)
        }
        let setup = PluginInstance.Setup(
            library: copy.library, config: config, hostVersion: configuration.hostVersion, secret: try await secret(),
            timeouts: configuration.timeouts, recovery: configuration.recovery)
        if mode == .inProcess { try await probe(bundle, setup) }
        let instance = PluginInstance(
            manifest, file: bundle.fileName, setup: setup, factory: factory(mode), services: services,
            deadlines: deadlines, log: log)
        if let refusal = await instance.start() { throw BundleError(reason: refusal) }
        do throws(BundleError) {
            try checkOffers(instance.offers, manifest)
            try register(instance)
        } catch {
            await instance.stop()
            throw error
        }
        instances.append(instance)
    }

    private func factory(_ mode: PluginMode) -> any PluginChannelFactory {
        switch mode {
        case .inProcess: InProcessChannelFactory()
        case .worker: WorkerChannelFactory(program: configuration.workerPath, io: io)
        }
    }

    /// Loads and creates the plugin in a worker that is thrown away: what would take this process down does so there (abi.md A17).
    private func probe(_ bundle: Bundle, _ setup: PluginInstance.Setup) async throws(BundleError) {
        let probe = PluginInstance(
            bundle.manifest, file: bundle.fileName, setup: setup, factory: factory(.worker), services: .unavailable,
            deadlines: deadlines, log: log, isProbe: true)
        let refusal = await probe.start()
        probe.kill()
        if let refusal { throw BundleError(reason: refusal) }
    }

    private func secret() async throws(BundleError) -> [UInt8] {
        do { return try await store.secret("subject") } catch {
            throw BundleError(reason: "the secret for subjects cannot be read from the database")
        }
    }

    private func checkRequirements(_ manifest: Manifest) throws(BundleError) {
        for id in manifest.requires where !services.offers(id) {
            throw BundleError(reason: "it requires \(id), which this host does not offer")
        }
    }

    /// Before any code runs; `register` decides in the end.
    private func checkUnique(_ manifest: Manifest) throws(BundleError) {
        if let other = instances.first(where: { $0.manifest.id == manifest.id }) {
            throw BundleError(reason: "plugin id \"\(manifest.id)\" is already taken by \(other.file)")
        }
        for agent in manifest.agents {
            guard let other = registry.agent(agent.id) else { continue }
            throw BundleError(
                reason: "agent id \"\(agent.id)\" is already taken by plugin \"\(other.descriptor.plugin)\"")
        }
    }

    /// What the manifest promises must be there.
    private func checkOffers(_ offers: PluginEvent.Offers, _ manifest: Manifest) throws(BundleError) {
        let promises: [(Bool, PluginEvent.Offers, String, String)] = [
            (manifest.agents.contains { $0.kind == .coded }, .agent, "coded agents", "ap.agent/1"),
            (manifest.tools.contains { !$0.runsInClient }, .tools, "tools", "ap.tools/1"),
            (!manifest.models.isEmpty, .model, "models", "ap.model/1"),
        ]
        for (isPromised, offer, what, table) in promises where isPromised && !offers.contains(offer) {
            throw BundleError(reason: "it declares \(what) but offers no \(table) table")
        }
    }

    /// `<folder>/<id>.json`, or an empty object when there is none.
    private static func config(of id: String, in folder: String?) throws(BundleError) -> [UInt8] {
        let empty = Array("{}".utf8)
        guard let folder else { return empty }
        let path = "\(folder)/\(id).json"
        guard FileSystem.kind(at: path) != nil else { return empty }
        let bytes: [UInt8]
        do { bytes = try FileSystem.read(path, limit: 256 << 10) } catch {
            let why = error.code == FileError.tooLarge ? "it is larger than 256 KiB" : error.sentence
            throw BundleError(reason: "its configuration \(path) cannot be read: \(why)")
        }
        do {
            guard try JSON.parse(bytes, maximumDepth: 64).object != nil else {
                throw BundleError(reason: "its configuration \(path) must be a JSON object")
            }
        } catch let error as JSONError {
            throw BundleError(reason: "its configuration \(path) is not JSON: \(error.sentence)")
        } catch { throw BundleError(reason: "its configuration \(path) must be a JSON object") }
        return bytes
    }

    // MARK: Registering

    private func register(_ instance: PluginInstance) throws(BundleError) {
        let manifest = instance.manifest
        var tools: [Registry.Tool] = []
        for tool in manifest.tools {
            let name = registry.exposedName(plugin: manifest.id, shortName: manifest.name, tool: tool.name)
            if let other = registry.tool(name) {
                throw BundleError(
                    reason: "tool \"\(tool.name)\" would be called \"\(name)\", which is taken by plugin "
                        + "\"\(other.descriptor.plugin)\"; change the manifest's name")
            }
            tools.append(Registry.Tool(descriptor: tool.descriptor(manifest.id, exposedName: name), provider: instance))
        }
        let agents = manifest.agents.map { agent in
            Registry.Agent(descriptor: agent.descriptor(manifest.id), provider: agent.kind == .coded ? instance : nil)
        }
        let models = manifest.models.map { Registry.Model(plugin: manifest.id, id: $0.id, provider: instance) }
        if let collision = registry.register(plugin: manifest.id, agents: agents, tools: tools, models: models) {
            throw BundleError(reason: collision)
        }
    }

    /// How each plugin is, sorted by id.
    var health: [PluginHealth] { instances.map(\.health).sorted { $0.id < $1.id } }

    // MARK: The end

    /// Withdraws all plugins, lets their open work end, destroys them and ends their workers; then what remains is killed. Each
    /// plugin gets its drain and destroy times; all are stopped at once.
    func shutdown() async {
        guard !isShutDown else { return }
        isShutDown = true
        for instance in instances { registry.withdraw(plugin: instance.manifest.id) }
        await withTaskGroup(of: Void.self) { group in
            for instance in instances { group.addTask { await instance.stop() } }
        }
        instances = []
        await blocking.run { [io, deadlines] in
            io.close()
            deadlines.close()
        }
        blocking.close()
    }
}

extension Manifest.Agent {
    fileprivate func descriptor(_ plugin: String) -> AgentDescriptor {
        let declarative = DeclarativeAgent(
            instructions: instructions, model: model, offlineModel: offlineModel, tools: tools, maxSteps: maxSteps)
        return AgentDescriptor(
            id: id, title: title, plugin: plugin, kind: kind == .coded ? .coded : .declarative(declarative),
            accepts: accepts)
    }
}

extension Manifest.Tool {
    fileprivate func descriptor(_ plugin: String, exposedName: String) -> ToolDescriptor {
        ToolDescriptor(
            plugin: plugin, name: name, exposedName: exposedName, title: title, description: description,
            inputSchema: inputSchema, outputSchema: outputSchema, timeout: timeout, isReadOnly: isReadOnly,
            isIdempotent: isIdempotent, isDestructive: isDestructive, needsApproval: needsApproval,
            runsInClient: runsInClient)
    }
}
