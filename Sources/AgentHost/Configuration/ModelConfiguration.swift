/// Which language models there are and who is asked for them.
struct ModelConfiguration: Sendable, Hashable {
    /// The form in which a server is talked to.
    enum API: String, Sendable, CaseIterable {
        /// Chat Completions: what every server of this kind speaks.
        case chat
        /// OpenAI's Responses.
        case responses
    }

    /// How a key is shown to a server.
    enum Authentication: String, Sendable, CaseIterable {
        /// `Authorization: Bearer …`
        case bearer
        /// `api-key: …`, as Azure wants it.
        case apiKey = "api-key"
    }

    /// A server with what it needs to be told.
    struct Provider: Sendable, Hashable {
        var name: String
        /// Without a slash at its end.
        var baseURL: String
        /// Added to every URL: `?api-version=…`; may be empty.
        var query = ""
        /// Nil: the server wants none.
        var key: Secret?
        /// Environment variable that the key was taken from.
        var keyVariable: String?
        var authentication = Authentication.bearer
        var api = API.chat
        /// The model that is asked for when nobody names another.
        var model: String
        /// Whether the server is asked for the numbers of tokens.
        var countsTokens = true
    }

    /// In the order in which they are asked: a later one when those before it fail. Empty: no language model is configured.
    var providers: [Provider] = []
    /// How many of `providers` are asked by themselves; the others answer only those who name them.
    var chainLength = 0
    /// Model of completions that no agent asks for; nil: the provider's.
    var besideAgents: String?
    /// By agent id: "provider", "provider/model" or "offline".
    var agents: [String: String] = [:]
    /// What a request may ask for; nil: anything.
    var choices: Set<String>?
    /// Tries beyond the first, for each provider.
    var retries = 2
    /// Milliseconds.
    var connectLimit: Int64 = 10_000
    var firstByteLimit: Int64 = 25_000
    var idleLimit: Int64 = 25_000
    /// File of trusted certificates; nil: the system's.
    var certificates: String?
}

extension ModelConfiguration {
    /// Where OpenAI itself answers.
    static let vendorURL = "https://api.openai.com/v1"

    init(_ sources: SettingSources) throws(ConfigurationError) {
        self.init()
        retries = try sources.integer(.modelRetries, in: 0...5)
        connectLimit = Int64(try sources.integer(.modelConnectSeconds, in: 1...600)) * 1_000
        firstByteLimit = Int64(try sources.integer(.modelFirstByteSeconds, in: 1...600)) * 1_000
        idleLimit = Int64(try sources.integer(.modelIdleSeconds, in: 1...600)) * 1_000
        let file = sources.value(.certificates)
        certificates = file.isEmpty ? nil : file
        if let certificates, (try? readFile(certificates, limit: 64 << 20)) == nil {
            throw sources.error(
                .certificates, "must name a file of certificates that can be read, not \"\(certificates)\"")
        }
        let allowed = sources.value(.modelChoices)
        choices = allowed.isEmpty ? nil : Set(Configuration.list(allowed))
        let table = sources.value(.models)
        if table.isEmpty {
            providers = try ModelConfiguration.single(sources).map { [$0] } ?? []
            chainLength = providers.count
        } else {
            try readTable(table, sources)
        }
        let beside = sources.value(.defaultModel)
        if !beside.isEmpty {
            besideAgents = beside
        } else if sources.isUnset(.model), table.isEmpty, providers.first?.baseURL == ModelConfiguration.vendorURL {
            besideAgents = "gpt-4o-mini"
        }
    }

    /// The provider of the plain variables; nil when neither a key nor an address is set.
    private static func single(_ sources: SettingSources) throws(ConfigurationError) -> Provider? {
        let url = sources.value(.openAIURL)
        let key = try sources.secret(.openAIKey, file: .openAIKeyFile).map(Secret.init)
        guard key != nil || url != vendorURL else { return nil }
        guard let api = API(rawValue: sources.value(.modelAPI)) else {
            throw sources.error(.modelAPI, "must be chat or responses")
        }
        guard let authentication = Authentication(rawValue: sources.value(.modelAuthentication)) else {
            throw sources.error(.modelAuthentication, "must be bearer or api-key")
        }
        let version = sources.value(.openAIVersion)
        guard version.utf8.allSatisfy(isVersion) else {
            throw sources.error(.openAIVersion, "must look like 2024-10-21")
        }
        guard let base = baseURL(url) else {
            throw sources.error(
                .openAIURL, "must look like https://host/v1, without a query or a password")
        }
        return Provider(
            name: "openai", baseURL: base, query: version.isEmpty ? "" : "?api-version=\(version)", key: key,
            keyVariable: Setting.openAIKey.variables[0], authentication: authentication, api: api,
            model: sources.value(.model))
    }

    /// Nil when it could not be sent in a field.
    static func secret(_ text: String) -> Secret? {
        let isVisible = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        return isVisible && (1...4_096).contains(text.utf8.count) ? Secret(text) : nil
    }

    static func secret(inFile path: String) -> Secret? {
        guard let bytes = try? readFile(path, limit: 64 << 10) else { return nil }
        var text = Substring(decoding: bytes, as: UTF8.self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return secret(String(text))
    }

    /// The address without slashes at its end; nil when it is none.
    static func baseURL(_ text: String) -> String? {
        var text = text
        while text.hasSuffix("/") { text.removeLast() }
        let scheme = ["https://", "http://"].first { text.hasPrefix($0) }
        guard let scheme, text.utf8.count <= 2_048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !text.contains(where: { "?#@\\\"<>".contains($0) })
        else { return nil }
        let host = text.dropFirst(scheme.count).prefix { $0 != "/" }
        return host.isEmpty || host.hasPrefix(":") ? nil : text
    }

    static func isVersion(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            || (0x30...0x39).contains(byte)
            || (0x61...0x7A).contains(byte | 0x20)
    }
}
