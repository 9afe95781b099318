import Foundation
import Testing

@testable import AgentHost

/// What the worker program is told, and what it tells about the kernel.
struct WorkerSandboxTests {
    @Test func theManifestAndTheSettingsBecomeArguments() throws {
        let sandbox = try sandbox(.warn, permissions: #"{"memory_mb": 64, "threads": 3}"#, read: ["/models", "/more"])
        #expect(
            sandbox.arguments == [
                "3", "--sandbox=warn", "--folder=/cache/x", "--runtime=native", "--memory=64", "--threads=3",
                "--read=/models", "--read=/more",
            ])
        let silent = try self.sandbox(.require)
        #expect(silent.memory == 512 && silent.threads == 32)
        var limits = PluginLimitTable()
        limits.forPlugin["dev.example.x"] = [.memoryMegabytes: 2_048, .threads: 8]
        let limited = try self.sandbox(.require, limits: limits)
        #expect(limited.memory == 2_048 && limited.threads == 8, "the operator has the last word")
    }

    /// However it is linked, a library from Swift has the sections of its runtime.
    @Test func whatHoldsSwiftIsSeenInTheLibrary() throws {
        #expect(try sandbox(.require).runtime == .native)
        let folder = TemporaryFolder()
        let text = try folder.write("text", [1])
        let library = "\(folder.path)/swift.so"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/objcopy")
        process.arguments = [
            "--add-section", "swift5_typeref=\(text)",
            "\(try Fixtures.built().plugins)/\(TestHost.echo)/libEchoC.so", library,
        ]
        try process.run()
        process.waitUntilExit()
        let inside = [UInt8](try Data(contentsOf: URL(fileURLWithPath: library)))
        for name in ["libInside.so", "libInside.so.1"] {
            let sandbox = try sandbox(.require, adding: (name, inside))
            #expect(sandbox.runtime == .swift)
            #expect(sandbox.read == [WorkerSandbox.swiftRuntimeFolder].compactMap { $0 })
        }
        #expect(try sandbox(.require, adding: ("assets/swift.txt", inside)).runtime == .native)
        if let runtime = WorkerSandbox.swiftRuntimeFolder {
            #expect(FileManager.default.fileExists(atPath: "\(runtime)/libswiftCore.so"))
        }
    }

    /// Of EchoC with other permissions and one more file.
    private func sandbox(
        _ policy: SandboxPolicy, permissions: String = "{}", read: [String] = [], adding file: (String, [UInt8])? = nil,
        limits: PluginLimitTable = PluginLimitTable()
    ) throws -> WorkerSandbox {
        var bundle = try Bundle.read("\(try Fixtures.built().plugins)/\(TestHost.echo)")
        let text =
            #"{"abi":1,"id":"dev.example.x","name":"x","version":"1","library":"x.so","permissions":\#(permissions)}"#
        bundle.manifest = try Manifest(parsing: Array(text.utf8))
        if let file { bundle.files.append(file) }
        return WorkerSandbox(
            policy, for: bundle, in: "/cache/x", read: read, limits: limits.limits(of: bundle.manifest))
    }

    // MARK: What the worker program says

    private func report(_ policy: SandboxPolicy, _ text: String) -> SandboxReport {
        var report = SandboxReport(policy: policy)
        report.read(Array(text.utf8))
        return report
    }

    @Test func aFullSandbox() {
        let text = #"{"limits":true,"privileges":true,"landlock":7,"seccomp":true}"#
        for policy in [SandboxPolicy.require, .warn] {
            let report = report(policy, text)
            #expect(report.state == .full && report.landlock == 7 && report.missing.isEmpty)
        }
    }

    @Test func aPartThatIsMissing() {
        let text =
            #"{"limits":true,"privileges":true,"landlock":0,"seccomp":false,"landlock_reason":"too old","seccomp_reason":"forbidden"}"#
        let strict = report(.require, text)
        #expect(strict.state == .refusing)
        #expect(strict.missing.map(\.part) == [.landlock, .seccomp])
        #expect(strict.sentence.contains("landlock (too old), seccomp (forbidden)"))
        #expect(strict.sentence.contains("AGENTHOST_SANDBOX=warn"))
        let lenient = report(.warn, text)
        #expect(lenient.state == .partial)
        #expect(lenient.sentence.contains("without a part of the sandbox: landlock (too old)"))
    }

    @Test(arguments: ["", "{}", "[]", "no JSON", #"{"landlock":"7"}"#]) func nonsense(_ text: String) {
        let report = report(.require, text)
        #expect(report.state == .unknown)
        #expect(report.sentence.contains("does not tell"))
    }

    /// A program that is not there, one that says something else, and one that never answers, are no reason not to start.
    @Test func aProgramThatIsNoWorker() throws {
        let missing = SandboxReport.ask("/nothing/plugin-worker", policy: .require)
        #expect(missing.state == .unknown && missing.sentence.contains("No such file"))
        #expect(SandboxReport.ask("/bin/echo", policy: .require).state == .unknown)
        #expect(SandboxReport.ask("/nothing/plugin-worker", policy: .off).state == .off)
        let folder = TemporaryFolder()
        let silent = try folder.write("silent", Array("#!/bin/sh\nexec sleep 60\n".utf8))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: silent)
        #expect(SandboxReport.ask(silent, policy: .warn, patience: 100).state == .unknown)
    }

    @Test func theWorkerProgramTells() throws {
        let report = SandboxReport.ask("\(try Fixtures.built().folder)/plugin-worker", policy: .require)
        #expect(report.unknown == nil)
        #expect(Set(report.missing.map(\.part)).isSubset(of: [.landlock, .seccomp]))
    }
}
