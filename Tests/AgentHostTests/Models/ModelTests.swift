import Testing

@testable import AgentHost

struct ModelTests {
    @Test func piecesOfCallsAreJoinedByIndex() throws {
        var said = ModelAccumulator()
        for delta: ModelDelta in [
            .text("a"), .toolCall(index: 1, id: "y", name: "two", arguments: "{"), .text("b"),
            .toolCall(index: 0, id: "x", name: "one", arguments: ""),
            .toolCall(index: 1, id: nil, name: nil, arguments: "}"),
        ] { try said.add(delta, limit: 100) }
        #expect(said.text == "ab")
        #expect(
            said.calls == [
                .init(index: 0, id: "x", name: "one", arguments: ""),
                .init(index: 1, id: "y", name: "two", arguments: "{}"),
            ])
    }

    @Test(arguments: [-1, 64, Int.max]) func strangeIndexesAreRefused(_ index: Int) {
        var said = ModelAccumulator()
        #expect(throws: ModelAccumulator.Excess.tooManyCalls) {
            try said.add(.toolCall(index: index, id: nil, name: nil, arguments: ""), limit: 100)
        }
    }

    @Test func bytesAreBounded() throws {
        var said = ModelAccumulator()
        try said.add(.text("12345"), limit: 10)
        try said.add(.reasoning("12345"), limit: 10)
        #expect(throws: ModelAccumulator.Excess.tooManyBytes) { try said.add(.text("1"), limit: 10) }
    }

    @Test func defaultMeansTheConfiguredModelThenTheOfflineOne() throws {
        let registry = Registry()
        let model = ScriptedModel([ScriptedModel.say("x")])
        #expect(
            registry.register(
                plugin: "p", agents: [], tools: [], models: [.init(plugin: "p", id: "rules", provider: model)]) == nil)
        var agent = DeclarativeAgent(instructions: "", offlineModel: "rules", tools: [])
        let offline = ModelResolver(registry: registry)
        #expect(try offline.resolve(agent, id: "a", plugin: "p").model == "rules")
        let online = ModelResolver(
            registry: registry, configured: { ModelChoice(provider: model, model: $1 ?? "llm for \($0)") })
        #expect(try online.resolve(agent, id: "a", plugin: "p").model == "llm for a")
        #expect(try online.resolve(agent, id: "a", plugin: "p", requested: "other").model == "other")
        #expect(throws: ModelResolver.Failure.modelNotLoaded(agent: "a", model: "rules")) {
            _ = try offline.resolve(agent, id: "a", plugin: "other")
        }
        agent.offlineModel = nil
        #expect(throws: ModelResolver.Failure.noModelConfigured(agent: "a")) {
            _ = try offline.resolve(agent, id: "a", plugin: "p")
        }
    }
}
