// swift-tools-version: 6.3
import PackageDescription

// What `make install` puts beside the installed sources of AgentPluginKit: the part of AgentHost that a plugin in Swift is built on.
let package = Package(
    name: "AgentHost",
    products: [
        .library(name: "AgentPluginKit", targets: ["AgentPluginKit"]),
        .library(name: "PluginABI", targets: ["PluginABI"]),
    ],
    targets: [
        .target(name: "PluginABI"),
        .target(
            name: "AgentPluginKit", dependencies: ["PluginABI"],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"), .strictMemorySafety(),
            ]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
