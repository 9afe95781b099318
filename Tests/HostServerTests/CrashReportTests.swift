import Foundation
import Testing

/// A trusted plugin takes the whole process with it: what is left says which one it was.
struct CrashReportTests {
    private static func server(_ folder: URL? = nil) throws -> ServerProcess {
        try ServerProcess(folder: folder, plugins: [ContainmentTests.rogue], trusted: "*")
    }

    private static func reports(_ server: ServerProcess) -> [String] {
        let folder = server.folder.appendingPathComponent("cache/crashes")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasPrefix("crash-") }.sorted().compactMap {
            try? String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)
        }
    }

    private static func field(_ title: String, _ report: String) -> String? {
        report.split(separator: "\n").first { $0.hasPrefix(title + ":") }
            .map { $0.dropFirst(title.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    @Test(arguments: [
        ("crash", SIGSEGV, "SIGSEGV at address 0x10", "turn_begin, agent rogue, thread thr_"),
        ("abort", SIGABRT, "SIGABRT", "turn_begin, agent rogue, thread thr_"),
        ("overflow", SIGSEGV, "SIGSEGV at address 0x", "turn_begin, agent rogue, thread thr_"),
        ("thread", SIGSEGV, "SIGSEGV at address 0x10", "on a thread that the plugin made itself"),
        ("exit 5", 5, "exit(5) was called", "turn_begin, agent rogue, thread thr_"),
    ]) func namesThePlugin(deed: String, end: Int32, what: String, place: String) throws {
        let server = try Self.server()
        let stream = try server.client().open("threads.create", ["input": ChatKitClient.input(deed)], agent: "rogue")
        _ = stream.readToEnd()
        #expect(server.waitForExit() == (deed.hasPrefix("exit") ? end : -end), "it ends as it would have")
        let report = try #require(Self.reports(server).first, "\(server.log.suffix(2_000))")
        #expect(Self.field("what", report)?.hasPrefix(what) == true, "\(report)")
        #expect(Self.field("plugin", report) == "dev.agenthost.fixture.rogue 6.6.6", "\(report)")
        #expect(Self.field("where", report)?.hasPrefix(place) == true, "\(report)")
        #expect(Self.field("library", report)?.hasPrefix(server.folder.path + "/cache/") == true, "\(report)")
        #expect(Self.field("process", report)?.hasSuffix("pid \(server.pid)") == true, "\(report)")
        #expect(report.contains("librogue-"), "\(report)")
        // The callers are added behind the rest, and a line of the log may come between.
        let parts = report.components(separatedBy: "callers:")
        #expect(parts.allSatisfy { server.log.contains($0) }, "on standard error, too")
        // The next start tells of it, once.
        let next = try Self.server(server.folder)
        #expect(next.waitForLog("an earlier run of this server has crashed"))
        #expect(next.log.contains("dev.agenthost.fixture.rogue 6.6.6"))
        next.stop()
        let another = try Self.server(server.folder)
        another.stop()
        #expect(!another.log.contains("an earlier run"))
    }

    /// The offset in the report is what `addr2line` wants: docs/crash-reports.md says so.
    @Test func leadsToTheLine() throws {
        let server = try Self.server()
        _ = try server.client().open("threads.create", ["input": ChatKitClient.input("crash")], agent: "rogue")
            .readToEnd()
        _ = server.waitForExit()
        let report = try #require(Self.reports(server).first)
        let code = try #require(Self.field("code", report))
        let parts = code.split(separator: "+")
        #expect(parts.count == 2)
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["addr2line", "-f", "-e", String(parts[0]), String(parts[1])]
        process.standardOutput = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(said.hasPrefix("touch_nowhere\n"), "\(said)")
        #expect(said.contains("Rogue/plugin.c:"), "\(said)")
    }

    @Test func aQuietEndLeavesNoReport() throws {
        let server = try Self.server()
        #expect(try server.client().create("well", agent: "rogue").texts == ["well"])
        #expect(server.stop() == 0)
        #expect(Self.reports(server).isEmpty)
    }
}
