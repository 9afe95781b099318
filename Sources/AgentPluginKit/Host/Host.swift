internal import PluginABI

/// What the plugin can ask of its host. Every function may be called from any thread and task.
///
/// Log lines and requests belong to the call or turn whose handler makes them; work in a detached task belongs to the
/// instance as a whole, where stored values of a user or a thread cannot be reached.
public final class Host: Sendable {
    let tables: HostTables

    init(tables: HostTables) { self.tables = tables }

    /// The handle of the call or turn that the current task works for; 0 for none.
    @TaskLocal static var scope: ap_handle = 0

    /// How important a log line is.
    public enum LogLevel: Int32, Sendable {
        case trace, debug, info, warning, error
    }

    /// Writes a line into the host's log.
    /// - Parameter fields: an object with details; no secrets and no texts of people.
    public func log(_ level: LogLevel, _ message: @autoclosure () -> String, fields: JSON? = nil) {
        guard tables.logs(level.rawValue) else { return }
        tables.log(level.rawValue, scope: Host.scope, message(), fields: fields?.encoded ?? [])
    }

    /// Logs an error; without `ap.host.log/1` it goes to standard error, which the host logs too.
    func complain(_ message: String) {
        if tables.hasLog { return log(.error, message) }
        writeToStandardError(message + "\n")
    }

    /// Waits without a thread; ends early when the task is cancelled.
    /// - Throws: `CancellationError`, or ``HostError`` when the call or turn ended.
    public func sleep(milliseconds: Int) async throws {
        let (tables, scope) = (tables, Host.scope)
        _ = unsafe try await Request.run(on: tables) { fn, user in
            unsafe tables.after(Int64(milliseconds), scope: scope, fn, user)
        }
    }

    /// Keys and values kept by the host across restarts.
    public func store(_ scope: Store.Scope) -> Store { Store(host: self, scope: scope) }

    /// The thread of the call or turn whose handler asks.
    public var conversation: Conversation { Conversation(host: self) }

    /// The tools that this plugin may call.
    public func listTools() async throws -> [ToolDescription] {
        try await request(.tools, "list", [:])["tools"]?.decode() ?? []
    }

    /// Calls a tool of any plugin.
    /// - Throws: ``HostError``; with code `failed` its message is the tool's text.
    public func callTool(_ name: String, _ arguments: JSON) async throws -> JSON {
        try await request(.tools, "call", ["name": .string(name), "arguments": arguments])
    }

    /// Makes one completion with a model of the host.
    /// - Parameters:
    ///   - request: an object in the shape of Chat Completions: `messages`, `tools`, `settings`, and `model` (`default`).
    ///   - onDelta: each piece, as `{"text": …}`, `{"reasoning": …}` or `{"tool_call": …}`; must not block.
    /// - Returns: `{"text", "tool_calls", "finish_reason", "usage"?}`.
    public func complete(_ request: JSON, onDelta: (@Sendable (JSON) -> Void)? = nil) async throws -> JSON {
        try await self.request(.model, "complete", request, onEvent: onDelta)
    }

    func request(
        _ service: HostTables.Service, _ op: String, _ json: JSON, onEvent: (@Sendable (JSON) -> Void)? = nil
    ) async throws -> JSON {
        let (tables, scope, bytes) = (tables, Host.scope, json.encoded)
        return unsafe try await Request.run(on: tables, onEvent: onEvent) { fn, user in
            unsafe tables.request(service, scope: scope, op: op, bytes, fn, user)
        }
    }

    /// Milliseconds left until a deadline of the host; nil if there is none.
    func milliseconds(until deadline: ap_time) -> Int? {
        guard deadline > 0, let now = tables.now() else { return nil }
        return Int(max(0, deadline - now))
    }

    /// Judges the answer to the progress of a call. Whoever is behind gets time: unlike a turn, a call is not told when it
    /// may go on.
    /// - Throws: `CancellationError` or ``HostError``.
    func accept(_ status: ap_status) async throws {
        if status == AP_W_SLOW { return try await sleep(milliseconds: 20) }
        try check(status)
    }
}

/// A tool as a model would be told of it.
public struct ToolDescription: Decodable, Sendable {
    /// The name to call it by.
    public let name: String
    /// For people.
    public let title: String?
    /// For models.
    public let description: String?
    /// A JSON Schema of the arguments.
    public let inputSchema: JSON?

    private enum CodingKeys: String, CodingKey {
        case name, title, description
        case inputSchema = "input_schema"
    }
}
