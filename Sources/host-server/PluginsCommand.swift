internal import AgentHost

/// `host-server plugins …`: talks to the running server about its plugins.
enum PluginsCommand {
    /// What stands beside the words and is no setting.
    struct Flags {
        var options = PluginCommands.Options()
        var url: String?
    }

    /// Takes the command's own flags off the line.
    ///
    /// - Returns: nil when one lacks its value.
    static func flags(_ arguments: [String]) -> (Flags, rest: [String])? {
        var flags = Flags()
        var rest: [String] = []
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if argument == "--json" {
                flags.options.isJSON = true
                continue
            }
            guard ["--canary", "--to", "--url"].contains(argument) else {
                rest.append(argument)
                continue
            }
            guard index < arguments.count else { return nil }
            let value = arguments[index]
            index += 1
            switch argument {
            case "--url": flags.url = value
            case "--to":
                guard let number = Int(value) else { return nil }
                flags.options.generation = number
            default:
                guard let number = Int(value), (0...100).contains(number) else { return nil }
                flags.options.canary = number
            }
        }
        return (flags, rest)
    }

    static func run(_ configuration: Configuration, _ words: [String], _ flags: Flags) -> Int32 {
        let commands = PluginCommands(AdminClient(configuration, url: flags.url))
        let result = waitFor { () async -> Result<String, HostError> in
            do throws(HostError) { return .success(try await commands.run(words, flags.options)) } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let text):
            print(text)
            return 0
        case .failure(let error) where error.code == "usage": return HostServer.usage(error.description)
        case .failure(let error):
            complain(error.description)
            return 1
        }
    }
}
