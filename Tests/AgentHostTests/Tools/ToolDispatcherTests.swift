import Synchronization
import Testing

@testable import AgentHost

struct ToolDispatcherTests {
    private func dispatch(
        _ provider: any ToolProvider, _ arguments: JSON = [:], deadline: Int64 = 60_000,
        _ change: (inout ToolDescriptor) -> Void = { _ in }, cancelAtOnce: Bool = false
    ) async -> ToolOutcome {
        let registry = Registry()
        var tool = ToolDescriptor(
            plugin: "p", name: "t", exposedName: "t", title: "T", description: "",
            inputSchema: ["type": "object", "properties": ["n": ["type": "integer"]]])
        change(&tool)
        #expect(
            registry.register(plugin: "p", agents: [], tools: [.init(descriptor: tool, provider: provider)], models: [])
                == nil)
        let dispatcher = ToolDispatcher(directory: registry, log: .silent)
        return await withCheckedContinuation { continuation in
            let call = dispatcher.dispatch(
                tool: "t", arguments: arguments, caller: ToolCaller(owner: ada),
                deadline: monotonicMilliseconds() + deadline, progress: { _ in },
                completion: { continuation.resume(returning: $0) })
            if cancelAtOnce {
                call.cancel(.cancelled)
                call.cancel(.cancelled)
            }
        }
    }

    @Test func resultComesBack() async {
        let tool = ScriptedTool { request, _ in .success(request.arguments["n"] ?? nil) }
        #expect(await dispatch(tool, ["n": 5]) == .success(5))
    }

    @Test func badArgumentsNeverReachTheTool() async {
        let tool = ScriptedTool { _, _ in .success("reached") }
        let outcome = await dispatch(tool, ["n": "five"])
        #expect(
            outcome.modelText
                == "Error: The arguments of t are not valid: arguments.n must be an integer, not a string. "
                + "Correct them and call the tool again.")
        #expect(await dispatch(tool, [1]).modelText == "Error: The arguments of t must be a JSON object.")
    }

    @Test func unknownToolIsAnAnswer() async {
        let dispatcher = ToolDispatcher(directory: Registry(), log: .silent)
        let outcome = await withCheckedContinuation { continuation in
            _ = dispatcher.dispatch(
                tool: "x", arguments: [:], caller: ToolCaller(owner: ada), deadline: .max,
                progress: { _ in },
                completion: { continuation.resume(returning: $0) })
        }
        #expect(outcome.modelText == "Error: There is no tool named \"x\" at the moment.")
    }

    @Test func toolThatHangsEndsAtItsOwnTimeLimitOrTheCallers() async {
        let never = ScriptedTool { _, _ in nil }
        #expect(await dispatch(never, deadline: 60_000, { $0.timeout = 20 }) == .broken(.deadline))
        #expect(await dispatch(never, deadline: 20) == .broken(.deadline))
    }

    @Test func cancelEndsTheCallOnce() async {
        #expect(await dispatch(ScriptedTool { _, _ in nil }, cancelAtOnce: true) == .broken(.cancelled))
    }

    @Test func onlyIdempotentToolsAreTriedAgainAndOnlyOnce() async {
        let calls = Mutex(0)
        func crashing(_ times: Int) -> ScriptedTool {
            calls.withLock { $0 = 0 }
            return ScriptedTool { _, _ in
                let count = calls.withLock { count in
                    count += 1
                    return count
                }
                return count <= times ? .broken(.crashed) : .success("fine")
            }
        }
        #expect(await dispatch(crashing(1)) == .broken(.crashed))
        #expect(await dispatch(crashing(1), [:], { $0.isIdempotent = true }) == .success("fine"))
        #expect(await dispatch(crashing(9), [:], { $0.isIdempotent = true }) == .broken(.crashed))
        #expect(calls.withLock { $0 } == 2)
    }

    @Test func hugeResultIsRefused() async {
        let huge = ScriptedTool { _, _ in .success(.string(String(repeating: "x", count: 4 << 20))) }
        #expect(await dispatch(huge).errorText?.contains("larger than 4 MiB") == true)
    }

    @Test func toolThatNeedsApprovalIsNotCalled() async {
        let tool = ScriptedTool { _, _ in .success("reached") }
        #expect(
            await dispatch(tool, [:], { $0.needsApproval = true }).errorText?.hasPrefix("approval_required") == true)
    }

    @Test func resultsAreHeldToTheirSchema() async {
        let schema: JSON = ["type": "object", "required": ["sum"], "properties": ["sum": ["type": "integer"]]]
        for (result, fits) in [(["sum": 3], true), (["sum": "3"], false), ("3", false)] as [(JSON, Bool)] {
            let outcome = await dispatch(ScriptedTool { _, _ in .success(result) }, [:], { $0.outputSchema = schema })
            #expect((outcome == .success(result)) == fits)
            if !fits { #expect(outcome.modelText.hasPrefix("Error: t answered something else than it promises")) }
        }
        let picture: JSON = ["content": [["type": "image", "url": "file:///etc/passwd"]]]
        #expect(await dispatch(ScriptedTool { _, _ in .success(picture) }).errorText?.contains("url") == true)
    }

    @Test func nothingInvisibleComesOutOfATool() async {
        let hidden = "ok\u{E0041}\u{E007F}"
        #expect(await dispatch(ScriptedTool { _, _ in .success(.string(hidden)) }) == .success("ok"))
        #expect(await dispatch(ScriptedTool { _, _ in .failure(hidden) }) == .failure("ok"))
        #expect(await dispatch(ScriptedTool { _, _ in .broken(.failed(hidden)) }) == .broken(.failed("ok")))
        let long = ScriptedTool { _, _ in .failure(String(repeating: "x", count: 100_000)) }
        #expect(await dispatch(long).modelText.utf8.count < 5_000)
    }

    @Test func onlyTransportErrorsAreTriedAgain() async {
        for outcome in [ToolOutcome.failure("no"), .broken(.failed("no")), .broken(.denied), .broken(.limit)] {
            let calls = Mutex(0)
            let tool = ScriptedTool { _, _ in
                calls.withLock { $0 += 1 }
                return outcome
            }
            #expect(await dispatch(tool, [:], { $0.isIdempotent = true }) == outcome)
            #expect(calls.withLock { $0 } == 1)
        }
    }

    @Test func cancellationReachesTheToolOnce() async {
        let tool = CancellableTool()
        #expect(await dispatch(tool, cancelAtOnce: true) == .broken(.cancelled))
        #expect(tool.reasons.withLock { $0 } == [.cancelled])
        #expect(await dispatch(tool, [:], { $0.timeout = 10 }) == .broken(.deadline))
        #expect(tool.reasons.withLock { $0 } == [.cancelled, .deadline])
    }
}

/// Never answers; notes how it was cancelled.
private final class CancellableTool: ToolProvider, Cancellable {
    let reasons = Mutex<[CancelReason]>([])
    func call(
        _ request: ToolCallRequest, progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable { self }
    func cancel(_ reason: CancelReason) { reasons.withLock { $0.append(reason) } }
}
