import Testing

@testable import AgentHost

struct AgentRouterTests {
    private static func registry(_ ids: [String]) -> Registry {
        let registry = Registry()
        let agents = ids.map {
            Registry.Agent(descriptor: AgentDescriptor(id: $0, title: $0, plugin: "p", kind: .coded), provider: nil)
        }
        _ = registry.register(plugin: "p", agents: agents, tools: [], models: [])
        return registry
    }

    private func choose(
        _ loaded: [String] = ["TripPlanner", "TodoTasks", "echo"], metadata: JSONObject = .init(),
        headers: [String] = [],
        persona: String? = nil, configured: String? = nil, heeds: Bool = true
    ) throws(AgentRouter.Failure) -> String {
        let router = AgentRouter(registry: AgentRouterTests.registry(loaded), configuredDefault: configured)
        return try router.choose(
            .init(
                metadata: metadata, headers: headers, persona: persona, routeDefault: "TripPlanner",
                heedsConfiguredDefault: heeds))
    }

    private func metadata(_ agent: JSON) -> JSONObject { JSONObject(members: [("agent", agent)]) }

    private func code(_ body: () throws(AgentRouter.Failure) -> String) -> AgentRouter.Failure.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test func theMostExplicitWishWins() throws {
        #expect(try choose() == "TripPlanner")
        #expect(try choose(configured: "echo") == "echo")
        #expect(try choose(configured: "echo", heeds: false) == "TripPlanner")
        #expect(try choose(persona: "todotasks", configured: "echo") == "TodoTasks")
        #expect(try choose(headers: ["echo"], persona: "todotasks", configured: "TripPlanner") == "echo")
        #expect(try choose(metadata: metadata("TodoTasks"), headers: ["echo"], persona: "echo") == "TodoTasks")
    }

    @Test func anUnknownPersonaFallsThrough() throws {
        #expect(try choose(persona: "default") == "TripPlanner")
    }

    @Test func anUnknownAgentIsNamedWithTheLoadedOnes() throws {
        let error = #expect(throws: AgentRouter.Failure.self) { try choose(metadata: metadata("nope")) }
        #expect(error?.code == .unknownAgent)
        #expect(error?.sentence == #"There is no agent "nope". Loaded: TodoTasks, TripPlanner, echo."#)
        #expect(code { () throws(AgentRouter.Failure) in try choose(headers: ["nope"]) } == .unknownAgent)
        #expect(code { () throws(AgentRouter.Failure) in try choose(headers: [""]) } == .unknownAgent)
        // Letters count: only a persona is compared without case.
        #expect(code { () throws(AgentRouter.Failure) in try choose(headers: ["todotasks"]) } == .unknownAgent)
    }

    @Test func aLongNameIsNotRepeatedWhole() throws {
        let long = String(repeating: "x", count: 100_000)
        let error = #expect(throws: AgentRouter.Failure.self) { try choose(metadata: metadata(.string(long))) }
        #expect((error?.sentence.count ?? .max) < 200)
    }

    @Test func aDefaultThatIsNotLoadedIsTheServersFault() {
        #expect(code { () throws(AgentRouter.Failure) in try choose(["echo"]) } == .agentUnavailable)
        #expect(code { () throws(AgentRouter.Failure) in try choose([]) } == .agentUnavailable)
        #expect(
            code { () throws(AgentRouter.Failure) in try choose(["TripPlanner"], configured: "x") } == .agentUnavailable
        )
    }

    @Test(arguments: [JSON.null, 5, true, ["echo"], ["id": "echo"]])
    func anAgentThatIsNoString(_ agent: JSON) {
        #expect(code { () throws(AgentRouter.Failure) in try choose(metadata: metadata(agent)) } == .invalidRequest)
    }

    @Test func aDoubledHeader() {
        #expect(code { () throws(AgentRouter.Failure) in try choose(headers: ["echo", "echo"]) } == .invalidRequest)
    }
}
