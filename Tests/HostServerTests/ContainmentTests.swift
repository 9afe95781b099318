import Foundation
import Testing

/// A plugin that does what it must not, in a worker: the turn ends well or with an error that allows a retry, another plugin's turns go
/// on, and the plugin answers again.
struct ContainmentTests {
    static let rogue = ServerProcess.products.appendingPathComponent("fixtures/rogue")

    /// What may come of a deed.
    enum Fate: Sendable {
        /// The worker dies of it.
        case dies
        /// It is refused, or the worker dies of trying.
        case isRefused
        /// It may be done: it harms nobody else.
        case isHarmless
    }

    static let deeds: [(String, Fate)] = [
        ("crash", .dies), ("abort", .dies), ("exit 3", .dies), ("exit 0", .dies), ("_exit", .dies), ("overflow", .dies),
        ("thread", .dies), ("kill", .dies), ("orphan", .dies), ("garbage", .dies), ("frame", .dies), ("close", .dies),
        ("exec", .isRefused), ("exec /bin/sh", .isRefused), ("trace", .isRefused), ("peek", .isRefused),
        ("signal", .isRefused), ("open @database", .isRefused), ("open @log", .isRefused),
        ("open /etc/shadow", .isRefused), ("connect @port", .isRefused), ("forks", .isRefused),
        ("threads 100", .isHarmless), ("print", .isHarmless), ("leak 32", .isHarmless), ("eat 64", .isHarmless),
    ]

    private static func server(_ environment: [String: String] = [:]) throws -> ServerProcess {
        try ServerProcess(
            plugins: [FaultTests.good, rogue],
            environment: ["AGENTHOST_QUARANTINE_CRASHES": "0", "AGENTHOST_RESTART_PAUSE_SECONDS": "0"]
                .merging(environment) { $1 })
    }

    /// Says it until it is answered: while the worker is started again it may not be.
    private static func answer(_ text: String, _ client: ChatKitClient, seconds: Double = 20) throws -> String? {
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            if let said = try client.create(text, agent: "rogue").texts.first { return said }
            usleep(20_000)
        }
        return nil
    }

    @Test func whateverItDoesOthersGoOn() throws {
        let server = try Self.server()
        let client = server.client()
        let health = try client.get("/health").json
        let isSandboxed = (health["sandbox"] as? [String: Any])?["state"] as? String == "full"
        let witness = try client.open("threads.create", ["input": ChatKitClient.input("slow 1000")], agent: "echo-c")
        #expect(witness.readUntil { $0.contains { $0.type == "thread.item.updated" } })
        for (deed, fate) in Self.deeds {
            let words =
                deed.replacingOccurrences(of: "@database", with: "\(server.folder.path)/chatkit.db")
                .replacingOccurrences(of: "@log", with: server.logPath)
                .replacingOccurrences(of: "@port", with: "\(server.port)")
            let response = try client.create(words, agent: "rogue")
            #expect(response.isComplete, "\(deed)")
            if let error = response.events.last, error.type == "error" {
                #expect(error.json["code"] as? String == "agent_crashed", "\(deed): \(error.json)")
                #expect(error.json["allow_retry"] as? Bool == true, "\(deed)")
                #expect(fate != .isHarmless, "\(deed) ended with \(error.json)")
            } else {
                let text = response.texts.joined()
                #expect(fate != .dies, "\(deed) was answered \(text)")
                if fate == .isRefused, isSandboxed {
                    #expect(text.hasPrefix("denied: "), "\(deed) was answered \(text)")
                }
            }
            #expect(try Self.answer("well", client) == "well", "\(deed): it does not come back")
            #expect(server.isRunning, "\(deed)")
        }
        let other = witness.readToEnd()
        #expect(other.isComplete)
        #expect(other.texts.joined().split(separator: " ").count == 1_000)
        #expect(other.events.last?.type != "error")
        #expect(try client.create("still here", agent: "echo-c").texts == ["still here"])
        let named = server.log.split(separator: "\n").filter {
            $0.contains("started again") && $0.contains(#""plugin":"dev.agenthost.fixture.rogue""#)
        }
        #expect(
            named.count >= Self.deeds.filter { $0.1 == .dies }.count, "each death is in the log, with the plugin's name"
        )
    }

    /// What it left behind ends with it.
    @Test func noProcessOutlivesItsWorker() throws {
        let server = try Self.server()
        let client = server.client()
        _ = try client.create("forks", agent: "rogue")
        _ = try client.create("orphan", agent: "rogue")
        #expect(try Self.answer("well", client) == "well")
        let groups = server.children()
        #expect(groups.allSatisfy { server.processes(inGroup: $0) == 1 })
        server.stop()
        #expect(groups.allSatisfy { server.processes(inGroup: $0) == 0 })
    }

    /// Nor does it outlive the host, whatever became of that.
    @Test func noProcessOutlivesAHostThatIsKilled() throws {
        let server = try Self.server(["AGENTHOST_SANDBOX": "off"])
        let response = try server.client().create("forks", agent: "rogue")
        #expect(response.texts == ["did it: 200 processes"])
        let groups = server.children()
        #expect(groups.contains { server.processes(inGroup: $0) == 201 })
        server.stop(SIGKILL)
        func left() -> Int { groups.reduce(0) { $0 + server.processes(inGroup: $1) } }
        for _ in 0..<100 where left() > 0 { usleep(50_000) }
        #expect(left() == 0)
    }

    @Test(arguments: ["loop", "deadlock", "kill stop"]) func whatDoesNotReturnIsEnded(deed: String) throws {
        let server = try Self.server()
        let client = server.client()
        let other = try client.open("threads.create", ["input": ChatKitClient.input("slow 600")], agent: "echo-c")
        let response = try client.create(deed, agent: "rogue")
        #expect(response.isComplete)
        // The watch over the worker and the limit of lane time are equally long: whichever comes first.
        let code = try #require(response.events.last?.json["code"] as? String)
        #expect(["agent_crashed", "plugin_limit"].contains(code))
        #expect(response.events.last?.json["allow_retry"] as? Bool == true)
        #expect(try Self.answer("well", client) == "well")
        #expect(other.readToEnd().texts.joined().split(separator: " ").count == 600)
        #expect(
            server.waitForLog(
                code == "agent_crashed" ? "one of its functions does not return" : "did not return from a function")
        )
    }

    /// It takes memory faster than the host looks, gets no more and ends itself: the client hears of the limit, not of a crash.
    @Test func whoGetsNoMoreMemoryHasPassedItsLimit() throws {
        let server = try Self.server()
        let client = server.client()
        let response = try client.create("leak 4000", agent: "rogue")
        #expect(response.isComplete)
        let error = try #require(response.events.last?.json)
        #expect(error["code"] as? String == "plugin_limit" && error["allow_retry"] as? Bool == true)
        #expect((error["message"] as? String)?.contains("memory_mb") == true, "\(error)")
        #expect(try Self.answer("well", client) == "well")
    }

    @Test func aToolOrAModelThatDiesIsAnsweredToo() throws {
        let server = try Self.server()
        let client = server.client()
        for _ in 0..<3 {
            let response = try client.create(#"tool misdeed {"deed": "crash"}"#, agent: "echo-c")
            #expect(response.isComplete)
            #expect(response.texts.joined().contains("error"), "\(response.texts)")
            #expect(response.events.last?.type != "error")
        }
        #expect(try Self.answer("well", client) == "well")
    }

    @Test func fiveCrashesQuarantineAndEverybodyIsTold() throws {
        let server = try Self.server(["AGENTHOST_QUARANTINE_CRASHES": "5"])
        let client = server.client()
        for round in 1...5 {
            let response = try client.create("crash", agent: "rogue")
            #expect(response.events.last?.json["code"] as? String == "agent_crashed", "crash \(round)")
        }
        let refused = try client.create("well", agent: "rogue")
        #expect(refused.events.last?.type == "error")
        #expect(refused.events.last?.json["code"] as? String == "agent_quarantined")
        #expect(refused.events.last?.json["allow_retry"] as? Bool == true)
        let health = try client.get("/health")
        #expect(health.status == 200)
        let plugins = try #require(health.json["plugins"] as? [[String: Any]])
        let rogue = try #require(plugins.first { $0["id"] as? String == "dev.agenthost.fixture.rogue" })
        #expect(["quarantined", "on_trial"].contains(rogue["state"] as? String))
        #expect(rogue["reason"] as? String == "the worker process was ended by SIGSEGV")
        #expect(rogue["version"] as? String == "6.6.6" && rogue["mode"] as? String == "worker")
        #expect(plugins.filter { $0["state"] as? String == "serving" }.count == plugins.count - 1)
        #expect(!String(decoding: health.body, as: UTF8.self).contains("/"), "no path is told")
        #expect(try client.get("/ready").status == 200, "the others serve")
        #expect(try client.create("fine", agent: "echo-c").texts == ["fine"])
        // The log is written by a thread of its own.
        #expect(server.waitForLog("quarantined:"))
        let lines = server.log.split(separator: "\n").filter { $0.contains("quarantined:") }
        #expect(lines.count == 1)
        #expect(lines.first?.contains(#""plugin":"dev.agenthost.fixture.rogue""#) == true)
        #expect(try Self.answer("well again", client) == "well again")
        #expect(server.waitForLog("its quarantine is over"))
    }

    /// The log says where in the plugin it happened.
    @Test func theLastWordsOfAWorkerSayWhere() throws {
        let server = try Self.server()
        let client = server.client()
        for (deed, words) in [
            (
                "crash",
                #"SIGSEGV at address 0x10 in librogue\S*\.so\+0x[0-9a-f]+, in turn_begin, agent rogue, thread thr_"#
            ),
            ("abort", #"SIGABRT in \S+\+0x[0-9a-f]+.*, in turn_begin, agent rogue"#),
            ("exit 7", #"exit\(7\) was called.*, in turn_begin, agent rogue"#),
            ("overflow", #"SIGSEGV at address 0x[0-9a-f]+ in \S+\+0x[0-9a-f]+.*, in turn_begin"#),
            ("thread", #"SIGSEGV at address 0x10 in librogue\S*\.so\+0x[0-9a-f]+, on a thread of its own"#),
        ] {
            _ = try client.create(deed, agent: "rogue")
            #expect(try Self.answer("well", client) == "well")
            let pattern = try Regex("the worker process (was ended by|ended with)[^(]*\\(" + words)
            // The log is written a moment later.
            let end = Date().addingTimeInterval(10)
            while server.log.firstMatch(of: pattern) == nil, Date() < end { usleep(20_000) }
            #expect(server.log.firstMatch(of: pattern) != nil, "\(deed): \(server.log.suffix(3_000))")
        }
    }
}
