import AgentPluginKit
import PluginABI

/// What the host asks the library for: the plugin behind it.
@c @implementation
public func ap_plugin_entry_v1() -> UnsafePointer<ap_plugin_r1>? { entry(for: Hello.self) }
