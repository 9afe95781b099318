/// A plugin: one type that offers tools, models and coded agents.
///
/// What is offered is declared in `plugin.json`; the names here must match it. Export the plugin with one line:
///
/// ```swift
/// @c @implementation public func ap_plugin_entry_v1() -> UnsafePointer<ap_plugin_r1>? { unsafe entry(for: MyPlugin.self) }
/// ```
///
/// All handlers are `async` and run on Swift's own threads, several at a time: never block in one.
public protocol AgentPlugin: Sendable {
    /// The `id` of the manifest, e.g. `com.example.weather`.
    static var id: String { get }
    /// The `version` of the manifest.
    static var version: String { get }

    /// Makes the instance. Must not wait for answers of the host: they come only afterwards.
    /// - Parameter configuration: an object; empty if nothing is configured.
    /// - Throws: anything; the plugin is then refused and the error is logged.
    init(host: Host, configuration: JSON) throws

    /// The tools of the manifest. Read once, after `init`.
    var tools: [Tool] { get }
    /// The models of the manifest. Read once, after `init`.
    var models: [Model] { get }
    /// The agents of the manifest whose kind is `coded`. Read once, after `init`.
    var agents: [Agent] { get }

    /// Called once before the instance goes away, when no call is open. At most 10 s in all.
    func shutdown() async
}

extension AgentPlugin {
    /// None.
    public var tools: [Tool] { [] }
    /// None.
    public var models: [Model] { [] }
    /// None.
    public var agents: [Agent] { [] }
    /// Nothing to do.
    public func shutdown() async {}
}

/// A plugin that takes a changed configuration without being loaded anew.
public protocol ReconfigurablePlugin: AgentPlugin {
    /// The configuration is now this object. Blocks the plugin's control lane: be quick.
    /// - Throws: anything; the host then keeps the old configuration.
    func configurationChanged(_ configuration: JSON) throws
}
