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

    /// Opens the store, loads every plugin that can be loaded, and closes turns that an earlier run left open.
    ///
    /// - Throws: `HostError` when the database or a plugin folder cannot be used. A plugin that cannot be loaded is logged and
    ///   left out.
    public static func start(_ configuration: Configuration) async throws(HostError) -> AgentHost {
        let host = try AgentHost(configuration)
        do {
            _ = try await host.plugins.loadAll()
        } catch {
            await host.shutdown()
            throw HostError(error.sentence, code: error.code)
        }
        if configuration.watchesPlugins { await host.plugins.watchFolders() }
        host.checkDefaultAgent()
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
        EchoAgent.register(in: registry)
        let tools = ToolDispatcher(directory: registry, log: log)
        do {
            plugins = try PluginHost(
                configuration: PluginHostConfiguration(configuration), registry: registry, store: store,
                dispatcher: tools, log: log)
        } catch {
            throw HostError(error.sentence, code: error.code)
        }
        engine = TurnEngine(
            store: store, registry: registry, tools: tools, configuration: TurnConfiguration(configuration), log: log)
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
        blocking.close()
        await plugins.shutdown()
        await store.close()
        log.flush()
    }
}

extension PluginHostConfiguration {
    fileprivate init(_ configuration: Configuration) {
        self.init(
            folders: configuration.pluginFolders, cacheFolder: configuration.cacheFolder,
            workerPath: configuration.workerPath,
            trusted: configuration.trusted.contains("*") ? .all : .only(configuration.trusted),
            configFolder: configuration.pluginConfigurationFolder, hostVersion: AgentHost.version,
            recovery: PluginRecovery(
                quarantineCrashes: configuration.quarantineCrashes, longestPause: configuration.longestRestartPause),
            limitsFile: configuration.pluginLimitsFile)
    }
}

extension TurnConfiguration {
    fileprivate init(_ configuration: Configuration) {
        self.init()
        maximumHistory = configuration.maximumHistory
        policy = configuration.turnPolicy
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
        addProbes(store: store, isDraining: { engine.isStopping }, plugins: { await plugins.health })
        addMetrics(
            MetricsEndpoint(authorization: AdminAuthorization(token: configuration.adminToken)) {
                await requests.metrics + engine.metrics + ProcessMetrics.metrics
                    + PluginMetering.metrics(plugins.metering)
            })
    }
}
