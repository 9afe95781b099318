import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// Each limit at its value and one beyond: the plugin gets a clear status, the client a sentence with the limit's name, everybody else
/// nothing at all. The same in both modes.
@Suite(.timeLimit(.minutes(3)))
struct LimitContractTests {
    private func host(_ limits: String, _ mode: PluginMode, grace: Int64 = 300) async throws -> TestHost {
        try await TestHost(
            [TestHost.echo, TestHost.tools], mode,
            timeouts: PluginTimeouts(create: 10_000, grace: grace, drain: 300, destroy: 2_000, sample: 50),
            limits: #"{"\#(TestHost.echoID)": {\#(limits)}}"#)
    }

    /// What the client is told; the host goes on.
    private func expect(_ failure: ProviderFailure?, _ limit: PluginLimit, _ host: TestHost) async throws {
        guard case .overLimit(let reached)? = failure else {
            Issue.record("\(String(describing: failure)) is no limit")
            return
        }
        #expect(reached.limit == limit.name)
        #expect(reached.sentence.contains(TestHost.echoID) && reached.sentence.contains("(limit \(limit.name))"))
        #expect(await (try host.call("add", ["a": 1, "b": 2])).outcome.value() == .success(["sum": 3]))
    }

    private func metering(_ host: TestHost) async throws -> PluginMetering {
        try #require(await host.host.metering(of: TestHost.echoID).first)
    }

    /// The numbers that the runtime tells come a little later.
    private func metering(_ host: TestHost, until isGood: (PluginMetering) -> Bool) async throws -> PluginMetering {
        for _ in 0..<400 {
            let metering = try await metering(host)
            if isGood(metering) { return metering }
            try await Task.sleep(for: .milliseconds(20))
        }
        return try await metering(host)
    }

    @Test(arguments: PluginMode.allCases) func openTurns(_ mode: PluginMode) async throws {
        let host = try await host(#""open_turns": 3"#, mode)
        let open = try (0..<3).map { _ in try host.turn("hang") }
        try await expect(await (try host.turn("one more")).recorder.failure(), .openTurns, host)
        open[0].turn.cancel(.cancelled)
        #expect(await open[0].recorder.failure() == .cancelled)
        #expect(try await host.say("there is room again") == "there is room again")
        let metering = try await metering(host)
        #expect(metering.open == 2 && metering.refused == 1 && metering.limitHits[.openTurns] == 1)
        #expect(metering.begun == [.turn: 4] && metering.ended == 2 && metering.failed == 0)
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases) func wallTimeOfATurn(_ mode: PluginMode) async throws {
        let host = try await host(#""turn_ms": 1500"#, mode)
        #expect(await (try host.turn("slow 3")).recorder.failure() == nil)
        try await expect(await (try host.turn("slow 1000")).recorder.failure(), .turnMilliseconds, host)
        try await expect(await (try host.turn("hang")).recorder.failure(), .turnMilliseconds, host)
        // An earlier deadline is not the plugin's limit.
        #expect(await (try host.turn("slow 1000", deadline: 60)).recorder.failure() == .deadline)
        #expect(try await metering(host).limitHits[.turnMilliseconds] == 2)
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases) func bytesOfATurn(_ mode: PluginMode) async throws {
        let host = try await host(#""turn_bytes": 1048576"#, mode)
        let meter = WorkMeter()
        let whole = try host.turn("flood 64", meter: meter)
        #expect(await whole.recorder.failure() == nil)
        #expect(whole.recorder.text.utf8.count == 1 << 20)
        #expect(meter.usage?.emittedBytes == 1 << 20)
        let beyond = try host.turn("flood 65")
        try await expect(await beyond.recorder.failure(), .turnBytes, host)
        #expect(beyond.recorder.text.utf8.count == 1 << 20, "what was accepted was shown")
        #expect(try await host.say("still there") == "still there")
        #expect(try await metering(host) { $0.limitHits[.turnBytes] == 1 }.limitHits[.turnBytes] == 1)
        #expect(try await metering(host).emittedBytes >= 2 << 20)
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases) func requestsOfATurn(_ mode: PluginMode) async throws {
        let host = try await host(#""turn_requests": 5"#, mode)
        let meter = WorkMeter()
        let five = try host.turn("chain 5", meter: meter)
        #expect(await five.recorder.failure() == nil)
        #expect(meter.usage?.hostCalls == 5 && meter.usage?.openRequests == 1)
        try await expect(await (try host.turn("chain 6")).recorder.failure(), .turnRequests, host)
        let metering = try await metering(host) { $0.limitHits[.turnRequests] == 1 }
        #expect(metering.limitHits[.turnRequests] == 1 && metering.hostCalls == ["ap.host.kv/1": 10])
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases) func openRequests(_ mode: PluginMode) async throws {
        let host = try await host(#""turn_open_requests": 4, "open_requests": 100"#, mode)
        #expect(try await host.say("ask 4") == "4")
        // All are asked for in one function, so that none has been answered when the fifth is refused.
        #expect(try await host.say("ask 5") == "4")
        let metering = try await metering(host) { $0.limitHits[.turnOpenRequests] == 1 }
        #expect(metering.limitHits[.turnOpenRequests] == 1 && metering.openRequests == 0)
        await host.host.shutdown()
        let all = try await self.host(#""open_requests": 4"#, mode)
        #expect(try await all.say("ask 4") == "4")
        #expect(try await all.say("ask 5") == "4")
        #expect(try await self.metering(all) { $0.limitHits[.openRequests] == 1 }.limitHits[.openRequests] == 1)
        await all.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases) func requestsOfASecond(_ mode: PluginMode) async throws {
        let host = try await host(#""requests_per_second": 30"#, mode)
        #expect(try await host.say("ask 30") == "30")
        // A hundred seconds' worth, one behind the other: one is refused, and the plugin gives up.
        try await expect(await (try host.turn("chain 3000")).recorder.failure(), .requestsPerSecond, host)
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases) func timersOfATurn(_ mode: PluginMode) async throws {
        let host = try await host(#""turn_timers": 3"#, mode)
        let meter = WorkMeter()
        let three = try host.turn("timers 3", meter: meter)
        #expect(await three.recorder.failure() == nil)
        #expect(three.recorder.text == "3" && meter.usage?.timers == 3)
        #expect(try await host.say("timers 4") == "3")
        // One that gives up because of it: its client hears which limit it was.
        try await expect(await (try host.turn("greedy")).recorder.failure(), .turnTimers, host)
        let metering = try await metering(host) { $0.limitHits[.turnTimers] == 2 && $0.timers == 9 }
        #expect(metering.limitHits[.turnTimers] == 2 && metering.timers == 9 && metering.openTimers == 0)
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases) func laneTimeOfATurn(_ mode: PluginMode) async throws {
        let host = try await host(#""turn_lane_ms": 2000"#, mode)
        let meter = WorkMeter()
        let short = try host.turn("spin 3 10", meter: meter)
        #expect(await short.recorder.failure() == nil)
        #expect(try #require(meter.usage).laneMicroseconds >= 30_000)
        try await expect(await (try host.turn("spin 10000 10")).recorder.failure(), .turnLaneMilliseconds, host)
        #expect(try await metering(host) { $0.laneMicroseconds >= 2_030_000 }.laneMicroseconds >= 2_030_000)
        await host.host.shutdown()
    }

    // MARK: Functions that do not return

    /// In process the thread is lost, and nothing else: the turn ends, others go on, the plugin is back when the function returns.
    @Test func inProcessAFunctionThatDoesNotReturnCostsItsTurn() async throws {
        let host = try await host(#""lane_ms": 1000"#, .inProcess)
        let path = NSTemporaryDirectory() + "await-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let others = try (0..<3).map { _ in try host.turn("slow 20") }
        let stuck = try (0..<3).map { _ in try host.turn("await \(path)") }
        for turn in stuck { try await expect(await turn.recorder.failure(), .laneMilliseconds, host) }
        let during = try #require(await host.host.health.first { $0.id == TestHost.echoID })
        #expect(during.state == .stuck)
        #expect(during.reason?.contains("lane_ms") == true)
        #expect(await (try host.turn("new")).recorder.failure() == .unavailable)
        #expect(try await metering(host).stuckLanes == 3)
        // Those that ran already go on, on threads that were started in place of the lost ones.
        for other in others { #expect(await other.recorder.failure() == nil && other.recorder.deltas == 20) }
        #expect(try await metering(host).stuckLanes == 3)
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let after = try await metering(host) { $0.stuckLanes == 0 && $0.limitHits[.laneMilliseconds] == 3 }
        #expect(after.stuckLanes == 0 && after.limitHits[.laneMilliseconds] == 3)
        for _ in 0..<400 where await host.host.health.contains(where: { $0.state == .stuck }) {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await host.say("back again") == "back again")
        await host.host.shutdown()
    }

    /// A worker has no other lane: it is ended, and another one goes on.
    @Test func aWorkerWhoseFunctionDoesNotReturnIsEnded() async throws {
        let host = try await host(#""lane_ms": 1000"#, .worker)
        let turn = try host.turn("block 60000")
        try await expect(await turn.recorder.failure(), .laneMilliseconds, host)
        for _ in 0..<400 where try await metering(host).restarts == 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try await host.say("back again") == "back again")
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases) func aFunctionWithinItsTimeIsLeftAlone(_ mode: PluginMode) async throws {
        let host = try await host(#""lane_ms": 60000"#, mode)
        #expect(try await host.say("block 400") == "awake")
        #expect(try await metering(host).limitHits[.laneMilliseconds] == nil)
        await host.host.shutdown()
    }

    // MARK: Where plugin code runs

    /// Never on an event loop, on Swift's pool, or on any thread of the host's own.
    @Test(arguments: PluginMode.allCases) func pluginCodeRunsOnItsRuntimesThreads(_ mode: PluginMode) async throws {
        let host = try await host(#""turn_timers": 64"#, mode)
        let said = try await host.say("where")
        let threads = Dictionary(
            uniqueKeysWithValues: said.split(separator: " ").map { pair in
                let parts = pair.split(separator: "=")
                return (String(parts[0]), String(parts[1]))
            })
        // The main thread of a worker is its lane thread.
        let lane = mode == .worker ? "plugin-worker" : "plugin-lane"
        #expect(
            threads == [
                "turn": lane, "timer": lane, "service": lane, "posted": lane, "pool": "plugin-blocking",
                "made": "plugin-control",
            ])
        await host.host.shutdown()
    }
}
