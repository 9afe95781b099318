import Foundation
import Testing

@testable import AgentHost

/// The worker program and the fixture plugins, built once for each run of the tests.
enum Fixtures {
    struct Built: Sendable {
        /// Folder of bundles and single files.
        var plugins: String
        /// Folder of the worker program, and of hostile ones in `hostile/`.
        var folder: String
    }

    static func built() throws -> Built { try result.get() }

    private static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let result: Result<Built, any Error> = Result {
        let folder = package.appendingPathComponent(".build/plugin-tests")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let worker = folder.appendingPathComponent("plugin-worker").path
        try run("Sources/plugin-worker/build.sh '\(worker)' -O1")
        let plugins = folder.appendingPathComponent("plugins").path
        try run("bash Tests/Fixtures/build.sh '\(plugins)'")
        let hostile = folder.appendingPathComponent("hostile")
        try FileManager.default.createDirectory(at: hostile, withIntermediateDirectories: true)
        try run(
            """
            cc -std=c11 -Wall -Wextra -Werror -ISources/PluginABI/include -ISources/PluginRuntime/include -ISources/CPlatform/include \
            -o '\(hostile.path)/garbage' Tests/Fixtures/Hostile/worker.c Sources/PluginRuntime/frames.c
            """)
        for name in ["deaf", "gone", "talk", "flood", "liar"] {
            try FileManager.default.copyItem(atPath: "\(hostile.path)/garbage", toPath: "\(hostile.path)/\(name)")
        }
        return Built(plugins: plugins, folder: folder.path)
    }

    struct BuildFailed: Error {
        var command: String
        var output: String
    }

    private static func run(_ command: String) throws {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", command]
        process.currentDirectoryURL = package
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BuildFailed(command: command, output: String(decoding: output.suffix(4_000), as: UTF8.self))
        }
    }
}
