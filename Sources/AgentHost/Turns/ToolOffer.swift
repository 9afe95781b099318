/// The tools an agent may use in a turn, as the model is told of them.
struct ToolOffer: Sendable {
    /// By the name the model knows.
    let tools: [String: ToolDescriptor]
    /// In the shape of Chat Completions.
    let list: [JSON]
    /// Names of those that run only when the person agrees.
    let asking: Set<String>
    /// What `list` costs of a model's context, about.
    let tokens: Int

    init(_ tools: [ToolDescriptor], asking: Set<String> = []) {
        self.tools = Dictionary(tools.map { ($0.exposedName, $0) }, uniquingKeysWith: { first, _ in first })
        self.asking = asking
        list = tools.map { tool in
            [
                "type": "function",
                "function": [
                    "name": .string(tool.exposedName), "description": .string(tool.description),
                    "parameters": tool.inputSchema,
                ],
            ]
        }
        tokens = list.reduce(0) { $0 + TokenEstimate.tokens($1) }
    }

    /// The tool the person asked for, in the shape of Chat Completions; nil when it is none of these.
    func choice(_ name: String?) -> JSON? {
        guard let name, tools[name] != nil else { return nil }
        return ["type": "function", "function": ["name": .string(name)]]
    }

    /// Their names, for a model that has called something else.
    var names: String {
        let names = tools.keys.sorted().joined(separator: ", ")
        return names.isEmpty ? "You have no tools." : "Your tools are: \(names)."
    }
}
