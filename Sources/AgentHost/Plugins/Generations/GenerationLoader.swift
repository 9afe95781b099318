/// A generation whose code is loaded.
struct LiveGeneration: Sendable {
    let generation: Generation
    let instance: PluginInstance
    let manifest: Manifest
}

/// Loads one generation of a plugin: reads, checks, copies, creates, probes. What it answers is ready to take turns, but gets none yet.
struct GenerationLoader: Sendable {
    /// Generations whose code this process has mapped, at most: in process, code is never unmapped (abi.md 4.9).
    static let inProcessLimit = 64
    /// Milliseconds that the plugin's own health check may take.
    static let healthTimeout: Int64 = 10_000

    let configuration: PluginHostConfiguration
    /// Of all plugins.
    let limits: PluginLimitTable
    let registry: Registry
    let store: any Store
    let services: HostServices
    let io: WorkerIO
    let deadlines: DeadlineTimer
    let blocking: BlockingWork
    let log: Logger

    /// What a generation hands over.
    struct SavedState: Sendable {
        /// Of the plugin that saved it.
        var version: String
        var json: [UInt8]
    }

    /// What is to be loaded.
    struct Plan: Sendable {
        var bundle: Bundle
        var number: Int
        var mode: PluginMode
        /// State of the generation before, to be handed over.
        var state: SavedState?
        var onNotice: @Sendable (PluginNotice) -> Void
    }

    /// Reads what lies in a plugin folder.
    func read(_ path: String) async throws(BundleError) -> Bundle {
        try await admit { () throws(BundleError) in try Bundle.read(path) }
    }

    /// Reads the private copy of a generation that was loaded before.
    func reopen(_ record: Deployment.Record) async throws(BundleError) -> Bundle {
        let cache = configuration.cacheFolder
        return try await admit { () throws(BundleError) in
            try PrivateCopy.reopen(hash: record.hash, file: record.file, cache: cache)
        }
    }

    /// Judges what was read; what may be loaded comes with the host's adapter, if it needs that.
    private func admit(_ read: @escaping @Sendable () throws(BundleError) -> Bundle) async throws(BundleError) -> Bundle
    {
        let (rules, adapter) = (configuration.rules, configuration.adapterPath)
        let (bundle, warning) = try await blocking.run { () throws(BundleError) in
            let admitted = try PluginTrust.admit(try read(), rules)
            return (try admitted.bundle.withAdapter(at: adapter), admitted.warning)
        }
        if let warning { log.warn(warning, ["plugin": .string(bundle.manifest.id)]) }
        return bundle
    }

    func load(_ plan: Plan) async throws(BundleError) -> LiveGeneration {
        let manifest = plan.bundle.manifest
        try checkRequirements(manifest)
        let setup = try await setup(plan.bundle)
        if plan.mode == .inProcess { try await probe(plan.bundle, setup) }
        let instance = PluginInstance(
            manifest, file: plan.bundle.fileName, setup: setup, factory: factory(plan.mode, setup), services: services,
            deadlines: deadlines, log: log.with(["generation": .int(Int64(plan.number))]), onNotice: plan.onNotice)
        if let refusal = await instance.start() { throw BundleError(reason: refusal) }
        do throws(BundleError) {
            try checkOffers(instance.offers, manifest)
            try await checkHealth(instance)
            if let state = plan.state { try await handOver(state, to: instance) }
            let generation = try generation(manifest, plan.number, instance)
            instance.generation = generation
            return LiveGeneration(generation: generation, instance: instance, manifest: manifest)
        } catch {
            await instance.stop()
            throw error
        }
    }

    private func setup(_ bundle: Bundle) async throws(BundleError) -> PluginInstance.Setup {
        let configuration = self.configuration
        let id = bundle.manifest.id
        let config = try await blocking.run { () throws(BundleError) in
            try GenerationLoader.config(of: id, in: configuration.configFolder)
        }
        let copy = try await blocking.run { () throws(BundleError) in
            try PrivateCopy.make(of: bundle, cache: configuration.cacheFolder)
        }
        let limits = self.limits.limits(of: bundle.manifest)
        return PluginInstance.Setup(
            library: copy.library,
            sandbox: WorkerSandbox(
                configuration.sandboxPolicy, for: bundle, in: copy.folder, read: configuration.sandboxReadFolders,
                limits: limits),
            config: config, hostVersion: configuration.hostVersion, secret: try await secret(),
            timeouts: configuration.timeouts, recovery: configuration.recovery,
            limits: limits)
    }

    private func factory(_ mode: PluginMode, _ setup: PluginInstance.Setup) -> any PluginChannelFactory {
        switch mode {
        case .inProcess: InProcessChannelFactory()
        case .worker: WorkerChannelFactory(program: configuration.workerPath, sandbox: setup.sandbox, io: io)
        }
    }

    /// Loads and creates the plugin in a worker that is thrown away: what would take this process down does so there (abi.md A17).
    private func probe(_ bundle: Bundle, _ setup: PluginInstance.Setup) async throws(BundleError) {
        let probe = PluginInstance(
            bundle.manifest, file: bundle.fileName, setup: setup, factory: factory(.worker, setup),
            services: .unavailable,
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

    // MARK: Checks

    private func checkRequirements(_ manifest: Manifest) throws(BundleError) {
        for id in manifest.requires where !services.offers(id) {
            throw BundleError(reason: "it requires \(id), which this host does not offer")
        }
    }

    /// What the manifest promises must be there.
    private func checkOffers(_ offers: PluginEvent.Offers, _ manifest: Manifest) throws(BundleError) {
        let promises: [(Bool, PluginEvent.Offers, String, String)] = [
            (manifest.agents.contains { $0.kind == .coded }, .agent, "coded agents", "ap.agent/1"),
            (manifest.tools.contains { !$0.runsInClient }, .tools, "tools", "ap.tools/1"),
            (!manifest.models.isEmpty, .model, "models", "ap.model/1"),
            (manifest.agents.contains { !$0.hooks.isEmpty }, .hooks, "hooks", "ap.agent-hooks/1"),
        ]
        for (isPromised, offer, what, table) in promises where isPromised && !offers.contains(offer) {
            throw BundleError(reason: "it declares \(what) but offers no \(table) table")
        }
    }

    /// The plugin must answer, and if it can tell how it is, be well.
    private func checkHealth(_ instance: PluginInstance) async throws(BundleError) {
        guard instance.offers.contains(.health) else { return }
        do throws(ProviderFailure) {
            _ = try await instance.control(.checkHealth, timeout: GenerationLoader.healthTimeout)
        } catch {
            throw BundleError(reason: "its health check failed: \(error.status.sentence)")
        }
    }

    private func handOver(_ state: SavedState, to instance: PluginInstance) async throws(BundleError) {
        guard instance.offers.contains(.state) else { return }
        do throws(ProviderFailure) {
            _ = try await instance.control(
                .loadState(state.json, version: state.version), timeout: configuration.timeouts.create)
        } catch {
            throw BundleError(
                reason: "it did not take over the state of the generation before: \(error.status.sentence)")
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

    // MARK: What it provides

    private func generation(
        _ manifest: Manifest, _ number: Int, _ instance: PluginInstance
    ) throws(BundleError) -> Generation {
        var tools: [Registry.Tool] = []
        for tool in manifest.tools {
            let name = registry.exposedName(plugin: manifest.id, shortName: manifest.name, tool: tool.name)
            if let other = registry.tool(name), other.descriptor.plugin != manifest.id {
                throw BundleError(
                    reason: "tool \"\(tool.name)\" would be called \"\(name)\", which is taken by plugin "
                        + "\"\(other.descriptor.plugin)\"; change the manifest's name")
            }
            tools.append(Registry.Tool(descriptor: tool.descriptor(manifest.id, exposedName: name), provider: instance))
        }
        let agents = manifest.agents.map { agent in
            Registry.Agent(
                descriptor: agent.descriptor(manifest.id), provider: agent.kind == .coded ? instance : nil,
                hooks: agent.hooks.isEmpty ? nil : instance)
        }
        let models = manifest.models.map { Registry.Model(plugin: manifest.id, id: $0.id, provider: instance) }
        return Generation(plugin: manifest.id, number: number, agents: agents, tools: tools, models: models)
    }
}

extension Manifest.Agent {
    fileprivate func descriptor(_ plugin: String) -> AgentDescriptor {
        let declarative = DeclarativeAgent(
            instructions: instructions, model: model, offlineModel: offlineModel, tools: tools, agents: agents,
            handoffs: handoffs, hooks: hooks, maxSteps: maxSteps)
        return AgentDescriptor(
            id: id, title: title, summary: description, plugin: plugin,
            kind: kind == .coded ? .coded : .declarative(declarative),
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
