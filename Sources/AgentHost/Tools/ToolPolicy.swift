/// Which tools may run: by themselves, only when the person agrees, or not at all. Rules are the operator's, in a file
/// (`AGENTHOST_TOOL_POLICY`); the first one that matches decides. `docs/approvals.md` describes them.
struct ToolPolicy: Sendable, Hashable {
    enum Decision: String, Sendable, Hashable, CaseIterable { case allow, ask, deny }

    struct Rule: Sendable, Hashable {
        /// `plugin-id/tool`; `*` stands for anything, here and in the others.
        var tool = "*"
        /// Id of the agent that calls.
        var agent = "*"
        /// The owner key: `h:…`, `t:…`, `s:…`.
        var owner = "*"
        /// Whether the tool must, or must not, be marked as destructive or as read only; nil: either.
        var isDestructive: Bool?
        var isReadOnly: Bool?
        var decision: Decision

        func matches(_ descriptor: ToolDescriptor, _ caller: ToolCaller) -> Bool {
            (isDestructive ?? descriptor.isDestructive) == descriptor.isDestructive
                && (isReadOnly ?? descriptor.isReadOnly) == descriptor.isReadOnly
                && wildcardMatch(pattern: tool, "\(descriptor.plugin)/\(descriptor.name)")
                && wildcardMatch(pattern: agent, caller.agentID)
                && wildcardMatch(pattern: owner, caller.owner.text)
        }
    }

    var rules: [Rule] = []

    /// Without a rule that matches, a tool whose manifest says `needs_approval` asks and any other runs.
    func decision(for tool: ToolDescriptor, _ caller: ToolCaller) -> Decision {
        rules.first { $0.matches(tool, caller) }?.decision ?? (tool.needsApproval ? .ask : .allow)
    }
}

/// Why a policy file cannot be used: a sentence that names the member and says what it must be.
struct ToolPolicyError: Error, Hashable {
    var sentence: String
}

extension ToolPolicy {
    /// Bytes of a policy file.
    static let limit = 1 << 20

    /// Reads the text of a policy: `{"rules": [{"tool"?, "agent"?, "owner"?, "destructive"?, "read_only"?, "decision"}]}`. A member
    /// that is not known is refused: a rule with a slip of the pen would protect nothing.
    init(parsing bytes: [UInt8]) throws(ToolPolicyError) {
        let json: JSON
        do { json = try JSON.parse(bytes, maximumDepth: 16) } catch {
            throw ToolPolicyError(sentence: "it is not JSON: \(error.sentence)")
        }
        guard let members = json.object?.members, members.allSatisfy({ $0.key == "rules" }),
            let list = json["rules"]?.array
        else { throw ToolPolicyError(sentence: "it must be an object with the one member \"rules\", an array") }
        for (index, element) in list.enumerated() { rules.append(try Rule(element, at: "rules[\(index)]")) }
    }
}

extension ToolPolicy.Rule {
    private static let known = ["tool", "agent", "owner", "destructive", "read_only", "decision", "comment"]

    fileprivate init(_ json: JSON, at path: String) throws(ToolPolicyError) {
        guard let object = json.object else { throw ToolPolicyError(sentence: "\(path) must be an object") }
        for (key, _) in object.members where !Self.known.contains(key) {
            throw ToolPolicyError(
                sentence:
                    "\(path) has the member \"\(key.prefix(40))\"; known are \(Self.known.joined(separator: ", "))")
        }
        guard let word = object["decision"]?.string, let decision = ToolPolicy.Decision(rawValue: word) else {
            throw ToolPolicyError(sentence: "\(path).decision must be \"allow\", \"ask\" or \"deny\"")
        }
        self.init(decision: decision)
        tool = try Self.pattern(object, "tool", at: path)
        guard tool == "*" || tool.contains("/") else {
            throw ToolPolicyError(
                sentence:
                    "\(path).tool \"\(tool.prefix(80))\" must be \"plugin-id/tool\" (\"*/\(tool.prefix(80))\" for any plugin)"
            )
        }
        agent = try Self.pattern(object, "agent", at: path)
        owner = try Self.pattern(object, "owner", at: path)
        guard owner == "*" || ["h:", "t:", "s:"].contains(where: { owner.hasPrefix($0) }) else {
            throw ToolPolicyError(
                sentence:
                    "\(path).owner \"\(owner.prefix(80))\" must begin with h: (X-User-ID), t: (token) or s: (session)")
        }
        isDestructive = try Self.flag(object, "destructive", at: path)
        isReadOnly = try Self.flag(object, "read_only", at: path)
    }

    private static func pattern(
        _ object: JSONObject, _ member: String, at path: String
    ) throws(ToolPolicyError) -> String {
        guard let value = object[member] else { return "*" }
        guard let text = value.string, !text.isEmpty, text.utf8.count <= 512 else {
            throw ToolPolicyError(sentence: "\(path).\(member) must be a string of 1 to 512 bytes")
        }
        return text
    }

    private static func flag(_ object: JSONObject, _ member: String, at path: String) throws(ToolPolicyError) -> Bool? {
        guard let value = object[member] else { return nil }
        guard let flag = value.bool else { throw ToolPolicyError(sentence: "\(path).\(member) must be true or false") }
        return flag
    }
}
