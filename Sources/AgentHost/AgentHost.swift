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
    let engine: TurnEngine
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
            throw HostError(error.description, code: error.code)
        }
        await host.engine.recover()
        return host
    }

    private init(_ configuration: Configuration) throws(HostError) {
        self.configuration = configuration
        log = Logger(level: configuration.logLevel)
        do {
            store = try SQLiteStore(path: configuration.databasePath, log: log)
        } catch {
            throw HostError(error.description, code: error.code)
        }
        registry = Registry()
        EchoAgent.register(in: registry)
        let tools = ToolDispatcher(registry: registry)
        plugins = PluginHost(
            configuration: PluginHostConfiguration(configuration), registry: registry, store: store, tools: tools,
            log: log)
        engine = TurnEngine(
            store: store, registry: registry, tools: tools, configuration: TurnConfiguration(configuration), log: log)
        server = HTTPServer(
            configuration: HTTPServerConfiguration(host: configuration.host, port: configuration.port),
            handler: Site.routes(
                engine: engine, store: store, registry: registry, defaultAgent: configuration.defaultAgent,
                corsOrigins: configuration.corsOrigins, log: log),
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
            throw HostError(error.description, code: error.code)
        }
        return "http://\(configuration.host):\(server.port)"
    }

    /// Stops: the listener first, then turns (they may go on for the drain time), then plugins and the store.
    public func shutdown() async {
        async let http: Void = server.shutdown(drainMilliseconds: configuration.drainMilliseconds)
        await engine.shutdown(drainMilliseconds: configuration.drainMilliseconds)
        await http
        await plugins.shutdown()
        await store.close()
        log.flush()
    }
}

/// Why the host cannot start or serve.
public struct HostError: Error, Hashable, CustomStringConvertible {
    /// Stable, for machines.
    public let code: String
    /// One sentence that says what to do.
    public let description: String

    init(_ description: String, code: String) {
        self.description = description
        self.code = code
    }
}
