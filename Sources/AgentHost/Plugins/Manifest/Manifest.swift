/// What a plugin says about itself: the content of its `plugin.json` (abi.md A15). Everything is checked; unknown members were ignored.
struct Manifest: Sendable, Hashable {
    /// Most bytes of a manifest.
    static let limit = 1 << 20

    /// Reverse domain: `dev.example.trip`. Unique in a host.
    var id: String
    /// Short name; also the prefix of tools whose name is taken (abi.md A7).
    var name: String
    var version: String
    /// File name of the library in a bundle; nil in a single file, and where tools are functions of other libraries.
    var library: String?
    /// Extension ids of the host that must be there.
    var requires: [String] = []
    /// Extension ids of the host that may be there.
    var uses: [String] = []
    var permissions = Permissions()
    var agents: [Agent] = []
    var tools: [Tool] = []
    var models: [Model] = []
    /// JSON Schema of the plugin's configuration.
    var configSchema: JSON?
    /// One lane for everything.
    var isSerial = false
    /// How long open work may go on when the plugin is to end.
    var drainSeconds: Int64 = 10

    /// Whether the tools are C functions of other libraries, which the host's adapter calls (`docs/c-functions.md`).
    var callsFunctions: Bool { tools.contains { $0.callsFunction } }

    struct Permissions: Sendable, Hashable {
        /// Scopes of the key-value service.
        var kv: Set<KeyScope> = []
        /// `host:port` patterns.
        var http: [String] = []
        var memoryMegabytes: Int64?
        var threads: Int64?
    }

    enum KeyScope: String, Sendable, Hashable { case plugin, user, thread }

    /// How a begin function is called.
    enum Mode: String, Sendable, Hashable { case event, blocking }

    struct Agent: Sendable, Hashable {
        enum Kind: String, Sendable, Hashable { case declarative, coded }
        var id: String
        var kind: Kind
        var mode: Mode
        var title: String
        var instructions: String
        var model: String
        var offlineModel: String?
        /// What it does, for other agents.
        var description: String
        /// Grants: bare tool names of this plugin, or `plugin-id/tool` with `*`.
        var tools: [String]
        /// Agents it may ask: grants `agent/<id>`.
        var agents: [String]
        /// Agents it may hand over to.
        var handoffs: [String]
        /// Where the plugin has a say; declarative agents only.
        var hooks: Set<HookPoint>
        var maxSteps: Int
        /// Kinds of turns it takes beyond messages and answers to what it asked; coded agents only.
        var accepts: Set<AgentTurnRequest.Kind>
    }

    struct Tool: Sendable, Hashable {
        var name: String
        var title: String
        /// Whether it is a C function of another library.
        var callsFunction = false
        var description: String
        var inputSchema: JSON
        var outputSchema: JSON?
        var mode: Mode
        /// Mode "client": the page of the client executes it.
        var runsInClient: Bool
        /// Milliseconds.
        var timeout: Int64
        var isReadOnly: Bool
        var isIdempotent: Bool
        var isDestructive: Bool
        var needsApproval: Bool
    }

    struct Model: Sendable, Hashable {
        var id: String
        var mode: Mode
    }
}

/// Why a manifest is refused: a sentence that names the member and says what it must be.
struct ManifestError: Error, Hashable {
    var sentence: String
}
