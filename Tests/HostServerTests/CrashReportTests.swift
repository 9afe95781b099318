import Foundation
import Testing

/// A trusted plugin that ends the host's process: a report names it, the process ends as it should, the next start tells.
@Suite(.timeLimit(.minutes(2)))
struct CrashReportTests {
    private static let id = ContainmentTests.id

    private func server(_ folder: URL? = nil, _ environment: [String: String] = [:]) throws -> ServerProcess {
        try ServerProcess(
            folder: folder, plugins: [FaultTests.good, ContainmentTests.villain], trusted: Self.id,
            environment: environment)
    }

    private func reports(_ server: ServerProcess) -> [URL] {
        let folder = server.folder.appendingPathComponent("cache/crash-reports")
        let found = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return found.filter { $0.lastPathComponent.hasPrefix("crash-") }
    }

    @Test(arguments: [
        ("segv", -SIGSEGV, "SIGSEGV at address 0x10"), ("abort", -SIGABRT, "SIGABRT"),
        ("overflow", -SIGSEGV, "the stack is full"),
        ("exit0", 70, "exit(0) was called"), ("thread-segv", -SIGSEGV, "SIGSEGV at address 0x10"),
    ]) func theReportNamesThePlugin(deed: String, status: Int32, event: String) throws {
        let server = try server()
        let response = try server.client().create(deed, agent: "villain")
        #expect(!response.isComplete)
        #expect(server.waitForExit() == status)
        let files = reports(server)
        #expect(files.count == 1)
        let report = try String(contentsOf: try #require(files.first), encoding: .utf8)
        let version = try #require(server.log.firstMatch(of: /program: host-server (\S+), process \d+/)).1
        for words in ["ended by: ", event, "plugin: \(Self.id) 1.0.0", "libVillain.so+0x", "end of report\n"] {
            #expect(report.contains(words), "\(words)")
            #expect(server.log.contains(words), "\(words)")
        }
        #expect(!version.isEmpty)
        let next = try self.server(server.folder)
        let told = "an earlier run was ended by a crash; the report is \(try #require(files.first).path)"
        #expect(next.waitForLog(told))
        #expect(next.log.contains(#""plugin":"\#(Self.id) 1.0.0"#))
        #expect(try next.client().create("hello", agent: "villain").texts == ["hello"])
        #expect(next.stop() == 0)
        let third = try self.server(server.folder)
        #expect(!third.log.contains("an earlier run was ended by a crash"))
        #expect(third.stop() == 0)
        #expect(reports(server).count == 1, "a good end leaves no report")
    }

    @Test func filesCanBeTurnedOff() throws {
        let server = try server(nil, ["AGENTHOST_CRASH_REPORTS": "off"])
        _ = try server.client().create("segv", agent: "villain")
        #expect(server.waitForExit() == -SIGSEGV)
        #expect(server.log.contains("plugin: \(Self.id) 1.0.0"))
        #expect(reports(server).isEmpty)
    }

    /// Swift's own reports would be about the same crash, and slow.
    @Test func swiftsBacktracerStaysOut() throws {
        let server = try server(nil, ["SWIFT_BACKTRACE": "enable=yes"])
        _ = try server.client().create("segv", agent: "villain")
        #expect(server.waitForExit() == -SIGSEGV)
        #expect(server.log.contains("end of report"))
        #expect(!server.log.contains("*** "))
    }
}
