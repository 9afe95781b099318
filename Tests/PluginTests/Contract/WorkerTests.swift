import Foundation
import Testing

@testable import AgentHost

/// What only a worker survives.
@Suite(.timeLimit(.minutes(2)))
struct WorkerTests {
    @Test(arguments: ["crash", "segv", "exit"])
    func aCrashEndsTheTurnsAndTheNextOneWorks(_ how: String) async throws {
        let host = try await TestHost([TestHost.echo], .worker)
        let bystander = try host.turn("slow 1000")
        await bystander.recorder.hasBegun()
        #expect(await (try host.turn(how)).recorder.failure() == .crashed)
        #expect(await bystander.recorder.failure() == .crashed)
        // The first restart is immediate: a turn waits for it.
        #expect(try await host.say("back again") == "back again")
        await host.host.shutdown()
    }

    @Test func aCrashOfOnePluginIsNotNoticedByAnother() async throws {
        let host = try await TestHost([TestHost.echo, TestHost.tools], .worker)
        let turn = try host.turn("slow 20")
        #expect(await (try host.call("crash_tool")).outcome.value() == .broken(.crashed))
        #expect(await turn.recorder.failure() == nil)
        await host.host.shutdown()
    }

    @Test func aPluginThatKeepsCrashingIsUnavailableInBetween() async throws {
        let host = try await TestHost([TestHost.echo], .worker)
        var failures: [ProviderFailure?] = []
        for _ in 0..<3 { failures.append(await (try host.turn("crash")).recorder.failure()) }
        #expect(failures.first == .crashed)
        #expect(failures.allSatisfy { $0 == .crashed || $0 == .unavailable })
        #expect(try await host.sayPatiently("calm") == "calm")
        await host.host.shutdown()
    }

    @Test func aWorkerThatAFunctionHoldsUpIsEndedAndTheNextTurnWorks() async throws {
        let host = try await TestHost([TestHost.echo], .worker, timeouts: PluginTimeouts(response: 200))
        let bystander = try host.turn("slow 1000")
        await bystander.recorder.hasBegun()
        let start = monotonicMilliseconds()
        #expect(await (try host.turn("block 60000")).recorder.failure() == .crashed)
        #expect(await bystander.recorder.failure() == .crashed)
        #expect(monotonicMilliseconds() - start < 30_000)
        #expect(try await host.say("back again") == "back again")
        await host.host.shutdown()
    }

    @Test func aWorkerThatIsOnlySlowOrSilentIsLeftAlone() async throws {
        let host = try await TestHost([TestHost.echo], .worker, timeouts: PluginTimeouts(grace: 100, response: 1_000))
        let silent = try host.turn("hang", deadline: 5_000)
        let slow = try host.turn("slow 60")
        #expect(await slow.recorder.failure() == nil)
        #expect(await silent.recorder.failure() == .deadline)
        await host.host.shutdown()
    }

    @Test func shutdownLeavesNoProcess() async throws {
        let host = try await TestHost([TestHost.echo, TestHost.tools], .worker)
        #expect(!TestHost.workers(of: host).isEmpty)
        await host.host.shutdown()
        #expect(TestHost.workers(of: host).isEmpty)
    }

    @Test func aMissingWorkerProgramIsARefusal() async throws {
        let folder = TemporaryFolder()
        let plugins = try folder.makeFolder("plugins")
        let built = try Fixtures.built()
        try FileManager.default.copyItem(
            atPath: "\(built.plugins)/\(TestHost.echo)", toPath: "\(plugins)/\(TestHost.echo)")
        let host = try PluginHost(
            configuration: PluginHostConfiguration(
                folders: [plugins], cacheFolder: "\(folder.path)/cache", workerPath: "\(folder.path)/nothing"),
            registry: Registry(), store: MemoryStore(), dispatcher: NoDispatcher(), log: .silent)
        let reports = try await host.loadAll()
        guard case .refused(let sentence)? = reports.first?.state else {
            Issue.record("it was loaded")
            return
        }
        #expect(sentence.contains("cannot start the worker program") && sentence.contains("No such file"))
        await host.shutdown()
    }

    @Test func aMissingFolderIsAnError() async throws {
        let host = try PluginHost(
            configuration: PluginHostConfiguration(
                folders: ["/nothing/here"], cacheFolder: "/nothing/cache", workerPath: "/nothing/worker"),
            registry: Registry(), store: MemoryStore(), dispatcher: NoDispatcher(), log: .silent)
        await #expect(throws: PluginHostError.folderMissing("/nothing/here")) { try await host.loadAll() }
        await host.shutdown()
    }

    private struct NoDispatcher: ToolDispatching {
        func bound(to directory: any ToolDirectory) -> any ToolDispatching { self }
        func dispatch(
            tool exposedName: String, arguments: JSON, caller: ToolCaller, deadline: Int64,
            progress: @escaping @Sendable (JSON) -> Void, completion: @escaping @Sendable (ToolOutcome) -> Void
        ) -> any Cancellable {
            completion(.broken(.unavailable))
            return NotCancellable()
        }
    }
}

extension TestHost {
    /// Says it again while the plugin is being started again.
    func sayPatiently(_ text: String) async throws -> String {
        for _ in 0..<100 {
            let turn = try turn(text)
            switch await turn.recorder.result() {
            case .success: return turn.recorder.text
            case .failure(.unavailable): try await Task.sleep(for: .milliseconds(50))
            case .failure(let failure): throw failure
            }
        }
        throw ProviderFailure.unavailable
    }

    /// Processes that were told to run a plugin of this host's cache: its workers. What they have mapped, only root may look at.
    static func workers(of host: TestHost) -> [String] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { process in
            guard Int(process) != nil, Int(process) != Int(getpid()) else { return false }
            // A process may end while it is read: `readDataToEndOfFile` would trap.
            let words = try? FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/\(process)/cmdline")).readToEnd()
            return words.map { String(decoding: $0, as: UTF8.self).contains("--folder=\(host.cache)") } ?? false
        }
    }
}
