internal import AgentHost
internal import Glibc

/// The command line: reads it, starts what it names, answers the exit code (0 fine, 1 failed, 2 wrong usage).
enum HostServer {
    static func run(_ arguments: [String]) -> Int32 {
        let verb = arguments.first ?? "serve"
        let rest = Array(arguments.dropFirst())
        switch verb {
        case "--help", "-h", "help": return say(Usage.text)
        case "--version", "version": return say("host-server \(AgentHost.version)")
        case _ where rest.contains("--help"): return say(Usage.text)
        case "serve":
            return configured(rest) { configuration, words in
                guard words.isEmpty else { return usage("serve takes no words: \(words.joined(separator: " "))") }
                return ServeCommand.run(configuration)
            }
        // A conversation and the log share the terminal: only what matters is logged.
        case "chat": return configured(rest, logLevel: "warn", ChatCommand.run)
        case "plugins" where rest.first == "check": return CheckCommand.run(Array(rest.dropFirst()))
        case "plugins" where rest.first == "new": return NewPluginCommand.run(Array(rest.dropFirst()))
        case "plugins" where rest.first.map(SigningCommands.verbs.contains) == true: return SigningCommands.run(rest)
        case "plugins":
            guard let (flags, rest) = PluginsCommand.flags(rest) else {
                return usage("--canary takes 0 to 100, --to a generation, --url a URL")
            }
            return configured(rest, logLevel: "warn") { PluginsCommand.run($0, $1, flags) }
        case _ where verb.hasPrefix("--"): return run(["serve"] + arguments)
        default: return usage("\"\(verb)\" is no command")
        }
    }

    private static func configured(
        _ arguments: [String], logLevel: String? = nil, _ command: (Configuration, [String]) -> Int32
    ) -> Int32 {
        do {
            let (configuration, words) = try Configuration.read(arguments: arguments, logLevel: logLevel)
            return command(configuration, words)
        } catch {
            complain(error.description)
            return error.code == "unknown_option" || error.code == "missing_value" ? 2 : 1
        }
    }

    static func usage(_ problem: String) -> Int32 {
        complain("\(problem); see `host-server --help`.")
        return 2
    }

    private static func say(_ text: String) -> Int32 {
        print(text)
        return 0
    }
}

/// One sentence on standard error.
func complain(_ sentence: String) {
    let line = Array("host-server: \(sentence)\n".utf8)
    _ = unsafe write(2, line, line.count)
}

/// Ends the process; what was printed goes out first.
func exitProcess(_ code: Int32) -> Never { exit(code) }
