/// One knob: its names, its default and what it does. `Setting.all` is the table that `docs/configuration.md` shows; a test
/// compares the two.
struct Setting: Sendable {
    /// Environment variables, the first that is set wins.
    var variables: [String]
    /// Command line flag without `--`; nil for none.
    var flag: String?
    /// As text; empty means unset.
    var defaultValue: String
    /// One line for people.
    var summary: String
    /// Whether the flag takes no value.
    var isSwitch = false
}

extension Setting {
    static let host = Setting(
        variables: ["AGENTHOST_HOST"], flag: "host", defaultValue: "127.0.0.1",
        summary: "Address to listen on. Anything but loopback needs `--insecure` until credentials can be configured.")
    static let port = Setting(
        variables: ["CHATKIT_SERVER_PORT", "GATEWAY_PORT", "PORT"], flag: "port", defaultValue: "8000",
        summary: "TCP port to listen on; 0 picks a free one.")
    static let insecure = Setting(
        variables: ["AGENTHOST_INSECURE"], flag: "insecure", defaultValue: "0",
        summary: "1 allows listening on a public address without credentials.", isSwitch: true)
    static let database = Setting(
        variables: ["CHATKIT_DB_URL", "DATABASE_URL"], flag: "db-url", defaultValue: "sqlite:///./chatkit.db",
        summary: "Where conversations are kept: `sqlite:///relative/path` or `sqlite:////absolute/path`.")
    static let plugins = Setting(
        variables: ["AGENTHOST_PLUGINS"], flag: "plugins", defaultValue: "",
        summary: "Plugin folders, separated by colons; unset: `plugins/` beside the program.")
    static let watch = Setting(
        variables: ["AGENTHOST_WATCH"], flag: "watch", defaultValue: "1",
        summary:
            "1 loads what is put into a plugin folder or changed there while the host runs; 0 waits for `host-server plugins`."
    )
    static let trusted = Setting(
        variables: ["AGENTHOST_TRUSTED"], flag: "trusted", defaultValue: "",
        summary:
            "Ids of plugins that run inside the host process, separated by commas; `*` = all. Others run in a worker process."
    )
    static let pluginConfiguration = Setting(
        variables: ["AGENTHOST_PLUGIN_CONFIG"], flag: "plugin-config", defaultValue: "",
        summary: "Folder with one `<plugin id>.json` for each plugin that is configured.")
    static let pluginPolicy = Setting(
        variables: ["AGENTHOST_PLUGIN_POLICY"], flag: "plugin-policy", defaultValue: "",
        summary:
            "File that says which plugins may be loaded, by id, version and signer or SHA-256; unset: any that is intact."
    )
    static let allowUnsigned = Setting(
        variables: ["AGENTHOST_ALLOW_UNSIGNED"], flag: "allow-unsigned", defaultValue: "0",
        summary:
            "1 loads what the policy does not allow all the same, always in a worker, with a warning each time. For development.",
        isSwitch: true)
    static let pluginLimits = Setting(
        variables: ["AGENTHOST_PLUGIN_LIMITS"], flag: "plugin-limits", defaultValue: "",
        summary: "JSON file with limits for all plugins and for single ones; docs/limits.md lists them.")
    static let cache = Setting(
        variables: ["AGENTHOST_CACHE"], flag: "cache", defaultValue: "",
        summary: "Folder for private copies of plugins; unset: `agenthost` in `XDG_CACHE_HOME` or in `~/.cache`.")
    static let worker = Setting(
        variables: ["AGENTHOST_WORKER"], flag: "worker", defaultValue: "",
        summary: "The `plugin-worker` program; unset: beside this program.")
    static let crashReports = Setting(
        variables: ["AGENTHOST_CRASH_REPORTS"], flag: "crash-reports", defaultValue: "",
        summary: "Folder for reports of crashes of this process; unset: `crashes` in the folder for private copies.")
    static let sandbox = Setting(
        variables: ["AGENTHOST_SANDBOX"], flag: "sandbox", defaultValue: "require",
        summary:
            "What becomes of plugins in workers where the kernel lacks a part of the sandbox: `require` (they are refused), "
            + "`warn` (they run with what there is) or `off` (no sandbox at all).")
    static let sandboxRead = Setting(
        variables: ["AGENTHOST_SANDBOX_READ"], flag: "sandbox-read", defaultValue: "",
        summary: "Further folders that plugins in workers may read, absolute, separated by colons.")
    static let quarantineCrashes = Setting(
        variables: ["AGENTHOST_QUARANTINE_CRASHES"], flag: "quarantine-crashes", defaultValue: "5",
        summary:
            "Crashes of a plugin's worker within a minute after which the plugin is quarantined, 1 to 1000; 0: it never is."
    )
    static let restartPause = Setting(
        variables: ["AGENTHOST_RESTART_PAUSE_SECONDS"], flag: "restart-pause-seconds", defaultValue: "30",
        summary:
            "Longest pause before a worker that crashes again and again is started again, 0 to 3600 seconds; 0: always at once. "
            + "The first crash needs no pause, the second 100 ms, each further one twice as much.")
    static let defaultAgent = Setting(
        variables: ["CHATKIT_DEFAULT_AGENT"], flag: "default-agent", defaultValue: "",
        summary: "Agent for new threads that name none; unset: `TripPlanner`.")
    static let maximumHistory = Setting(
        variables: ["CHATKIT_MAX_HISTORY"], flag: "max-history", defaultValue: "20",
        summary: "Messages of people and assistant that a model is shown, 1 to 1000; their function calls come along.")
    static let historyTokens = Setting(
        variables: ["AGENTHOST_HISTORY_TOKENS"], flag: "history-tokens", defaultValue: "32000",
        summary:
            "Tokens (about: bytes / 3) that instructions, tools and messages may take together: one number, or numbers by "
            + "model, `gpt-4.1*=200000,llama*=6000,*=32000`.")
    static let turnTokens = Setting(
        variables: ["AGENTHOST_TURN_TOKENS"], flag: "turn-tokens", defaultValue: "1000000",
        summary: "Tokens that all completions of one turn may cost together, 1000 to 1000000000.")
    static let toolPolicy = Setting(
        variables: ["AGENTHOST_TOOL_POLICY"], flag: "tool-policy", defaultValue: "",
        summary:
            "File of rules that say which tools run, ask first or are denied, for which agent and owner; unset: tools that "
            + "need approval ask.")
    static let approvalHours = Setting(
        variables: ["AGENTHOST_APPROVAL_HOURS"], flag: "approval-hours", defaultValue: "720",
        summary: "How long the person's consent to a tool call can be given, 1 to 87600 hours.")
    static let turnPolicy = Setting(
        variables: ["AGENTHOST_TURN_POLICY"], flag: "turn-policy", defaultValue: "queue",
        summary:
            "What becomes of a message while its thread is being answered: `queue` (at most 8 wait), `interrupt` (the "
            + "answer stops, what was shown is kept) or `reject` (409 `thread_busy`).")
    static let adminToken = Setting(
        variables: ["CHATKIT_ADMIN_TOKEN"], flag: nil, defaultValue: "",
        summary:
            "What `/metrics` and all that is the operator's alone ask for, as `Authorization: Bearer …`; unset: nobody may."
    )
    static let adminTokenFile = Setting(
        variables: ["CHATKIT_ADMIN_TOKEN_FILE"], flag: "admin-token-file", defaultValue: "",
        summary: "File that holds the admin token instead, one line.")
    static let corsOrigins = Setting(
        variables: ["CORS_ORIGINS"], flag: "cors-origins", defaultValue: "",
        summary: "Web origins that may call, comma list or JSON array; unset: any, without credentials.")
    static let drainSeconds = Setting(
        variables: ["AGENTHOST_DRAIN_SECONDS"], flag: "drain-seconds", defaultValue: "30",
        summary: "How long running turns may go on after SIGTERM, 0 to 3600 seconds.")
    static let logLevel = Setting(
        variables: ["AGENTHOST_LOG_LEVEL"], flag: "log-level", defaultValue: "info",
        summary: "`trace`, `debug`, `info`, `warn` or `error`.")

    /// Every knob, in the order of the documentation.
    static let all: [Setting] =
        [
            host,
            port,
            insecure,
            database,
            plugins,
            watch,
            trusted,
            pluginConfiguration,
            pluginPolicy,
            allowUnsigned,
            pluginLimits,
            cache,
            worker,
            sandbox,
            sandboxRead,
            quarantineCrashes,
            restartPause,
            crashReports,
            defaultAgent,
            maximumHistory,
            historyTokens,
            turnTokens,
            toolPolicy,
            approvalHours,
            turnPolicy,
            adminToken,
            adminTokenFile,
            corsOrigins,
            drainSeconds,
            logLevel,
        ] + ofModels
}
