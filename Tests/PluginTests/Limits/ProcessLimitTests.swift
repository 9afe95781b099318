import Foundation
import Testing

@testable import AgentHost

/// What a worker's process may use, and what it says that is not true.
@Suite(.timeLimit(.minutes(3)))
struct ProcessLimitTests {
    private func host(_ limits: String) async throws -> TestHost {
        try await TestHost(
            [TestHost.echo, TestHost.tools], .worker,
            timeouts: PluginTimeouts(create: 10_000, grace: 300, drain: 300, destroy: 2_000, sample: 50),
            limits: #"{"\#(TestHost.echoID)": {\#(limits)}}"#)
    }

    /// The turn that broke the limit and a bystander end alike, with the limit's name; other plugins do not notice, and the next turn works.
    private func expectEnded(_ host: TestHost, _ text: String, _ limit: PluginLimit, _ words: String) async throws {
        let bystander = try host.turn("hang")
        let turn = try host.turn(text)
        for failure in [await turn.recorder.failure(), await bystander.recorder.failure()] {
            guard case .overLimit(let reached)? = failure else {
                Issue.record("\(String(describing: failure)) is no limit")
                continue
            }
            #expect(reached.limit == limit.name)
            #expect(reached.sentence.contains(words), "\(reached.sentence)")
        }
        #expect(await (try host.call("add", ["a": 1, "b": 2])).outcome.value() == .success(["sum": 3]))
        #expect(try await host.say("back again") == "back again")
        let metering = try #require(await host.host.metering(of: TestHost.echoID).first)
        #expect(metering.limitHits[limit] == 1 && metering.restarts == 1)
        await host.host.shutdown()
    }

    @Test func memory() async throws {
        let host = try await host(#""memory_mb": 100"#)
        let within = try host.turn("leak 50")
        await within.recorder.hasBegun()
        var used: Int64 = 0
        for _ in 0..<400 where used < 50 << 20 {
            try await Task.sleep(for: .milliseconds(20))
            used = await host.host.metering(of: TestHost.echoID).first?.residentBytes ?? 0
        }
        #expect((50 << 20..<100 << 20).contains(used), "\(used)")
        within.turn.cancel(.cancelled)
        #expect(await within.recorder.failure() == .cancelled)
        try await expectEnded(
            host, "leak 150", .memoryMegabytes, "MB of its 100 MB of memory and was ended (limit memory_mb)")
    }

    @Test func threads() async throws {
        let host = try await host(#""threads": 30"#)
        let within = try host.turn("threads 10")
        await within.recorder.hasBegun()
        try await Task.sleep(for: .milliseconds(200))
        within.turn.cancel(.cancelled)
        #expect(await within.recorder.failure() == .cancelled)
        try await expectEnded(host, "threads 40", .threads, "threads, more than its 30, and was ended (limit threads)")
    }

    @Test func cpu() async throws {
        try await expectEnded(
            try await host(#""cpu_percent": 30"#), "burn 8", .cpuPercent,
            "% of a core, more than its 30 %, and was ended"
        )
    }

    @Test func withoutALimitNothingIsEnded() async throws {
        let host = try await host(#""memory_mb": 0, "cpu_percent": 0, "threads": 0"#)
        for text in ["leak 150", "threads 40", "burn 1"] { await (try host.turn(text)).recorder.hasBegun() }
        try await Task.sleep(for: .milliseconds(800))
        let metering = try #require(await host.host.metering(of: TestHost.echoID).first)
        #expect(metering.restarts == 0 && metering.limitHits.isEmpty)
        #expect(try #require(metering.residentBytes) > 150 << 20)
        #expect(try #require(metering.threads) > 40)
        #expect(metering.cpuMilliseconds > 0)
        await host.host.shutdown()
    }

    /// In process there is no worker whose memory could be told.
    @Test func inProcessOnlyThreadsThatCallItAreCounted() async throws {
        let host = try await TestHost(
            [TestHost.echo], .inProcess,
            timeouts: PluginTimeouts(create: 10_000, grace: 300, drain: 300, destroy: 2_000, sample: 50))
        #expect(try await host.say("hello") == "hello")
        var metering = try #require(await host.host.metering(of: TestHost.echoID).first)
        for _ in 0..<400 where metering.laneMicroseconds == 0 {
            try await Task.sleep(for: .milliseconds(20))
            metering = try #require(await host.host.metering(of: TestHost.echoID).first)
        }
        #expect(metering.laneMicroseconds > 0)
        #expect(metering.residentBytes == nil && metering.threads == nil && metering.restarts == 0)
        await host.host.shutdown()
    }

    /// A worker that lies is believed nothing that cannot be, and harms nobody.
    @Test func impossibleNumbers() async throws {
        let host = try await TestHost(
            [TestHost.echo], .worker,
            timeouts: PluginTimeouts(create: 10_000, grace: 300, drain: 300, destroy: 2_000, sample: 50),
            worker: "hostile/liar")
        let meter = WorkMeter()
        for _ in 0..<20 {
            #expect(await (try host.turn("hello", meter: meter)).recorder.failure() == nil)
            try await Task.sleep(for: .milliseconds(10))
        }
        let usage = try #require(meter.usage)
        #expect((0..<60_000_000).contains(usage.laneMicroseconds))
        #expect(usage.timers <= 20 * 0xFF_FFFF)
        let metering = try #require(await host.host.metering(of: TestHost.echoID).first)
        #expect((0..<120_000_000).contains(metering.laneMicroseconds))
        #expect(metering.cpuMilliseconds < 60_000 && metering.stuckLanes == 0 && metering.restarts == 0)
        #expect(!metering.json.encoded.isEmpty)
        await host.host.shutdown()
    }
}
