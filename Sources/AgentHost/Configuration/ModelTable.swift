// The file that names several providers (docs/models.md).

extension ModelConfiguration {
    /// Reads `{"providers": {name: {…}}, "chain": [name], "agents": {agent: "name/model"}}`.
    mutating func readTable(_ path: String, _ sources: SettingSources) throws(ConfigurationError) {
        func fail(_ rule: String) -> ConfigurationError {
            ConfigurationError("\(sources.origin(.models)): \(path) \(rule).", code: "invalid_setting")
        }
        guard let bytes = try? readFile(path, limit: 1 << 20) else { throw fail("cannot be read") }
        guard let table = (try? JSON.parse(bytes))?.object else { throw fail("is no JSON object") }
        for member in table.members where !["providers", "chain", "agents"].contains(member.key) {
            throw fail("has a member \"\(member.key)\", which is not known")
        }
        let environment = sources.environment.merging(sources.dotEnv) { $1 }
        var known: [String: Provider] = [:]
        for (name, value) in table["providers"]?.object?.members ?? [] {
            do throws(TableError) { known[name] = try Provider(name: name, value, environment) } catch {
                throw fail("is wrong at providers.\(name): \(error.rule)")
            }
        }
        guard !known.isEmpty else { throw fail("names no providers") }
        let order = table["providers"]?.object?.members.map(\.key) ?? []
        let chain = table["chain"]?.array?.map { $0.string ?? "" } ?? order
        for name in chain where known[name] == nil {
            throw fail("has a chain with \"\(name)\", which is no provider of it")
        }
        // Those that are in no chain are there for agents and requests that name them.
        providers = (chain + order.filter { !chain.contains($0) }).compactMap { known[$0] }
        chainLength = chain.count
        for (agent, value) in table["agents"]?.object?.members ?? [] {
            let name = value.string?.split(separator: "/", maxSplits: 1).first.map(String.init) ?? ""
            guard name == "offline" || known[name] != nil else {
                throw fail("gives agent \"\(agent)\" the model \(value.text), whose provider it does not name")
            }
            agents[agent] = value.string
        }
    }
}

/// What is wrong with an entry.
private struct TableError: Error { var rule: String }

extension ModelConfiguration.Provider {
    fileprivate init(name: String, _ json: JSON, _ environment: [String: String]) throws(TableError) {
        guard let object = json.object else { throw TableError(rule: "it is no object") }
        guard !name.isEmpty, name != "offline", !name.contains("/") else {
            throw TableError(rule: "its name must not be empty or \"offline\" and must hold no slash")
        }
        let known = [
            "base_url", "model", "api", "auth", "api_key", "api_key_env", "api_key_file", "api_version", "usage",
        ]
        for member in object.members where !known.contains(member.key) {
            throw TableError(rule: "\"\(member.key)\" is none of \(known.joined(separator: ", "))")
        }
        guard let url = object["base_url"]?.string.flatMap(ModelConfiguration.baseURL) else {
            throw TableError(rule: "base_url must look like https://host/v1, without a query or a password")
        }
        guard let model = object["model"]?.string, !model.isEmpty else { throw TableError(rule: "model is missing") }
        self.init(name: name, baseURL: url, model: model)
        guard let api = ModelConfiguration.API(rawValue: object["api"]?.string ?? "chat") else {
            throw TableError(rule: "api must be chat or responses")
        }
        self.api = api
        guard let auth = ModelConfiguration.Authentication(rawValue: object["auth"]?.string ?? "bearer") else {
            throw TableError(rule: "auth must be bearer or api-key")
        }
        authentication = auth
        if let version = object["api_version"]?.string {
            guard !version.isEmpty, version.utf8.allSatisfy(ModelConfiguration.isVersion) else {
                throw TableError(rule: "api_version must look like 2024-10-21")
            }
            query = "?api-version=\(version)"
        }
        countsTokens = object["usage"]?.bool ?? true
        key = try readKey(object, environment)
    }

    /// Also notes the variable that holds it.
    private mutating func readKey(_ object: JSONObject, _ environment: [String: String]) throws(TableError) -> Secret? {
        if object["api_key"] != nil {
            throw TableError(rule: "a key does not belong into this file; use api_key_file or api_key_env")
        }
        if let variable = object["api_key_env"]?.string {
            guard let key = environment[variable].flatMap({ ModelConfiguration.secret($0) }) else {
                throw TableError(rule: "the environment variable \(variable) holds no key")
            }
            keyVariable = variable
            return key
        }
        guard let file = object["api_key_file"]?.string else { return nil }
        guard let key = ModelConfiguration.secret(inFile: file) else {
            throw TableError(rule: "the file \(file) holds no key")
        }
        return key
    }
}
