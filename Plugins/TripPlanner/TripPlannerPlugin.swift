public import AgentPluginKit

public struct TripPlannerPlugin: AgentPlugin {
    public static let id = "dev.agenthost.x"
    public static let version = "1.0.0"
    public init(host: Host, configuration: JSON) {}
}
