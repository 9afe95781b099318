import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// Plugins that crash again and again, in real workers.
@Suite(.timeLimit(.minutes(2)))
struct QuarantineTests {
    @Test func aPluginThatCrashesTooOftenRestsAndComesBack() async throws {
        let pipe = Pipe()
        let log = Logger(level: .info, descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let host = try await TestHost(
            [TestHost.echo, TestHost.tools], .worker, recovery: PluginRecovery(quarantineCrashes: 3, longestPause: 0),
            log: log)
        for _ in 0..<3 { #expect(await (try host.turn("crash")).recorder.failure() == .crashed) }
        #expect(await (try host.turn("hello")).recorder.failure() == .quarantined)
        let health = try #require(await host.host.health.first { $0.id == TestHost.echoID })
        #expect([.quarantined, .onTrial].contains(health.state))
        #expect(health.reason == "the worker process was ended by SIGABRT")
        #expect(try await host.call("add", ["a": 1, "b": 2]).outcome.value() == .success(["sum": 3]), "others serve")
        #expect(await host.host.health.first { $0.id == TestHost.toolsID }?.state == .serving)
        var answer: String?
        let end = monotonicMilliseconds() + 30_000
        while answer == nil, monotonicMilliseconds() < end {
            let turn = try host.turn("well again")
            switch await turn.recorder.failure() {
            case nil: answer = turn.recorder.text
            case .quarantined: try await Task.sleep(for: .milliseconds(50))
            case let failure?: throw failure
            }
        }
        #expect(answer == "well again")
        #expect(await host.host.health.first { $0.id == TestHost.echoID }?.state == .serving)
        await host.host.shutdown()
        log.flush()
        try pipe.fileHandleForWriting.close()
        let lines = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n").filter { $0.contains("quarantined:") }
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains(#""plugin":"\#(TestHost.echoID)""#) == true, "\(lines)")
    }

    @Test func turnsThatComeDuringARestartSurviveTheEndOfTheOthers() async throws {
        let host = try await TestHost(
            [TestHost.echo], .worker, recovery: PluginRecovery(quarantineCrashes: 0, longestPause: 0))
        for round in 0..<30 {
            let turns = try (0..<20).map { _ in try host.turn("slow 1000") }
            for turn in turns { await turn.recorder.hasBegun() }
            let end = try host.turn("crash")
            // These begin while the others are being ended.
            async let later = withTaskGroup(of: Result<Void, ProviderFailure>.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        _ = await end.recorder.result()
                        do { return await (try host.turn("on")).recorder.result() } catch {
                            return .failure(.failed("\(error)"))
                        }
                    }
                }
                var results: [Result<Void, ProviderFailure>] = []
                for await result in group { results.append(result) }
                return results
            }
            for turn in turns { #expect(await turn.recorder.failure() == .crashed) }
            for result in await later {
                if case .failure(let failure) = result { Issue.record("round \(round): \(failure)") }
            }
        }
        await host.host.shutdown()
    }

    @Test func whoDecidesHearsOfEveryCrash() async throws {
        let built = try Fixtures.built()
        let bundle = try Bundle.read("\(built.plugins)/\(TestHost.echo)")
        let folder = TemporaryFolder()
        let copy = try PrivateCopy.make(of: bundle, cache: "\(folder.path)/cache")
        let notices = Collected<PluginNotice>()
        let io = try WorkerIO()
        let deadlines = DeadlineTimer(name: "test-clock")
        let sandbox = WorkerSandbox(.require, for: bundle, in: copy.folder, read: [], limits: PluginLimits())
        let instance = PluginInstance(
            bundle.manifest, file: bundle.fileName,
            setup: PluginInstance.Setup(
                library: copy.library, sandbox: sandbox, config: Array("{}".utf8), hostVersion: "1", secret: [1],
                recovery: PluginRecovery(quarantineCrashes: 2)),
            factory: WorkerChannelFactory(program: "\(built.folder)/plugin-worker", sandbox: sandbox, io: io),
            services: .unavailable,
            deadlines: deadlines, log: .silent, onNotice: { notices.add($0) })
        #expect(await instance.start() == nil)
        #expect(notices.all == [])
        func crash() async -> ProviderFailure? {
            let recorder = TurnRecorder()
            let item: JSON = ["type": "user_message", "content": [["type": "input_text", "text": "crash"]]]
            let request = AgentTurnRequest(
                agentID: "echo-c", threadID: "t", owner: OwnerKey("h:me"), kind: .userMessage, input: [JSONText(item)],
                context: [:], deadline: monotonicMilliseconds() + 30_000)
            recorder.readBy(instance.begin(request, output: recorder))
            return await recorder.failure()
        }
        // What the worker said about its end follows in brackets.
        func isCrash(_ notice: PluginNotice?, of number: Int) -> Bool {
            guard case .crashed(let reason, number)? = notice else { return false }
            return reason.hasPrefix("the worker process was ended by SIGABRT (SIGABRT in ")
                && reason.contains("in turn_begin, agent echo-c, thread t")
        }
        #expect(await crash() == .crashed)
        #expect(isCrash(notices.all.first, of: 1), "before the turn ends: \(notices.all)")
        #expect(await crash() == .crashed)
        let all = notices.all
        #expect(all.count == 4)
        #expect(isCrash(all.prefix(3).last, of: 2), "\(all)")
        #expect(all.contains(.serving(incarnation: 2)))
        guard case .quarantined(_, let until)? = all.last else {
            Issue.record("\(all)")
            return
        }
        #expect(until > monotonicMilliseconds())
        instance.kill()
        await instance.ended()
        io.close()
        deadlines.close()
    }
}
