import Synchronization
import Testing

@testable import AgentHost

struct LineupTests {
    private static func generation(_ number: Int, tools: [String] = ["add"], agents: [String] = ["a"]) -> Generation {
        let tools = tools.map { name in
            Registry.Tool(
                descriptor: ToolDescriptor(
                    plugin: "p", name: name, exposedName: name, title: "v\(number)", description: "", inputSchema: [:]),
                provider: NoTool())
        }
        let agents = agents.map {
            Registry.Agent(
                descriptor: AgentDescriptor(id: $0, title: "v\(number)", plugin: "p", kind: .coded), provider: nil)
        }
        return Generation(plugin: "p", number: number, agents: agents, tools: tools, models: [])
    }

    private struct NoTool: ToolProvider {
        func call(
            _ request: ToolCallRequest, progress: @escaping @Sendable (JSON) -> Void,
            completion: @escaping @Sendable (ToolOutcome) -> Void
        ) -> any Cancellable {
            completion(.broken(.unavailable))
            return NotCancellable()
        }
    }

    @Test func aTurnKeepsTheGenerationItBeganWith() {
        let registry = Registry()
        let (old, new) = (LineupTests.generation(1), LineupTests.generation(2, tools: ["sum"]))
        #expect(registry.serve(old) == nil)
        let lineup = registry.lineup(for: "thr_1")
        #expect(lineup.agent("a")?.descriptor.title == "v1" && old.holders == 1)
        #expect(registry.serve(new) == nil)
        #expect(lineup.tool("add")?.descriptor.title == "v1", "a tool that the new one has no more")
        #expect(lineup.tools(grantedTo: ["*"], of: "p").map(\.descriptor.title) == ["v1"])
        #expect(old.holders == 1 && new.holders == 0, "held once, however often it is asked")
        let next = registry.lineup(for: "thr_1")
        #expect(next.agent("a")?.descriptor.title == "v2" && next.tool("add") == nil)
    }

    @Test func whatNobodyHoldsIsFree() {
        let registry = Registry()
        let old = LineupTests.generation(1)
        #expect(registry.serve(old) == nil)
        let freed = Mutex(0)
        do {
            let lineup = registry.lineup(for: "thr_1")
            #expect(lineup.agent("a") != nil)
            #expect(registry.serve(LineupTests.generation(2)) == nil)
            old.whenFree { freed.withLock { $0 += 1 } }
            #expect(freed.withLock { $0 } == 0)
            withExtendedLifetime(lineup) {}
        }
        #expect(freed.withLock { $0 } == 1 && old.holders == 0)
        old.whenFree { freed.withLock { $0 += 1 } }
        #expect(freed.withLock { $0 } == 2, "at once when it is free already")
    }

    @Test func aCanaryGetsItsShareOfTheThreadsAndKeepsThem() {
        let registry = Registry()
        let canary = LineupTests.generation(2)
        #expect(registry.serve(LineupTests.generation(1)) == nil)
        func chosen(_ percent: Int) -> Set<Int> {
            registry.setCanary(Registry.Canary(generation: canary, percent: percent), of: "p")
            return Set((0..<2_000).filter { registry.lineup(for: "thr_\($0)").agent("a")?.descriptor.title == "v2" })
        }
        let (none, tenth, half, all) = (chosen(0), chosen(10), chosen(50), chosen(100))
        #expect(none.isEmpty && all.count == 2_000)
        #expect((120...280).contains(tenth.count) && (850...1_150).contains(half.count))
        #expect(tenth.isSubset(of: half), "a thread stays with the canary while its share grows")
        registry.setCanary(nil, of: "p")
        #expect(registry.lineup(for: "thr_1").agent("a")?.descriptor.title == "v1")
    }

    @Test func whatTheCanaryDoesNotHaveTheOtherAnswers() {
        let registry = Registry()
        #expect(registry.serve(LineupTests.generation(1, agents: ["a", "b"])) == nil)
        registry.setCanary(Registry.Canary(generation: LineupTests.generation(2), percent: 100), of: "p")
        #expect(registry.lineup(for: "thr_1").agent("b")?.descriptor.title == "v1")
        #expect(registry.lineup(for: "thr_1").agent("a")?.descriptor.title == "v2")
    }

    @Test func aPinnedThreadGetsItsGeneration() {
        let registry = Registry()
        let old = LineupTests.generation(1)
        #expect(registry.serve(old) == nil)
        registry.setPinned(["thr_1": old], of: "p")
        #expect(registry.serve(LineupTests.generation(2)) == nil)
        #expect(registry.lineup(for: "thr_1").agent("a")?.descriptor.title == "v1")
        #expect(registry.lineup(for: "thr_2").agent("a")?.descriptor.title == "v2")
        registry.setPinned([:], of: "p")
        #expect(registry.lineup(for: "thr_1").agent("a")?.descriptor.title == "v2")
    }

    @Test func aRequestOfAGenerationSeesItsOwn() {
        let registry = Registry()
        let old = LineupTests.generation(1)
        #expect(registry.serve(LineupTests.generation(2)) == nil)
        let lineup = Lineup(registry: registry, threadID: "", own: old)
        #expect(lineup.tool("add")?.descriptor.title == "v1" && old.holders == 1)
    }

    @Test func withdrawnIsGoneForNewTurns() {
        let registry = Registry()
        #expect(registry.serve(LineupTests.generation(1)) == nil)
        registry.withdraw(plugin: "p")
        #expect(registry.lineup(for: "thr_1").agent("a") == nil && registry.agents.isEmpty && registry.tools.isEmpty)
    }
}
