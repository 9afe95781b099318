import Synchronization
import Testing

@testable import AgentHost

/// Which tool a plugin means when it calls one by name.
struct ToolsServiceTests {
    private let registry = Registry()
    private let dispatcher = NameDispatcher()

    init() {
        // The first plugin took the name: the second one's tool got a prefix.
        register("dev.example.first", exposed: "count")
        register("dev.example.second", exposed: "second__count")
    }

    private func register(_ plugin: String, exposed: String) {
        let tool = ToolDescriptor(
            plugin: plugin, name: "count", exposedName: exposed, title: "Count", description: "",
            inputSchema: ["type": "object"], outputSchema: nil, timeout: 1_000, isReadOnly: true, isIdempotent: true,
            isDestructive: false, needsApproval: false)
        _ = registry.register(
            plugin: plugin, agents: [], tools: [.init(descriptor: tool, provider: NoProvider())], models: [])
    }

    /// The exposed name of the tool that was called, or the status of the refusal.
    private func call(_ name: String, grants: String = "") throws -> String {
        let text = """
            {"abi": 1, "id": "dev.example.second", "name": "second", "version": "1.0.0",
             "agents": [{"id": "A", "kind": "coded", "tools": [\(grants)]}]}
            """
        let ended = Mutex<Int32?>(nil)
        let call = ServiceCall(
            manifest: try Manifest(parsing: Array(text.utf8)), scope: WorkScope(owner: OwnerKey("h:me")), op: "call",
            json: Array(#"{"name": "\#(name)"}"#.utf8), body: [])
        _ = ToolsService(registry: registry, dispatcher: dispatcher).start(
            call, ServiceReply { _, status, _ in ended.withLock { $0 = status } })
        return dispatcher.called.withLock { $0 } ?? "status \(ended.withLock { $0 } ?? 0)"
    }

    @Test func anOwnToolIsFoundByItsNameInTheManifest() throws { #expect(try call("count") == "second__count") }

    @Test func aToolIsFoundByTheNameThatTheListGives() throws { #expect(try call("second__count") == "second__count") }

    @Test func theNameThatTheListGivesWins() throws {
        #expect(try call("count", grants: #""dev.example.first/count""#) == "count")
    }

    @Test func whatIsNotThereIsNotFound() throws { #expect(try call("nothing") == "status -11") }

    private final class NameDispatcher: ToolDispatching {
        func bound(to directory: any ToolDirectory) -> any ToolDispatching { self }
        let called = Mutex<String?>(nil)

        func dispatch(
            tool exposedName: String, arguments: JSON, caller: ToolCaller, deadline: Int64,
            progress: @escaping @Sendable (JSON) -> Void, completion: @escaping @Sendable (ToolOutcome) -> Void
        ) -> any Cancellable {
            called.withLock { $0 = exposedName }
            return NotCancellable()
        }
    }

    private struct NoProvider: ToolProvider {
        func call(
            _ request: ToolCallRequest, progress: @escaping @Sendable (JSON) -> Void,
            completion: @escaping @Sendable (ToolOutcome) -> Void
        ) -> any Cancellable { NotCancellable() }
    }
}
