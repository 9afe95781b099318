// swift-tools-version: 6.3
import PackageDescription

/// Where AgentHost lies: its checkout, or `<prefix>/share/agenthost` once installed.
let agentHost = Context.environment["AGENTHOST"] ?? "../.."

let package = Package(
    name: "HelloSwift",
    products: [.library(name: "HelloSwift", type: .dynamic, targets: ["HelloSwift"])],
    dependencies: [.package(name: "AgentHost", path: agentHost)],
    targets: [
        .target(
            name: "HelloSwift",
            dependencies: [
                .product(name: "AgentPluginKit", package: "AgentHost"),
                .product(name: "PluginABI", package: "AgentHost"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
