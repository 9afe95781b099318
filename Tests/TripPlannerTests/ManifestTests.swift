import AgentPluginKit
import Foundation
import Testing

@testable import TripPlanner

/// The manifest and the code speak of the same things.
struct TripPlannerManifestTests {
    @Test func manifestFitsTheCode() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appendingPathComponent("Plugins/TripPlanner/plugin.json")
        let manifest = try JSON.parse(Array(Data(contentsOf: file)))
        #expect(manifest["id"]?.string == TripPlannerPlugin.id)
        #expect(manifest["version"]?.string == TripPlannerPlugin.version)
        #expect(manifest["library"] == "libTripPlanner.so")
        let tools = try #require(manifest["tools"]?.array).compactMap { $0["name"]?.string }
        #expect(manifest["agents"]?.array?.first?["tools"]?.array?.compactMap(\.string) == tools)
        #expect(tools == ["lookup_destination"])
    }
}
