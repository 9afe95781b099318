import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// A plugin folder in which a test puts one version after the other.
private final class UpgradeBench: Sendable {
    static let id = "dev.agenthost.fixture.version-c"
    let registry = Registry()
    let store: MemoryStore
    let host: PluginHost
    let folder: TemporaryFolder
    let plugins: String
    let built: Fixtures.Built
    let mode: PluginMode

    init(
        _ mode: PluginMode, first: String? = "good-1", folder: TemporaryFolder = TemporaryFolder(),
        store: MemoryStore = MemoryStore()
    ) async throws {
        built = try Fixtures.built()
        self.folder = folder
        self.store = store
        self.mode = mode
        plugins = "\(folder.path)/plugins"
        try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: true)
        let configuration = PluginHostConfiguration(
            folders: [plugins], cacheFolder: "\(folder.path)/cache", workerPath: "\(built.folder)/plugin-worker",
            trusted: mode == .inProcess ? .all : .only([]),
            timeouts: PluginTimeouts(create: 10_000, grace: 300, drain: 300, destroy: 5_000))
        host = try PluginHost(
            configuration: configuration, registry: registry, store: store,
            dispatcher: ToolDispatcher(directory: registry, log: .silent), log: TestHost.log)
        if let first { try put(first) }
        _ = try await host.loadAll()
    }

    /// Replaces what lies in the plugin folder, in one step.
    func put(_ version: String, as name: String = "VersionC.agentplugin") throws {
        let files = FileManager.default
        let staged = "\(plugins)/.\(UUID().uuidString)"
        try files.copyItem(atPath: "\(built.plugins)/versions/\(version).agentplugin", toPath: staged)
        try? files.removeItem(atPath: "\(plugins)/\(name)")
        try files.moveItem(atPath: staged, toPath: "\(plugins)/\(name)")
    }

    /// Copies a version where `install` looks for it, and installs it.
    func install(_ version: String, percent: Int? = nil) async throws {
        let staged = ".\(UUID().uuidString)"
        try FileManager.default.copyItem(
            atPath: "\(built.plugins)/versions/\(version).agentplugin", toPath: "\(plugins)/\(staged)")
        _ = try await host.install(staged: staged, as: "VersionC.agentplugin", percent: percent)
    }

    /// Begins a turn as the engine does: on one generation, held until the end.
    func begin(_ text: String = "3", thread: String = "thr_1") throws -> (turn: RunningTurn, lineup: Lineup) {
        let lineup = registry.lineup(for: thread)
        let provider = try #require(lineup.agent("version-c")?.provider)
        let item: JSON = ["type": "user_message", "content": [["type": "input_text", "text": .string(text)]]]
        let request = AgentTurnRequest(
            agentID: "version-c", threadID: thread, owner: OwnerKey("h:me"), kind: .userMessage,
            input: [JSONText(item)], context: ["locale": "en"], deadline: monotonicMilliseconds() + 30_000)
        let recorder = TurnRecorder()
        let turn = provider.begin(request, output: recorder)
        recorder.readBy(turn)
        return (RunningTurn(turn: turn, recorder: recorder), lineup)
    }

    /// The text of a whole turn.
    func say(_ text: String = "1", thread: String = "thr_1") async throws -> String {
        let (turn, lineup) = try begin(text, thread: thread)
        try await turn.recorder.result().get()
        withExtendedLifetime(lineup) {}
        return turn.recorder.text
    }

    /// Waits until the plugin is as `condition` says, at most 10 s.
    func wait(_ what: String, _ condition: @Sendable (PluginStatus) -> Bool) async throws {
        for _ in 0..<1_000 {
            if let status = await host.status(of: UpgradeBench.id), condition(status) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("never: \(what); \(String(describing: await host.status(of: UpgradeBench.id)?.generations))")
    }

    var serving: Int? { get async { await host.status(of: UpgradeBench.id)?.deployment?.serving } }
}

@Suite(.timeLimit(.minutes(3)))
struct UpgradeTests {
    private static let id = UpgradeBench.id

    @Test(arguments: PluginMode.allCases)
    func runningTurnsFinishOnTheOldCodeAndNewOnesGetTheNew(_ mode: PluginMode) async throws {
        let bench = try await UpgradeBench(mode)
        // It lasts for longer than the upgrade takes, also under a sanitizer.
        let (old, lineup) = try bench.begin("200")
        try await bench.install("good-2")
        let said = try await bench.say()
        #expect(said == "v2 tool=\"2\" before=0")
        try await old.recorder.result().get()
        let text = old.recorder.text
        #expect(text == String(repeating: "v1 ", count: 200) + "tool=\"1\" before=0", "its own tool, to the end")
        withExtendedLifetime(lineup) {}
        #expect(await bench.serving == 2)
        await bench.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func stateIsHandedOver(_ mode: PluginMode) async throws {
        let bench = try await UpgradeBench(mode)
        for count in 0..<3 { #expect(try await bench.say() == "v1 tool=\"1\" before=\(count)") }
        try await bench.install("good-2")
        #expect(try await bench.say() == "v2 tool=\"2\" before=3")
        await bench.host.shutdown()
    }

    @Test(arguments: [
        ("create-fails", "failed with status -9"), ("create-crashes", "the worker process was ended by SIG"),
        ("sick", "The licence has run out."), ("refuses-state", "I do not know this state."),
    ])
    func aBadVersionLeavesTheOldOneServing(_ version: String, _ reason: String) async throws {
        let bench = try await UpgradeBench(.worker)
        let error = await #expect(throws: PluginCommandError.self) { try await bench.install(version) }
        #expect(error?.code == .pluginRefused && error?.sentence.contains(reason) == true, "\(error?.sentence ?? "")")
        #expect(try await bench.say() == "v1 tool=\"1\" before=0")
        let status = try #require(await bench.host.status(of: UpgradeTests.id))
        #expect(status.state == "serving" && status.deployment?.serving == 1)
        #expect(status.generations.last?.record.status == .failed, "and the reason is listed")
        #expect(status.generations.last?.record.reason?.contains(reason) == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.plugins) == ["VersionC.agentplugin"])
        await bench.host.shutdown()
    }

    @Test func threeCrashesReturnToTheOldOne() async throws {
        let bench = try await UpgradeBench(.worker)
        try await bench.install("crashes")
        var failed = 0
        for _ in 0..<200 where await bench.serving == 2 {
            do {
                _ = try await bench.say("3")
                break
            } catch { failed += 1 }
            // Between two tries the worker is started again, after a pause that grows.
            try await Task.sleep(for: .milliseconds(20))
        }
        try await bench.wait("generation 1 serves again") { $0.deployment?.serving == 1 }
        #expect(failed >= 3)
        #expect(try await bench.say().hasPrefix("v1 "))
        let status = try #require(await bench.host.status(of: UpgradeTests.id))
        #expect(status.generations.last?.record.status == .returned)
        #expect(status.reason?.contains("3 crashes within a minute") == true, "\(status.reason ?? "")")
        // The folder still holds it: it is not loaded by itself.
        await bench.host.changed()
        try await Task.sleep(for: .milliseconds(300))
        #expect(await bench.serving == 1)
        await bench.host.shutdown()
    }

    @Test func aCanaryIsTriedPromotedAndRolledBack() async throws {
        let bench = try await UpgradeBench(.worker)
        try await bench.install("good-2", percent: 50)
        var answers: [String: Int] = [:]
        for number in 0..<40 {
            answers[try await bench.say(thread: "thr_\(number)").prefix(2).description, default: 0] += 1
        }
        #expect((answers["v1"] ?? 0) > 5 && (answers["v2"] ?? 0) > 5, "\(answers)")
        try await bench.host.setPercent(0, of: UpgradeTests.id)
        for number in 0..<10 { #expect(try await bench.say(thread: "thr_\(number)").hasPrefix("v1")) }
        try await bench.host.promote(UpgradeTests.id)
        for number in 0..<10 { #expect(try await bench.say(thread: "thr_\(number)").hasPrefix("v2")) }
        try await bench.host.rollBack(UpgradeTests.id, to: nil)
        #expect(try await bench.say().hasPrefix("v1"))
        await #expect(throws: PluginCommandError.self) { try await bench.host.promote(UpgradeTests.id) }
        await #expect(throws: PluginCommandError.self) { try await bench.host.rollBack("no.such", to: nil) }
        await bench.host.shutdown()
    }

    @Test func aPinnedThreadStaysWithItsGeneration() async throws {
        let bench = try await UpgradeBench(.worker)
        try await bench.host.pin("thr_1", to: 1, of: UpgradeTests.id)
        try await bench.install("good-2")
        #expect(try await bench.say(thread: "thr_1").hasPrefix("v1"))
        #expect(try await bench.say(thread: "thr_2").hasPrefix("v2"))
        try await bench.host.unpin("thr_1", of: UpgradeTests.id)
        #expect(try await bench.say(thread: "thr_1").hasPrefix("v2"))
        await bench.host.shutdown()
    }

    @Test func disabledIsOutOfServiceUntilItIsEnabled() async throws {
        let bench = try await UpgradeBench(.worker)
        try await bench.host.disable(UpgradeTests.id)
        #expect(bench.registry.agent("version-c") == nil)
        #expect(await bench.host.status(of: UpgradeTests.id)?.state == "disabled")
        try await bench.host.enable(UpgradeTests.id)
        #expect(try await bench.say().hasPrefix("v1"))
        // What was taken back stays so: what served when it was disabled serves again.
        try await bench.install("good-2")
        try await bench.host.rollBack(UpgradeTests.id, to: nil)
        try await bench.host.disable(UpgradeTests.id)
        try await bench.host.enable(UpgradeTests.id)
        #expect(try await bench.say().hasPrefix("v1"))
        await bench.host.shutdown()
    }

    @Test func whatIsDroppedIntoTheFolderIsLoaded() async throws {
        let bench = try await UpgradeBench(.worker, first: nil)
        await bench.host.watchFolders()
        try bench.put("good-1")
        try await bench.wait("loaded") { $0.deployment?.serving == 1 }
        #expect(try await bench.say().hasPrefix("v1"))
        try bench.put("good-2")
        try await bench.wait("upgraded") { $0.deployment?.serving == 2 }
        #expect(try await bench.say().hasPrefix("v2"))
        try bench.put("sick")
        try await bench.wait("refused") { $0.refusal?.contains("The licence has run out.") == true }
        #expect(try await bench.say().hasPrefix("v2"))
        try FileManager.default.removeItem(atPath: "\(bench.plugins)/VersionC.agentplugin")
        try await bench.wait("withdrawn") { $0.deployment?.serving == nil }
        #expect(bench.registry.agent("version-c") == nil)
        await bench.host.shutdown()
    }

    @Test func aRestartRemembers() async throws {
        let (folder, store) = (TemporaryFolder(), MemoryStore())
        var bench = try await UpgradeBench(.worker, folder: folder, store: store)
        try await bench.install("good-2")
        try await bench.host.rollBack(UpgradeTests.id, to: nil)
        await bench.host.shutdown()
        bench = try await UpgradeBench(.worker, first: nil, folder: folder, store: store)
        #expect(try await bench.say().hasPrefix("v1"), "from its private copy: the folder holds what was taken back")
        try await bench.host.reload(UpgradeTests.id)
        #expect(try await bench.say().hasPrefix("v2"))
        try await bench.install("good-3", percent: 100)
        await bench.host.shutdown()
        bench = try await UpgradeBench(.worker, first: nil, folder: folder, store: store)
        #expect(try await bench.say().hasPrefix("v3"), "the canary is back")
        #expect(await bench.host.status(of: UpgradeTests.id)?.deployment?.percent == 100)
        await bench.host.shutdown()
        // An upgrade that came while the host was down, and is bad: what served before serves.
        bench = try await UpgradeBench(.worker, first: "sick", folder: folder, store: store)
        let answer = try await bench.say()
        #expect(answer.hasPrefix("v2") || answer.hasPrefix("v3"), "\(answer)")
        await bench.host.shutdown()
    }
}
