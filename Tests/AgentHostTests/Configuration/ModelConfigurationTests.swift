import Foundation
import Testing

@testable import AgentHost

struct ModelConfigurationTests {
    private func read(_ environment: [String: String] = [:], _ flags: [String: String] = [:]) throws
        -> ModelConfiguration
    {
        try ModelConfiguration(SettingSources(environment: environment, dotEnv: [:], flags: flags))
    }

    private func inFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("models-\(UUID().uuidString)")
        try Data(text.utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }

    @Test func nothingIsConfiguredByItself() throws {
        #expect(try read().providers.isEmpty)
        #expect(try read(["CHATKIT_MODEL": "x"]).providers.isEmpty)
    }

    @Test func aKeyMeansOpenAI() throws {
        let models = try read(["OPENAI_API_KEY": "sk-1"])
        let provider = try #require(models.providers.first)
        #expect(provider.baseURL == "https://api.openai.com/v1" && provider.key?.text == "sk-1")
        #expect(provider.model == "gpt-4.1" && provider.api == .chat && provider.query == "")
        #expect(models.besideAgents == "gpt-4o-mini" && models.chainLength == 1)
        #expect(try read(["OPENAI_API_KEY": "k", "CHATKIT_MODEL": "m"]).besideAgents == nil)
        #expect(try read(["OPENAI_API_KEY": "k", "CHATKIT_DEFAULT_MODEL": "d"]).besideAgents == "d")
    }

    @Test func anAddressNeedsNoKey() throws {
        let models = try read(["OPENAI_BASE_URL": "http://127.0.0.1:11434/v1/", "CHATKIT_MODEL": "llama3.2"])
        #expect(models.providers.map(\.baseURL) == ["http://127.0.0.1:11434/v1"])
        #expect(models.providers[0].key == nil && models.besideAgents == nil)
    }

    @Test func azure() throws {
        let provider = try #require(
            try read([
                "OPENAI_BASE_URL": "https://x.openai.azure.com/openai/deployments/d", "OPENAI_API_KEY": "k",
                "OPENAI_API_VERSION": "2024-10-21", "AGENTHOST_MODEL_AUTH": "api-key",
                "AGENTHOST_MODEL_API": "responses",
            ]).providers.first)
        #expect(provider.query == "?api-version=2024-10-21")
        #expect(provider.authentication == .apiKey && provider.api == .responses)
    }

    @Test func theKeyMayLieInAFile() throws {
        let models = try inFile("sk-file\n") { path in try read(["OPENAI_API_KEY_FILE": path]) }
        #expect(models.providers.first?.key?.text == "sk-file")
    }

    @Test(arguments: [
        ["OPENAI_API_KEY": "a b"], ["OPENAI_API_KEY": "a\r\nX: y"], ["OPENAI_API_KEY": "schlüssel"],
        ["OPENAI_API_KEY_FILE": "/does/not/exist"], ["OPENAI_API_KEY_FILE": "/dev/null"],
        ["OPENAI_BASE_URL": "ftp://x"],
        ["OPENAI_BASE_URL": "https://user:pass@x/v1"], ["OPENAI_BASE_URL": "https://x/v1?y"],
        ["OPENAI_BASE_URL": "https://"],
        ["OPENAI_BASE_URL": "https://:80/v1"], ["OPENAI_BASE_URL": "https://x /v1"], ["OPENAI_BASE_URL": "x"],
        ["OPENAI_API_KEY": "k", "OPENAI_API_VERSION": "a&b"], ["OPENAI_API_KEY": "k", "AGENTHOST_MODEL_API": "x"],
        ["OPENAI_API_KEY": "k", "AGENTHOST_MODEL_AUTH": "x"], ["AGENTHOST_MODEL_RETRIES": "6"],
        ["AGENTHOST_MODEL_IDLE_SECONDS": "0"], ["AGENTHOST_MODELS": "/does/not/exist"],
        ["SSL_CERT_FILE": "/does/not/exist"],
    ]) func badValuesNameTheirSetting(_ environment: [String: String]) throws {
        let error = #expect(throws: ConfigurationError.self) { try read(environment) }
        let text = error?.description ?? ""
        #expect(environment.keys.contains { text.contains($0) }, "\(text)")
        #expect(!text.contains("schlüssel") && !text.contains("X: y"), "a key is not repeated")
    }

    @Test func aTableOfProviders() throws {
        let table = """
            {"providers": {
               "openai": {"base_url": "https://api.openai.com/v1", "api_key_env": "MY_KEY", "model": "gpt-4.1", "api": "responses"},
               "local": {"base_url": "http://127.0.0.1:11434/v1", "model": "llama3.2", "usage": false},
               "azure": {"base_url": "https://x.azure.com/openai/v1", "auth": "api-key", "api_version": "preview", "model": "d"}},
             "chain": ["local", "openai"],
             "agents": {"TodoTasks": "azure", "TripPlanner": "openai/gpt-4.1-mini", "Other": "offline"}}
            """
        let models = try inFile(table) { try read(["AGENTHOST_MODELS": $0, "MY_KEY": "k"]) }
        #expect(models.providers.map(\.name) == ["local", "openai", "azure"] && models.chainLength == 2)
        #expect(models.providers[1].key?.text == "k" && models.providers[1].keyVariable == "MY_KEY")
        #expect(!models.providers[0].countsTokens && models.providers[2].query == "?api-version=preview")
        let catalogue = try #require(ModelCatalogue(models, client: HTTPClient(), log: .silent))
        func steps(_ agent: String, _ requested: String? = nil) -> [String] {
            let model = catalogue.choice(agent: agent, requested: requested)?.provider as? ServerModel
            return model?.steps.map { "\($0.provider.name)/\($0.model)" } ?? ["offline"]
        }
        #expect(steps("x") == ["local/llama3.2", "openai/gpt-4.1"])
        #expect(steps("TodoTasks") == ["azure/d", "local/llama3.2", "openai/gpt-4.1"])
        #expect(steps("TripPlanner") == ["openai/gpt-4.1-mini", "local/llama3.2"])
        #expect(steps("Other") == ["offline"] && steps("Other", "llama3.2") == ["offline"])
        #expect(steps("x", "mistral") == ["local/mistral", "openai/gpt-4.1"])
        #expect(steps("x", "azure/gpt-5") == ["azure/gpt-5", "local/llama3.2", "openai/gpt-4.1"])
        #expect(steps("x", "org/model") == ["local/org/model", "openai/gpt-4.1"])
        #expect(steps("x", "a b") == steps("x") && steps("x", "") == steps("x"), "no name")
    }

    @Test func requestsMayBeRestricted() throws {
        let models = try read(["OPENAI_API_KEY": "k", "AGENTHOST_MODEL_CHOICES": "a, b"])
        let catalogue = try #require(ModelCatalogue(models, client: HTTPClient(), log: .silent))
        for (requested, model) in [("a", "a"), ("b", "b"), ("c", "gpt-4.1")] {
            #expect(catalogue.choice(agent: "x", requested: requested)?.model == model)
        }
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"providers": {}}"#, #"{"providers": {"a": 5}}"#,
        #"{"providers": {"a": {"base_url": "http://x"}}}"#,
        #"{"providers": {"a": {"base_url": "x", "model": "m"}}}"#,
        #"{"providers": {"a": {"base_url": "http://x", "model": "m", "api_key": "sk-canary"}}}"#,
        #"{"providers": {"a": {"base_url": "http://x", "model": "m", "api_key_env": "NOT_SET"}}}"#,
        #"{"providers": {"a": {"base_url": "http://x", "model": "m", "api_key_file": "/nowhere"}}}"#,
        #"{"providers": {"a": {"base_url": "http://x", "model": "m", "typo": 1}}}"#,
        #"{"providers": {"a/b": {"base_url": "http://x", "model": "m"}}}"#,
        #"{"providers": {"a": {"base_url": "http://x", "model": "m"}}, "chain": ["b"]}"#,
        #"{"providers": {"a": {"base_url": "http://x", "model": "m"}}, "agents": {"x": "b/m"}}"#,
        #"{"providers": {"a": {"base_url": "http://x", "model": "m"}}, "chian": []}"#,
    ]) func aWrongTableIsRefused(_ table: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try inFile(table) { try read(["AGENTHOST_MODELS": $0]) }
        }
        #expect(error?.description.contains("AGENTHOST_MODELS") == true)
        #expect(error?.description.contains("canary") == false)
    }
}
