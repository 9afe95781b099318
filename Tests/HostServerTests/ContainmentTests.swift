import Foundation
import Testing

/// A plugin that does harm costs its own turns: those end with an error that allows a retry, everybody else goes on, and the plugin
/// answers again. Whether the system refuses a deed or the worker dies of it is the sandbox's business: both are fine.
@Suite(.timeLimit(.minutes(3)))
struct ContainmentTests {
    static let villain = ServerProcess.products.appendingPathComponent("fixtures/villain")
    static let id = "dev.agenthost.fixture.villain"
    /// Each test crashes more often than a healthy life allows.
    static let forgiving = ["AGENTHOST_QUARANTINE_CRASHES": "0", "AGENTHOST_RESTART_PAUSE_SECONDS": "0"]
    static let words = (0..<60).map { "\($0) " }.joined()

    private func server(_ environment: [String: String] = forgiving) throws -> ServerProcess {
        try ServerProcess(plugins: [FaultTests.good, Self.villain], environment: environment)
    }

    /// Does the deed beside a turn of another plugin and checks what everybody got. Answers what the villain said, if it lived.
    @discardableResult
    private func commit(_ deed: String, on server: ServerProcess) throws -> String? {
        let client = server.client()
        let witness = try client.open("threads.create", ["input": ChatKitClient.input("slow 60")], agent: "echo-c")
        #expect(witness.readUntil { $0.contains { $0.type == "thread.item.updated" } }, "\(deed)")
        let response = try client.create(deed, agent: "villain")
        #expect(response.isComplete, "\(deed)")
        let error = response.events.last.flatMap { $0.type == "error" ? $0.json : nil }
        if let error {
            #expect(error["code"] as? String == "agent_crashed", "\(deed): \(error)")
            #expect(error["allow_retry"] as? Bool == true, "\(deed): \(error)")
        }
        let seen = witness.readToEnd()
        #expect(seen.isComplete && seen.texts.joined() == Self.words, "\(deed): another plugin's turn")
        let thread = try #require(response.threadID, "\(deed)")
        #expect(try client.say("hello", in: thread).texts == ["hello"], "\(deed): the next message")
        #expect(server.isRunning)
        return error == nil ? response.texts.joined() : nil
    }

    @Test func whateverAPluginDoesToItsProcess() throws {
        let server = try server()
        for deed in [
            "segv", "null", "fpe", "trap", "abort", "exit", "exit0", "_exit0", "kill", "overflow", "later-segv",
            "thread-segv",
        ] {
            #expect(try commit(deed, on: server) == nil, "\(deed) ends the process")
        }
        let log = server.log
        for ending in [
            "ended by SIGSEGV at libVillain.so+0x", "ended by SIGSEGV at 0x0 from libVillain.so+0x",
            "ended by SIGFPE at libVillain.so+0x",
            "ended by SIGABRT at libc.so.6+0x", "exit status 3: exit was called in turn_begin",
            "exit status 0: exit was called in turn_begin",
            "ended with exit status 0;", "ended by SIGKILL", "in event_callback",
        ] { #expect(log.contains(ending), "\(ending)") }
        #expect(log.contains(#""plugin":"\#(Self.id)""#))
    }

    @Test func whateverAPluginTakes() throws {
        let server = try server()
        for deed in ["leak", "memory", "threads", "forks", "descriptors"] { try commit(deed, on: server) }
    }

    @Test func whateverAPluginSays() throws {
        let server = try server()
        for deed in ["garbage", "frame1g", "half", "close"] { #expect(try commit(deed, on: server) == nil, "\(deed)") }
        #expect(try commit("stdout", on: server) == "done")
        #expect(server.log.contains("sent bytes that are no frame and was killed"))
    }

    @Test(arguments: ["loop", "deadlock", "stop", "later-loop"]) func whatNeverReturnsIsEnded(deed: String) throws {
        let server = try server()
        #expect(try commit(deed, on: server) == nil)
        #expect(server.log.contains("one of its functions does not return; its worker is ended"))
    }

    /// The client has left, and nobody waits for the turn; the next one must not have to.
    @Test func aCancelThatNeverReturnsIsEnded() throws {
        let server = try server()
        let client = server.client()
        let stream = try client.open("threads.create", ["input": ChatKitClient.input("cancel-loop")], agent: "villain")
        #expect(stream.readUntil { $0.contains { $0.type == "thread.item.updated" } })
        let thread = try #require((stream.seen.first?.json["thread"] as? [String: Any])?["id"] as? String)
        stream.cut()
        #expect(server.waitForLog("one of its functions does not return; its worker is ended", seconds: 30))
        #expect(try client.say("hello", in: thread).texts == ["hello"])
    }

    /// In a tool the harm is a result that the caller reads.
    @Test func aToolThatDoesHarmIsAResult() throws {
        let server = try server()
        for deed in ["segv", "loop"] {
            let response = try server.client().create(#"tool harm {"deed":"\#(deed)"}"#, agent: "echo-c")
            #expect(response.isComplete && response.events.last?.type != "error", "\(deed)")
            #expect(response.texts.joined().contains("error"), "\(deed): \(response.texts)")
            #expect(try server.client().create("hello", agent: "villain").texts == ["hello"], "\(deed)")
        }
    }

    /// Where a plugin hangs while it is loaded or ended, the host neither waits nor stays.
    @Test(arguments: ["create", "drain", "destroy"]) func hangingAtTheEdgesOfALife(phase: String) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("villain-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try #"{"\#(phase)":"loop"}"#.write(
            to: folder.appendingPathComponent("\(Self.id).json"), atomically: true, encoding: .utf8)
        let server = try server(["AGENTHOST_PLUGIN_CONFIG": folder.path])
        #expect(try server.client().create("hello", agent: "echo-c").texts == ["hello"])
        if phase == "create" {
            #expect(server.log.contains("loading it did not end within"))
        } else {
            #expect(try server.client().create("hello", agent: "villain").texts == ["hello"])
        }
        #expect(server.stop() == 0)
    }

    @Test func fiveCrashesQuarantineAndHealthSaysSo() throws {
        let server = try server([:])
        let client = server.client()
        var code: String?
        for _ in 0..<60 where code != "agent_quarantined" {
            let error = try client.create("segv", agent: "villain").events.last?.json
            code = error?["code"] as? String
            #expect(["agent_crashed", "agent_unavailable", "agent_quarantined"].contains(code))
            #expect(error?["allow_retry"] as? Bool == true)
            usleep(50_000)
        }
        #expect(code == "agent_quarantined")
        let health = try client.get("/health")
        #expect(health.status == 200)
        let plugins = try #require(health.json["plugins"] as? [[String: Any]])
        let plugin = try #require(plugins.first { $0["id"] as? String == Self.id })
        #expect(["quarantined", "on_trial"].contains(plugin["state"] as? String))
        #expect((plugin["reason"] as? String)?.contains("SIGSEGV at libVillain.so+0x") == true)
        #expect(plugins.filter { $0["id"] as? String != Self.id }.allSatisfy { $0["state"] as? String == "serving" })
        #expect(try client.get("/ready").status == 200)
        #expect(try client.create("hello", agent: "echo-c").texts == ["hello"])
        var answer: [String] = []
        for _ in 0..<200 where answer != ["hello"] {
            answer = try client.create("hello", agent: "villain").texts
            usleep(50_000)
        }
        #expect(answer == ["hello"], "it comes back by itself")
    }
}
