internal import AgentHost

/// `host-server plugins keygen|sign|verify`: who vouches for a plugin. They need no running server.
enum SigningCommands {
    static let verbs: Set<String> = ["keygen", "sign", "verify"]

    /// - Parameter arguments: the verb and what follows.
    static func run(_ arguments: [String]) -> Int32 {
        guard let verb = arguments.first, let (words, options) = split(Array(arguments.dropFirst())) else {
            return HostServer.usage("an option of keygen, sign or verify lacks its value")
        }
        do {
            switch verb {
            case "keygen" where words.count == 1 && options.isEmpty: try makeKey(words[0])
            case "sign" where words.count == 1 && Set(options.keys) == ["--key"]:
                try sign(words[0], keyFile: options["--key"] ?? "")
            case "verify" where words.count == 1 && Set(options.keys).isSubset(of: ["--policy"]):
                try verify(words[0], policy: options["--policy"])
            case "keygen":
                return HostServer.usage("plugins keygen needs one word, the file to write the private key to")
            case "sign": return HostServer.usage("plugins sign needs --key FILE and the bundle")
            default: return HostServer.usage("plugins verify needs the bundle, and may be given --policy FILE")
            }
            return 0
        } catch {
            complain(error.description)
            return 1
        }
    }

    /// Words, and options with their values.
    private static func split(_ arguments: [String]) -> (words: [String], options: [String: String])? {
        var words: [String] = []
        var options: [String: String] = [:]
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            guard argument.hasPrefix("--") else {
                words.append(argument)
                continue
            }
            guard index < arguments.count else { return nil }
            options[argument] = arguments[index]
            index += 1
        }
        return (words, options)
    }

    private static func makeKey(_ path: String) throws(PluginSigning.Failure) {
        let key = try PluginSigning.makeKey(at: path)
        print("The private key is in \(path): keep it secret. The public key, for policies:")
        print(key)
    }

    private static func sign(_ path: String, keyFile: String) throws(PluginSigning.Failure) {
        show(try PluginSigning.sign(path, keyFile: keyFile))
    }

    private static func verify(_ path: String, policy: String?) throws(PluginSigning.Failure) {
        show(try PluginSigning.inspect(path))
        guard let policy else { return }
        try PluginSigning.check(path, policy: policy)
        print("allowed by \(policy)")
    }

    private static func show(_ report: PluginSigning.Report) {
        print("\(report.id) \(report.version)")
        print("sha256  \(report.sha256)")
        print("signed  \(report.signer ?? "by nobody")")
    }
}
