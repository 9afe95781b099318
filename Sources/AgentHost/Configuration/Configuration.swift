/// Everything the host can be told, checked.
///
/// Values come from environment variables, a `.env` file and flags, in rising priority; `docs/configuration.md` lists them.
public struct Configuration: Sendable {
    var host: String
    var port: UInt16
    var databasePath: String
    var pluginFolders: [String]
    /// Whether changes in the plugin folders are noticed.
    var watchesPlugins: Bool
    /// Ids, or "*".
    var trusted: Set<String>
    var pluginConfigurationFolder: String?
    /// Path of the plugin policy; nil: none.
    var pluginPolicy: String?
    /// What the policy does not allow is loaded nevertheless.
    var allowsUnsigned: Bool
    var pluginLimitsFile: String?
    var cacheFolder: String
    var workerPath: String
    /// Folder for crash reports.
    var crashFolder: String
    var sandboxPolicy: SandboxPolicy
    /// Absolute paths.
    var sandboxReadFolders: [String]
    /// Crashes within a minute; 0: none are too many.
    var quarantineCrashes: Int
    /// Milliseconds; 0: no pause.
    var longestRestartPause: Int64
    /// Nil: the route's own default.
    var defaultAgent: String?
    var maximumHistory: Int
    var historyBudget: HistoryBudget
    var turnTokens: Int64
    /// Nil: no file.
    var toolPolicyPath: String?
    var approvalMilliseconds: Int64
    var turnPolicy: TurnPolicy
    /// What an operator shows to be one; nil: nobody can. Never logged.
    var adminToken: String?
    /// Nil: any origin, without credentials.
    var corsOrigins: [String]?
    var drainMilliseconds: Int64
    var logLevel: LogLevel
    var models: ModelConfiguration

    /// Reads the process's environment, `.env` in the working folder, and `arguments`. Keys are erased from the environment.
    ///
    /// - Parameters:
    ///   - arguments: flags and further words, without the program's name and verb.
    ///   - level: what is logged when nothing is set; for programs that share their terminal with the log.
    /// - Returns: the configuration and the words that are no flags.
    /// - Throws: `ConfigurationError`, whose text names the setting and the fix.
    public static func read(
        arguments: [String], logLevel level: String? = nil
    ) throws(ConfigurationError) -> (configuration: Configuration, words: [String]) {
        let (flags, words) = try SettingSources.parseFlags(arguments)
        let dotEnv = (try? readFile(".env")).map { SettingSources.parseDotEnv(String(decoding: $0, as: UTF8.self)) }
        var environment = processEnvironment()
        for variable in Setting.logLevel.variables where environment[variable]?.isEmpty != false {
            environment[variable] = level
        }
        let sources = SettingSources(environment: environment, dotEnv: dotEnv ?? [:], flags: flags)
        let configuration = try Configuration(sources)
        // Plugins in this process could read the environment.
        for variable in configuration.models.providers.compactMap(\.keyVariable) { eraseEnvironmentVariable(variable) }
        return (configuration, words)
    }

    init(_ sources: SettingSources) throws(ConfigurationError) {
        host = sources.value(.host)
        port = UInt16(try sources.integer(.port, in: 0...65_535))
        databasePath = try Configuration.databasePath(sources)
        let beside = executableFolder()
        let folders = sources.value(.plugins)
        pluginFolders = folders.isEmpty ? [beside + "/plugins"] : folders.split(separator: ":").map(String.init)
        watchesPlugins = try sources.integer(.watch, in: 0...1) == 1
        trusted = Set(Configuration.list(sources.value(.trusted)))
        let configured = sources.value(.pluginConfiguration)
        pluginConfigurationFolder = configured.isEmpty ? nil : configured
        let policy = sources.value(.pluginPolicy)
        pluginPolicy = policy.isEmpty ? nil : policy
        allowsUnsigned = sources.isOn(.allowUnsigned)
        let limits = sources.value(.pluginLimits)
        pluginLimitsFile = limits.isEmpty ? nil : limits
        // Workers leave the working folder.
        cacheFolder = absolutePath(Configuration.cacheFolder(sources))
        let worker = sources.value(.worker)
        workerPath = worker.isEmpty ? beside + "/plugin-worker" : worker
        let crashes = sources.value(.crashReports)
        crashFolder = crashes.isEmpty ? cacheFolder + "/crashes" : crashes
        guard let sandbox = SandboxPolicy(rawValue: sources.value(.sandbox)) else {
            throw sources.error(.sandbox, "must be require, warn or off")
        }
        sandboxPolicy = sandbox
        sandboxReadFolders = try Configuration.readFolders(sources)
        quarantineCrashes = try sources.integer(.quarantineCrashes, in: 0...1_000)
        longestRestartPause = Int64(try sources.integer(.restartPause, in: 0...3_600)) * 1_000
        let agent = sources.value(.defaultAgent)
        defaultAgent = agent.isEmpty ? nil : agent
        maximumHistory = try sources.integer(.maximumHistory, in: 1...1_000)
        guard let budget = HistoryBudget(sources.value(.historyTokens)) else {
            throw sources.error(
                .historyTokens,
                "must be a number of tokens from 1000 to 10000000, or a list like gpt-4.1*=200000,*=32000")
        }
        historyBudget = budget
        turnTokens = Int64(try sources.integer(.turnTokens, in: 1_000...1_000_000_000))
        let rules = sources.value(.toolPolicy)
        toolPolicyPath = rules.isEmpty ? nil : rules
        approvalMilliseconds = Int64(try sources.integer(.approvalHours, in: 1...87_600)) * 3_600_000
        guard let turns = TurnPolicy(rawValue: sources.value(.turnPolicy)) else {
            throw sources.error(.turnPolicy, "must be queue, interrupt or reject")
        }
        turnPolicy = turns
        adminToken = try sources.secret(.adminToken, file: .adminTokenFile)
        corsOrigins = try Configuration.origins(sources)
        drainMilliseconds = Int64(try sources.integer(.drainSeconds, in: 0...3_600)) * 1_000
        guard let level = LogLevel(name: sources.value(.logLevel)) else {
            throw sources.error(.logLevel, "must be trace, debug, info, warn or error")
        }
        logLevel = level
        models = try ModelConfiguration(sources)
        guard sources.isOn(.insecure) || Configuration.isLoopback(host) else {
            throw ConfigurationError(
                "Refusing to listen on \(host) without credentials: use 127.0.0.1 behind a reverse proxy, or add --insecure.",
                code: "insecure_address")
        }
    }

    /// Names that only this machine can reach.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    private static func databasePath(_ sources: SettingSources) throws(ConfigurationError) -> String {
        let url = sources.value(.database)
        let prefix = "sqlite:///"
        guard url.hasPrefix(prefix), url.count > prefix.count else {
            throw sources.error(
                .database, "must look like sqlite:///relative/path or sqlite:////absolute/path, not \"\(url)\"")
        }
        return String(url.dropFirst(prefix.count))
    }

    private static func readFolders(_ sources: SettingSources) throws(ConfigurationError) -> [String] {
        let folders = sources.value(.sandboxRead).split(separator: ":").map(String.init)
        guard folders.allSatisfy({ $0.hasPrefix("/") }), folders.count <= 32 else {
            throw sources.error(.sandboxRead, "must be at most 32 absolute paths, separated by colons")
        }
        return folders
    }

    private static func cacheFolder(_ sources: SettingSources) -> String {
        let configured = sources.value(.cache)
        if !configured.isEmpty { return configured }
        if let cache = sources.environment["XDG_CACHE_HOME"], !cache.isEmpty { return cache + "/agenthost" }
        if let home = sources.environment["HOME"], !home.isEmpty { return home + "/.cache/agenthost" }
        return ".agenthost-cache"
    }

    private static func origins(_ sources: SettingSources) throws(ConfigurationError) -> [String]? {
        let text = sources.value(.corsOrigins)
        if text.isEmpty { return nil }
        guard text.hasPrefix("[") else { return list(text) }
        guard let array = (try? JSON.parse(text))?.array else {
            throw sources.error(.corsOrigins, "must be a comma list or a JSON array of origins")
        }
        return array.compactMap(\.string)
    }

    static func list(_ text: String) -> [String] {
        text.split { $0 == "," || $0.isWhitespace }.map(String.init)
    }
}

extension SettingSources {
    /// Of a switch.
    fileprivate func isOn(_ setting: Setting) -> Bool {
        ["1", "true", "yes", "on"].contains(value(setting).lowercased())
    }

    func integer(_ setting: Setting, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let number = Int(value(setting)), range.contains(number) else {
            throw error(
                setting,
                "must be a whole number from \(range.lowerBound) to \(range.upperBound), not \"\(value(setting))\"")
        }
        return number
    }

    /// `rule` goes on where the name of the place ends that the value comes from: "must be …".
    func error(_ setting: Setting, _ rule: String) -> ConfigurationError {
        ConfigurationError("\(origin(setting)) \(rule).", code: "invalid_setting")
    }
}

/// A setting that cannot be used.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    /// Stable, for machines.
    public let code: String
    /// A sentence that names the setting and the fix.
    public let description: String

    init(_ description: String, code: String) {
        self.description = description
        self.code = code
    }
}

extension Configuration {
    /// The options for `--help`, a line or two each.
    public static var help: String {
        Setting.all.compactMap { setting in
            guard let flag = setting.flag else { return nil }
            let value = setting.isSwitch ? "" : " VALUE"
            let unless = setting.defaultValue.isEmpty || setting.isSwitch ? "" : " [\(setting.defaultValue)]"
            return "  --\(flag)\(value)  (\(setting.variables[0]))\(unless)\n      \(setting.summary)"
        }.joined(separator: "\n")
    }
}
