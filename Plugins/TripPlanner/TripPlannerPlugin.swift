public import AgentPluginKit

/// Plans trips: the tool `lookup_destination` over a small catalogue, and a model made of rules that uses it.
public struct TripPlannerPlugin: AgentPlugin {
    /// As in the manifest.
    public static let id = "dev.agenthost.trip-planner"
    /// As in the manifest.
    public static let version = "1.0.0"

    /// There is nothing to configure.
    public init(host: Host, configuration: JSON) {}

    /// The tools of the manifest.
    public var tools: [Tool] {
        [Tool("lookup_destination") { (arguments: JSON, _) in try Catalogue.lookUp(Preferences(arguments)).json }]
    }

    /// The rules model.
    public var models: [Model] {
        [
            Model("trip-rules") { request, output in
                switch TripModel.step(request.messages) {
                case .lookUp(let arguments):
                    let names = request.toolNames
                    let name = names.first { $0 == "lookup_destination" || $0.hasSuffix("__lookup_destination") }
                    try await output.toolCall(
                        index: 0, id: "call_\(request.messages.count)", name: name ?? "lookup_destination",
                        arguments: arguments)
                    return .toolCalls
                case .say(let text):
                    for line in text.split(separator: "\n", omittingEmptySubsequences: false).joinedLines {
                        try await output.text(line)
                    }
                    return .stop
                }
            }
        ]
    }
}

extension [Substring] {
    /// The lines with their line ends, as pieces of an answer; none is empty.
    var joinedLines: [String] {
        enumerated().map { $0.offset + 1 < count ? $0.element + "\n" : String($0.element) }.filter { !$0.isEmpty }
    }
}
