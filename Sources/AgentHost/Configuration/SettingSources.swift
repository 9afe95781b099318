/// Where values come from: the environment, a `.env` file, the command line, in rising priority.
struct SettingSources: Sendable {
    var environment: [String: String]
    var dotEnv: [String: String]
    /// By flag, without `--`.
    var flags: [String: String]

    /// The value of a setting; an empty text counts as unset.
    func value(_ setting: Setting) -> String {
        if let flag = setting.flag, let value = flags[flag], !value.isEmpty { return value }
        for source in [dotEnv, environment] {
            for variable in setting.variables {
                if let value = source[variable], !value.isEmpty { return value }
            }
        }
        return setting.defaultValue
    }

    /// Whether nobody gave it a value.
    func isUnset(_ setting: Setting) -> Bool {
        if let flag = setting.flag, flags[flag]?.isEmpty == false { return false }
        return !setting.variables.contains { dotEnv[$0]?.isEmpty == false || environment[$0]?.isEmpty == false }
    }

    /// How a person would name the place where the value comes from, for error messages.
    func origin(_ setting: Setting) -> String {
        if let flag = setting.flag, let value = flags[flag], !value.isEmpty { return "--\(flag)" }
        for source in [dotEnv, environment] {
            if let variable = setting.variables.first(where: { source[$0]?.isEmpty == false }) { return variable }
        }
        return setting.variables[0]
    }
}

extension SettingSources {
    /// Reads flags: `--name value`, `--name=value`, switches without a value.
    ///
    /// - Returns: the flags and what else stands on the line.
    static func parseFlags(
        _ arguments: [String]
    ) throws(ConfigurationError) -> (flags: [String: String], rest: [String]) {
        var flags: [String: String] = [:]
        var rest: [String] = []
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            guard argument.hasPrefix("--"), argument.count > 2 else {
                rest.append(argument)
                continue
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let setting = Setting.all.first(where: { $0.flag == name }) else {
                throw ConfigurationError(
                    "--\(name) is not an option; `host-server --help` lists them.", code: "unknown_option")
            }
            if parts.count == 2 {
                flags[name] = String(parts[1])
            } else if setting.isSwitch {
                flags[name] = "1"
            } else {
                guard index < arguments.count else {
                    throw ConfigurationError("--\(name) needs a value.", code: "missing_value")
                }
                flags[name] = arguments[index]
                index += 1
            }
        }
        return (flags, rest)
    }

    /// Reads the text of a `.env` file: `NAME=value` lines, `#` comments, optional `export` and quotes.
    static func parseDotEnv(_ text: String) -> [String: String] {
        var variables: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            var line = trim(line)
            if line.hasPrefix("export ") { line = trim(line.dropFirst(7)) }
            guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { continue }
            var value = trim(line[line.index(after: equals)...])
            if let quote = value.first, quote == "\"" || quote == "'", value.count >= 2, value.last == quote {
                value = value.dropFirst().dropLast()
            } else if let comment = value.range(ofSpaceAndHash: ()) {
                value = trim(value[..<comment])
            }
            variables[String(trim(line[..<equals]))] = String(value)
        }
        return variables
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

extension Substring {
    /// Where a trailing comment (` #…`) begins.
    fileprivate func range(ofSpaceAndHash: ()) -> Index? {
        var before: Character?
        for index in indices {
            if self[index] == "#", before?.isWhitespace == true { return index }
            before = self[index]
        }
        return nil
    }
}
