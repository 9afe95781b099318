extension Setting {
    static let openAIURL = Setting(
        variables: ["OPENAI_BASE_URL"], flag: "openai-base-url", defaultValue: ModelConfiguration.vendorURL,
        summary:
            "Base URL of the model's server, with `/v1` if it has that. Without it and without a key, agents use their offline models."
    )
    static let openAIKey = Setting(
        variables: ["OPENAI_API_KEY"], flag: nil, defaultValue: "",
        summary: "Key for the model's server. Erased from the environment of the running program.")
    static let openAIKeyFile = Setting(
        variables: ["OPENAI_API_KEY_FILE"], flag: "openai-api-key-file", defaultValue: "",
        summary: "File that holds the key instead, one line.")
    static let openAIVersion = Setting(
        variables: ["OPENAI_API_VERSION"], flag: "openai-api-version", defaultValue: "",
        summary: "Sent as `?api-version=…`, for Azure.")
    static let model = Setting(
        variables: ["CHATKIT_MODEL"], flag: "model", defaultValue: "gpt-4.1",
        summary: "Model of agents whose manifest says `default`.")
    static let defaultModel = Setting(
        variables: ["CHATKIT_DEFAULT_MODEL"], flag: "default-model", defaultValue: "",
        summary:
            "Model of completions that no agent asks for, such as a plugin's own; unset: `gpt-4o-mini` at OpenAI, elsewhere and when `CHATKIT_MODEL` is set that one."
    )
    static let modelAPI = Setting(
        variables: ["AGENTHOST_MODEL_API"], flag: "model-api", defaultValue: "chat",
        summary: "`chat` (Chat Completions) or `responses`.")
    static let modelAuthentication = Setting(
        variables: ["AGENTHOST_MODEL_AUTH"], flag: "model-auth", defaultValue: "bearer",
        summary: "How the key is sent: `bearer`, or `api-key` as Azure wants it.")
    static let models = Setting(
        variables: ["AGENTHOST_MODELS"], flag: "models", defaultValue: "",
        summary:
            "JSON file with several providers, their order and models for single agents (docs/models.md); replaces the settings above."
    )
    static let modelChoices = Setting(
        variables: ["AGENTHOST_MODEL_CHOICES"], flag: "model-choices", defaultValue: "",
        summary: "Models that a request may ask for, separated by commas; unset: any.")
    static let modelRetries = Setting(
        variables: ["AGENTHOST_MODEL_RETRIES"], flag: "model-retries", defaultValue: "2",
        summary: "Further tries after a 429, a 5xx or a lost connection before the answer has begun, 0 to 5.")
    static let modelConnectSeconds = Setting(
        variables: ["AGENTHOST_MODEL_CONNECT_SECONDS"], flag: "model-connect-seconds", defaultValue: "10",
        summary: "How long connecting to the model's server may take, 1 to 600.")
    static let modelFirstByteSeconds = Setting(
        variables: ["AGENTHOST_MODEL_FIRST_BYTE_SECONDS"], flag: "model-first-byte-seconds", defaultValue: "25",
        summary: "How long the model may take to begin, 1 to 600: more for one that is loaded first or thinks silently."
    )
    static let modelIdleSeconds = Setting(
        variables: ["AGENTHOST_MODEL_IDLE_SECONDS"], flag: "model-idle-seconds", defaultValue: "25",
        summary: "How long the model may fall silent, 1 to 600.")
    static let certificates = Setting(
        variables: ["AGENTHOST_CA_FILE", "SSL_CERT_FILE"], flag: "ca-file", defaultValue: "",
        summary: "PEM file of the certificates that are trusted instead of the system's.")

    /// Settings of language models.
    static let ofModels: [Setting] = [
        openAIURL, openAIKey, openAIKeyFile, openAIVersion, model, defaultModel, modelAPI, modelAuthentication, models,
        modelChoices, modelRetries, modelConnectSeconds, modelFirstByteSeconds, modelIdleSeconds, certificates,
    ]
}
