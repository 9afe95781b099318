internal import AgentHost

/// `host-server plugins new NAME --lang c|cpp|rust|swift`.
enum NewPluginCommand {
    /// - Parameter arguments: what follows the verb.
    static func run(_ arguments: [String]) -> Int32 {
        let languages = NewPlugin.Language.allCases.map(\.rawValue).joined(separator: "|")
        guard arguments.count == 3, let flag = arguments.firstIndex(of: "--lang"), flag < 2,
            let language = NewPlugin.Language(rawValue: arguments[flag + 1])
        else { return HostServer.usage("plugins new needs a name and --lang \(languages)") }
        do {
            let made = try NewPlugin.make(arguments[flag == 0 ? 2 : 0], language)
            print("\(made.folder) is ready. Build it and talk to it:")
            print("  make -C \(made.folder)")
            print("  host-server chat \(made.agent) --plugins \(made.folder)")
            return 0
        } catch {
            complain(error.description)
            return 1
        }
    }
}
