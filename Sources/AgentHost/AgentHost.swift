/// The host, put together: store, plugins, turn engine and doors. Composition only.
///
/// `start` opens the store and loads the plugins; `serve` opens the HTTP door; `shutdown` drains. May be used from any thread.
public final class AgentHost: Sendable {
    /// The version of this host.
    public static let version = "0.1.0"

    private let configuration: Configuration
    private let log: Logger
    private let store: SQLiteStore
    private let registry: Registry
    private let plugins: PluginHost
    private let engine: TurnEngine
    private let server: HTTPServer
    private let client: HTTPClient

    /// Opens the store, loads every plugin that can be loaded, and closes turns that an earlier run left open.
    ///
    /// - Throws: `HostError` when the database or a plugin folder cannot be used. A plugin that cannot be loaded is logged and
    ///   left out.
    public static func start(_ configuration: Configuration) async throws(HostError) -> AgentHost {
        let reports = CrashReports(folder: configuration.crashFolder, log: Logger(level: configuration.logLevel))
        reports.tellOfEarlier()
        reports.install(
            program: "host-server \(version)",
            handsOver: processEnvironment()["SWIFT_BACKTRACE"]?.contains("enable=yes") == true)
        let host = try AgentHost(configuration)
        do {
            _ = try await host.plugins.loadAll()
        } catch {
            await host.shutdown()
            throw HostError(error.sentence, code: error.code)
        }
        if configuration.watchesPlugins { await host.plugins.watchFolders() }
        host.checkDefaultAgent()
        host.noteModels()
        await host.engine.recover()
        host.engine.recoverRegularly()
        return host
    }

    /// New threads that name no agent would all be refused: the operator hears of it before the first one.
    private func checkDefaultAgent() {
        guard let agent = configuration.defaultAgent, registry.agent(agent) == nil else { return }
        log.warn(
            "CHATKIT_DEFAULT_AGENT names \"\(agent)\", which is not loaded; loaded are "
                + agentIDs.joined(separator: ", "))
    }

    /// Says who will answer, and whether a key would travel in the open.
    private func noteModels() {
        let providers = configuration.models.providers
        guard !providers.isEmpty else {
            return log.info("no language model is configured: agents answer with their offline models (docs/models.md)")
        }
        log.info("language models", ["providers": .array(providers.map { .string($0.name) })])
        for provider in providers where provider.key != nil {
            guard let address = WebAddress(provider.baseURL), address.scheme == "http",
                !Configuration.isLoopback(address.host)
            else { continue }
            log.warn("the key of provider \"\(provider.name)\" is sent without TLS; use an https address")
        }
    }

    private init(_ configuration: Configuration) throws(HostError) {
        ProcessMetrics.begin()
        self.configuration = configuration
        log = Logger(level: configuration.logLevel)
        do {
            store = try SQLiteStore(path: configuration.databasePath)
        } catch {
            throw HostError(error.sentence, code: "database_" + error.code.rawValue)
        }
        registry = Registry()
        client = HTTPClient(certificates: configuration.models.certificates)
        let models = ModelCatalogue(configuration.models, client: client, log: log)
        EchoAgent.register(in: registry, models: models.map { [Registry.Model($0)] } ?? [])
        let tools = ToolDispatcher(directory: registry, policy: try ToolPolicy(configuration), log: log)
        do {
            plugins = try PluginHost(
                configuration: PluginHostConfiguration(configuration), registry: registry, store: store,
                dispatcher: tools, http: client, log: log)
        } catch {
            throw HostError(error.sentence, code: error.code)
        }
        engine = TurnEngine(
            store: store, registry: registry, tools: tools, configuration: TurnConfiguration(configuration, models),
            log: log)
        let requests = RequestCounters()
        server = HTTPServer(
            configuration: HTTPServerConfiguration(host: configuration.host, port: Int(configuration.port)),
            handler: EndpointHandler(
                router: Router(
                    engine: engine, store: store, registry: registry, plugins: plugins, requests: requests,
                    configuration: configuration, log: log),
                cors: CORS(origins: configuration.corsOrigins.map { Set($0) }), log: log, counters: requests),
            log: log)
    }

    /// Opens the HTTP door.
    ///
    /// - Returns: the URL people can open, with the actual port.
    /// - Throws: `HostError` when the address cannot be had.
    public func serve() throws(HostError) -> String {
        do {
            try server.start()
        } catch {
            throw HostError(error.message, code: error.code)
        }
        return "http://\(configuration.host):\(server.port)"
    }

    /// Ids of the agents that can be talked to, sorted.
    public var agentIDs: [String] { registry.agents.map(\.descriptor.id) }

    /// Begins a conversation with an agent, as the terminal does: same engine, no HTTP.
    ///
    /// - Parameters:
    ///   - agent: id of a loaded agent.
    ///   - user: the self-declared user, as `X-User-ID` would say.
    /// - Throws: `HostError` (`unknown_agent`) that lists the agents there are.
    public func conversation(agent: String, user: String) throws(HostError) -> Conversation {
        guard agentIDs.contains(agent) else {
            throw HostError(
                "There is no agent \"\(agent)\"; loaded are \(agentIDs.joined(separator: ", ")).", code: "unknown_agent"
            )
        }
        return Conversation(engine: engine, agent: agent, owner: OwnerKey("h:" + user))
    }

    /// Stops: the listener first, then turns (they may go on for the drain time), then plugins and the store.
    public func shutdown() async {
        let drain = configuration.drainMilliseconds
        let blocking = BlockingWork(name: "shutdown")
        // The engine ends the turns first: then their clients read how they ended, instead of a stream that is cut.
        let http = drain + TurnEngine.endingMilliseconds
        async let quiet: Bool = blocking.run { [server] in server.shutdown(drainMilliseconds: http) }
        await engine.shutdown(drainMilliseconds: drain)
        _ = await quiet
        await plugins.shutdown()
        // Behind those who may still wait for an answer.
        await blocking.run { [client] in client.close() }
        blocking.close()
        await store.close()
        log.flush()
    }
}

extension PluginHostConfiguration {
    fileprivate init(_ configuration: Configuration) {
        self.init(
            folders: configuration.pluginFolders, cacheFolder: configuration.cacheFolder,
            workerPath: configuration.workerPath, sandboxPolicy: configuration.sandboxPolicy,
            sandboxReadFolders: configuration.sandboxReadFolders,
            trusted: configuration.trusted.contains("*") ? .all : .only(configuration.trusted),
            rules: PluginTrust.Rules(
                policy: configuration.pluginPolicy, allowsUnsigned: configuration.allowsUnsigned),
            configFolder: configuration.pluginConfigurationFolder, hostVersion: AgentHost.version,
            recovery: PluginRecovery(
                quarantineCrashes: configuration.quarantineCrashes, longestPause: configuration.longestRestartPause),
            limitsFile: configuration.pluginLimitsFile)
    }
}

extension ToolPolicy {
    /// Reads the operator's file, if there is one. A policy that cannot be read must not count as none.
    fileprivate init(_ configuration: Configuration) throws(HostError) {
        guard let path = configuration.toolPolicyPath else {
            self.init()
            return
        }
        let bytes: [UInt8]
        do { bytes = try FileSystem.read(path, limit: ToolPolicy.limit) } catch {
            throw HostError(
                "AGENTHOST_TOOL_POLICY: \(path) cannot be read: \(error.sentence).", code: "invalid_tool_policy")
        }
        do { try self.init(parsing: bytes) } catch {
            throw HostError("AGENTHOST_TOOL_POLICY: \(path): \(error.sentence).", code: "invalid_tool_policy")
        }
    }
}

extension TurnConfiguration {
    fileprivate init(_ configuration: Configuration, _ models: ModelCatalogue?) {
        self.init()
        defaultModel = { agent, requested in models?.choice(agent: agent, requested: requested) }
        maximumHistory = configuration.maximumHistory
        historyBudget = configuration.historyBudget
        maximumTokens = configuration.turnTokens
        approvalLifetime = configuration.approvalMilliseconds
        policy = configuration.turnPolicy
    }
}

extension Registry.Model {
    /// The model of completions that no agent asks for, under the name by which plugins' requests find it.
    fileprivate init(_ models: ModelCatalogue) {
        let name = ModelService.defaultModel
        self.init(plugin: name.plugin, id: name.id, provider: models.besideAgents.provider)
    }
}

extension Router {
    /// Every route of this host.
    fileprivate init(
        engine: TurnEngine, store: any Store, registry: Registry, plugins: PluginHost, requests: RequestCounters,
        configuration: Configuration, log: Logger
    ) {
        self.init()
        let chatKit = ChatKitEndpoint(
            engine: engine, store: store, identification: CallerIdentification(),
            agents: AgentRouter(registry: registry, configuredDefault: configuration.defaultAgent),
            routeDefault: "TripPlanner", log: log)
        addChatKit(chatKit)
        addAdmin(
            plugins: plugins,
            authorization: AdminAuthorization(token: configuration.adminToken), log: log)
        addProbes(
            store: store, isDraining: { engine.isStopping }, plugins: { await plugins.health },
            sandbox: { await plugins.sandbox })
        addMetrics(
            MetricsEndpoint(authorization: AdminAuthorization(token: configuration.adminToken)) {
                await requests.metrics + engine.metrics + ProcessMetrics.metrics
                    + PluginMetering.metrics(plugins.metering)
            })
    }
}
