// swift-tools-version: 6.3
import PackageDescription

/// Language settings of every Swift target: Swift 6 mode, explicit imports, no warnings.
let everywhere: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Code that ships also marks every use of unsafe memory.
let sources = everywhere + [.strictMemorySafety()]

/// A plugin is shipped as one shared library. Its entry is a target of its own, because every plugin has the same entry
/// symbol, and tests link the rest of several plugins.
func plugin(_ name: String) -> [Target] {
    [
        .target(
            name: name,
            dependencies: ["AgentPluginKit"],
            path: "Plugins/\(name)",
            exclude: ["plugin.json", "Entry"],
            swiftSettings: sources
        ),
        .target(
            name: "\(name)Entry",
            dependencies: [.target(name: name), "AgentPluginKit", "PluginABI"],
            path: "Plugins/\(name)/Entry",
            swiftSettings: sources
        ),
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.target(name: name), "AgentPluginKit"],
            swiftSettings: everywhere
        ),
    ]
}

/// Tools of the hostile-input tests (`docs/testing.md`). They exist only when a script asks for them: nothing of them ships.
let wantsHostileInput = Context.environment["AGENTHOST_HOSTILE_INPUT"] != nil
let hostileInputProducts: [Product] = [
    .library(name: "FuzzTargets", type: .static, targets: ["FuzzTargets"]),
    .executable(name: "http-verdicts", targets: ["http-verdicts"]),
]
let hostileInputTargets: [Target] = [
    .target(
        name: "FuzzTargets",
        dependencies: ["AgentHost", "PluginABI", "PluginRuntime"],
        path: "Tests/Fuzz/Targets",
        swiftSettings: everywhere
    ),
    .executableTarget(
        name: "http-verdicts",
        dependencies: ["AgentHost"],
        path: "Tests/Differential/Verdicts",
        swiftSettings: everywhere
    ),
]

/// A benchmark that needs the inside of the host (`docs/performance.md`); `Benchmarks/run.sh` asks for it.
let wantsBenchmarks = Context.environment["AGENTHOST_BENCHMARKS"] != nil
let benchmarkTargets: [Target] = [
    .executableTarget(
        name: "turns-at-once",
        dependencies: ["AgentHost"],
        path: "Benchmarks/Turns",
        swiftSettings: everywhere
    )
]

let package = Package(
    name: "AgentHost",
    products: [
        .executable(name: "host-server", targets: ["host-server"]),
        .library(name: "AgentHost", targets: ["AgentHost"]),
        .library(name: "AgentPluginKit", targets: ["AgentPluginKit"]),
        .library(name: "PluginABI", targets: ["PluginABI"]),
        .library(name: "TripPlanner", type: .dynamic, targets: ["TripPlannerEntry"]),
        .library(name: "TodoTasks", type: .dynamic, targets: ["TodoTasksEntry"]),
    ] + (wantsHostileInput ? hostileInputProducts : []),
    targets: [
        // The contract, and the C it stands on.
        .target(name: "PluginABI", exclude: ["abi.lock", "agent-plugin.pc.in", "rust"]),
        .target(name: "PluginRuntime", dependencies: ["PluginABI", "CPlatform"]),
        .target(name: "CPlatform"),
        .target(name: "CJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CCurl", publicHeadersPath: ".", linkerSettings: [.linkedLibrary("curl")]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        // The host's side.
        .target(
            name: "AgentHost",
            dependencies: ["PluginABI", "PluginRuntime", "CPlatform", "CJSON", "CCurl", "CSQLite", "CCrypto"],
            swiftSettings: sources
        ),
        .executableTarget(name: "host-server", dependencies: ["AgentHost"], swiftSettings: sources),

        // The plugin's side.
        .target(name: "AgentPluginKit", dependencies: ["PluginABI"], swiftSettings: sources),

        // Tests of the host do not depend on plugins: that would link them in.
        .testTarget(name: "AgentHostTests", dependencies: ["AgentHost"], swiftSettings: everywhere),
        .testTarget(
            name: "AgentPluginKitTests",
            dependencies: ["AgentPluginKit", "PluginABI"],
            swiftSettings: everywhere
        ),
        .testTarget(name: "PluginTests", dependencies: ["AgentHost"], swiftSettings: everywhere),
        .testTarget(name: "HostServerTests", dependencies: ["AgentHost"], swiftSettings: everywhere),
    ] + plugin("TodoTasks") + plugin("TripPlanner") + (wantsHostileInput ? hostileInputTargets : [])
        + (wantsBenchmarks ? benchmarkTargets : []),
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
