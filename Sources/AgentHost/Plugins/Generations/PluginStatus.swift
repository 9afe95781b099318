/// One plugin as operators see it.
struct PluginStatus: Sendable {
    struct GenerationStatus: Sendable {
        var record: Deployment.Record
        /// Turns that hold it at the moment.
        var holders: Int
        /// How its code is; nil when it is not loaded.
        var health: PluginHealth?
        /// What it has used; nil when it is not loaded.
        var metering: PluginMetering?
    }
    /// Nil for a file that could not be read.
    var id: String?
    var file: String
    var mode: PluginMode?
    var deployment: Deployment?
    /// Oldest first.
    var generations: [GenerationStatus]
    /// Why what lies in the folder is not in use.
    var refusal: String?
    /// Of the generation that serves.
    var manifest: Manifest?

    /// In one word: `serving`, `canary` (serving while another is tried out), `disabled`, `withdrawn`, `refused`, or how its worker is.
    var state: String {
        guard let deployment else { return "refused" }
        if deployment.isDisabled { return "disabled" }
        guard let serving = deployment.serving else { return refusal == nil ? "withdrawn" : "refused" }
        let health = generations.first { $0.record.number == serving }?.health
        if let health, health.state != .serving { return health.state.rawValue }
        return deployment.canary == nil ? "serving" : "canary"
    }

    /// What is to be known about the state: why it is not serving, or why the newest content is not.
    var reason: String? {
        if let refusal { return refusal }
        guard let deployment else { return nil }
        let serving = deployment.serving
        if let health = generations.first(where: { $0.record.number == serving })?.health, health.state != .serving {
            return health.reason
        }
        return generations.last { $0.record.number > serving ?? 0 && $0.record.reason != nil }?.record.reason
    }

    /// - Parameter isWhole: with the generations and what the manifest says.
    func json(isWhole: Bool) -> JSON {
        var object = JSONObject(members: [
            ("id", id.map { .string($0) } ?? .null), ("file", .string(file)), ("state", .string(state)),
        ])
        if let mode { object["mode"] = .string(mode.rawValue) }
        if let deployment {
            if let serving = deployment.servingRecord {
                object["generation"] = .int(Int64(serving.number))
                object["version"] = .string(serving.version)
            }
            if let canary = deployment.canary {
                object["canary"] = [
                    "generation": .int(Int64(canary)), "percent": .int(Int64(deployment.percent)),
                    "version": .string(deployment.record(canary)?.version ?? ""),
                ]
            }
        }
        if let reason { object["reason"] = .string(reason) }
        guard isWhole else { return .object(object) }
        object["generations"] = .array(generations.map(\.json))
        if let deployment {
            object["pins"] = .object(
                JSONObject(
                    members: deployment.pins.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64($0.value))) }))
            if let held = deployment.heldBack { object["held_back"] = .string(held) }
        }
        if let manifest {
            object["name"] = .string(manifest.name)
            object["agents"] = .array(manifest.agents.map { .string($0.id) })
            object["tools"] = .array(manifest.tools.map { .string($0.name) })
            object["models"] = .array(manifest.models.map { .string($0.id) })
            object["requires"] = .array(manifest.requires.map { .string($0) })
            object["uses"] = .array(manifest.uses.map { .string($0) })
            object["drain_seconds"] = .int(manifest.drainSeconds)
        }
        return .object(object)
    }
}

extension PluginStatus.GenerationStatus {
    fileprivate var json: JSON {
        var object = JSONObject(members: [
            ("generation", .int(Int64(record.number))), ("version", .string(record.version)),
            ("status", .string(record.status.rawValue)), ("file", .string(record.file)),
            ("sha256", .string(record.hash)), ("changed_at", .string(record.changedAt.iso8601)),
            ("turns", .int(Int64(holders))), ("proven", .bool(record.isProven)),
        ])
        if let reason = record.reason { object["reason"] = .string(reason) }
        if record.crashes > 0 { object["crashes"] = .int(Int64(record.crashes)) }
        if let health {
            object["worker"] = .string(health.state.rawValue)
            if let reason = health.reason { object["worker_reason"] = .string(reason) }
        }
        if let metering { object["metering"] = metering.json }
        return .object(object)
    }
}

extension PluginHost {
    /// Every plugin and every file that was refused, sorted by id, then by file.
    var statuses: [PluginStatus] {
        let known = slots.keys.sorted().compactMap { status(of: $0) }
        let files = Set(known.map(\.file))
        let refused = found.filter { $0.value.refusal != nil && !files.contains(Bundle.lastComponent($0.key)) }
            .map { path, file in
                PluginStatus(
                    id: file.id, file: Bundle.lastComponent(path), generations: [], refusal: file.refusal)
            }
        return known + refused.sorted { $0.file < $1.file }
    }

    /// How the code of each plugin that serves is, sorted by id.
    var health: [PluginHealth] {
        slots.sorted { $0.key < $1.key }.compactMap { _, slot in
            slot.deployment.serving.flatMap { slot.live[$0] }?.instance.health
        }
    }

    /// Nil when there is no such plugin.
    func status(of id: String) -> PluginStatus? {
        guard let slot = slots[id] else { return nil }
        let serving = slot.deployment.serving.flatMap { slot.live[$0] }
        let generations = slot.deployment.records.map { record in
            let live = slot.live[record.number]
            return PluginStatus.GenerationStatus(
                record: record, holders: live?.generation.holders ?? 0, health: live?.instance.health,
                metering: live?.instance.metering(generation: record.number))
        }
        return PluginStatus(
            id: id, file: Bundle.lastComponent(slot.path),
            mode: serving?.instance.mode ?? (configuration.trusted.includes(id) ? .inProcess : .worker),
            deployment: slot.deployment,
            generations: generations, refusal: found[slot.path]?.refusal, manifest: serving?.manifest)
    }
}
