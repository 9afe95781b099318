internal import AgentPluginKit
public import PluginABI
internal import TripPlanner

/// What the host asks the library for: the plugin behind it.
@c @implementation
public func ap_plugin_entry_v1() -> UnsafePointer<ap_plugin_r1>? { unsafe entry(for: TripPlannerPlugin.self) }
