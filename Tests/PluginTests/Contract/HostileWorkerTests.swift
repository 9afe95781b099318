import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// A worker that breaks the rules harms nobody but its own plugin.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostileWorkerTests {
    @Test(arguments: [
        ("garbage", "loading it failed: the worker process sent bytes that are no frame and was killed"),
        ("deaf", "loading it did not end within 500 ms"),
        ("gone", "loading it failed: the worker process was ended by SIGKILL"),
        ("talk", "loading it failed: the worker process ended with exit status 7"),
    ])
    func isRefused(_ how: String, _ reason: String) async throws {
        let host = try await TestHost(
            [TestHost.echo], .worker, timeouts: PluginTimeouts(create: 500), worker: "hostile/\(how)")
        let sentence = try #require(host.refusal(TestHost.echo))
        #expect(sentence.contains(reason), "\(sentence)")
        await host.host.shutdown()
        #expect(TestHost.processes(of: "hostile/\(how)").isEmpty)
    }

    /// Text without end, though nobody reads it: memory stays bounded, the worker is killed.
    @Test func aFloodIsStopped() async throws {
        let host = try await TestHost([TestHost.echo], .worker, worker: "hostile/flood")
        let provider = try #require(host.registry.agent("echo-c")?.provider)
        let output = NeverReading()
        let request = AgentTurnRequest(
            agentID: "echo-c", threadID: "t", owner: OwnerKey("h:me"), kind: .userMessage, input: [], context: [:],
            deadline: monotonicMilliseconds() + 30_000)
        _ = provider.begin(request, output: output)
        let result = await output.end.value()
        #expect(result == .failure(.limit) || result == .failure(.crashed))
        #expect(output.bytes.withLock { $0 } <= PluginInstance.outstandingLimit)
        await host.host.shutdown()
        #expect(TestHost.processes(of: "hostile/flood").isEmpty)
    }

    private final class NeverReading: AgentOutput {
        let bytes = Mutex(0)
        let end = Answer<Result<Void, ProviderFailure>>()
        func text(item: UInt32, _ deltas: ChatKit.TextDeltas) { bytes.withLock { $0 += deltas.bytes.count } }
        func emit(item: UInt32, kind: String, json: [UInt8]) {}
        func itemDone(_ item: UInt32) {}
        func finish(_ result: Result<Void, ProviderFailure>) { end.set(result) }
    }

    @Test func whatItPrintsIsLoggedLineByLine() async throws {
        let pipe = Pipe()
        let log = Logger(level: .info, descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let host = try await TestHost([TestHost.echo], .worker, worker: "hostile/talk", log: log)
        await host.host.shutdown()
        log.flush()
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        for line in ["a line", "half ", "an error"] {
            #expect(text.contains(#""msg":"plugin output""#) && text.contains(line), "\(text)")
        }
    }
}

extension Result where Success == Void, Failure == ProviderFailure {
    static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.success, .success): true
        case (.failure(let a), .failure(let b)): a == b
        default: false
        }
    }
}

extension TestHost {
    /// Living processes whose program's path ends with `suffix`.
    static func processes(of suffix: String) -> [String] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { process in
            // Only our own: the same tests may be running elsewhere.
            guard Int(process) != nil,
                let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
                status.contains("PPid:\t\(ProcessInfo.processInfo.processIdentifier)\n")
            else { return false }
            let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
            return program?.hasSuffix(suffix) == true
        }
    }
}
