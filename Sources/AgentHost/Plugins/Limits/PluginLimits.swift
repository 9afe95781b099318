/// The limits of one plugin.
struct PluginLimits: Sendable, Hashable {
    private var values = PluginLimit.allCases.map(\.defaultValue)

    /// 0 is no limit.
    subscript(limit: PluginLimit) -> Int64 {
        get { values[limit.rawValue] }
        set { values[limit.rawValue] = newValue }
    }

    /// Whether `value` is more than the limit allows.
    func isExceeded(_ limit: PluginLimit, by value: Int64) -> Bool {
        let most = self[limit]
        return value > most && (most > 0 || !limit.mayBeAbsent)
    }

    /// By name, for operators.
    var json: JSON { .object(JSONObject(members: PluginLimit.allCases.map { ($0.name, .int(self[$0])) })) }
}

/// The limits of all plugins: the defaults, what the operator's file says for all (`*`) and what it says for single ones.
struct PluginLimitTable: Sendable, Hashable {
    /// What is written for somebody, in place of the defaults.
    typealias Override = [PluginLimit: Int64]

    var forAll: Override = [:]
    /// By plugin id.
    var forPlugin: [String: Override] = [:]

    /// The limits of a plugin. Its manifest may ask for less memory and fewer threads than there are for all; what the operator has
    /// written for this plugin alone is true whatever the manifest asks.
    func limits(of manifest: Manifest) -> PluginLimits {
        var limits = PluginLimits()
        for (limit, value) in forAll { limits[limit] = value }
        lower(.memoryMegabytes, to: manifest.permissions.memoryMegabytes, in: &limits)
        lower(.threads, to: manifest.permissions.threads, in: &limits)
        for (limit, value) in forPlugin[manifest.id] ?? [:] { limits[limit] = value }
        return limits
    }

    private func lower(_ limit: PluginLimit, to asked: Int64?, in limits: inout PluginLimits) {
        guard let asked, limits.isExceeded(limit, by: asked) == false else { return }
        limits[limit] = asked
    }
}

/// Why the file of limits is not taken: a sentence's end that names the place.
struct PluginLimitsError: Error, Hashable {
    var reason: String
}

extension PluginLimitTable {
    /// The largest file.
    static let fileLimit = 1 << 20

    /// Reads `{"*": {"memory_mb": 256, …}, "dev.example.trip": {…}}`. Strict: what is not known or out of range is refused, for a limit
    /// that is not kept is worse than none.
    init(parsing bytes: [UInt8]) throws(PluginLimitsError) {
        let json: JSON
        do { json = try JSON.parse(bytes, maximumDepth: 8) } catch {
            throw PluginLimitsError(reason: "is not JSON: \(error.sentence)")
        }
        guard let plugins = json.object else {
            throw PluginLimitsError(reason: #"must be an object, such as {"*": {"memory_mb": 256}}"#)
        }
        for (id, value) in plugins.members {
            let shown = "\"\(id.prefix(80))\""
            guard id == "*" || ManifestPattern.pluginID.matches(id) else {
                throw PluginLimitsError(reason: "has the member \(shown), which is neither a plugin's id nor \"*\"")
            }
            guard let members = value.object else { throw PluginLimitsError(reason: "\(shown) must be an object") }
            let override = try PluginLimitTable.override(members, of: shown)
            if id == "*" { forAll = override } else { forPlugin[id] = override }
        }
    }

    private static func override(_ members: JSONObject, of plugin: String) throws(PluginLimitsError) -> Override {
        var override: Override = [:]
        for (name, value) in members.members {
            guard let limit = PluginLimit(name: name) else {
                let known = PluginLimit.allCases.map(\.name).joined(separator: ", ")
                throw PluginLimitsError(
                    reason: "\(plugin) has the unknown limit \"\(name.prefix(80))\"; known are \(known)")
            }
            guard let number = value.int, limit.range.contains(number) || (number == 0 && limit.mayBeAbsent) else {
                let none = limit.mayBeAbsent ? ", or 0 for no limit" : ""
                throw PluginLimitsError(
                    reason: "\(plugin).\(name) must be a whole number from \(limit.range.lowerBound) to "
                        + "\(limit.range.upperBound)\(none)")
            }
            override[limit] = number
        }
        return override
    }

    /// Reads the operator's file. Blocks.
    static func read(_ path: String) throws(PluginLimitsError) -> PluginLimitTable {
        let bytes: [UInt8]
        do { bytes = try readFile(path, limit: fileLimit) } catch {
            throw PluginLimitsError(reason: "cannot be read: \(error.reason)")
        }
        return try PluginLimitTable(parsing: bytes)
    }
}
