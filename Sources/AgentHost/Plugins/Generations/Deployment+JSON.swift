// How a deployment is kept in the database, so that a rollback, a canary or a pin survives a restart of the host.

extension Deployment {
    /// `{plugin, last, serving?, canary?, percent, disabled, served_last?, held_back?, pins, generations: […]}`
    var json: JSON {
        var object = JSONObject(members: [
            ("plugin", .string(plugin)), ("last", .int(Int64(lastNumber))), ("percent", .int(Int64(percent))),
            ("disabled", .bool(isDisabled)),
        ])
        if let serving { object["serving"] = .int(Int64(serving)) }
        if let canary { object["canary"] = .int(Int64(canary)) }
        if let servedLast { object["served_last"] = .int(Int64(servedLast)) }
        if let heldBack { object["held_back"] = .string(heldBack) }
        object["pins"] = .object(
            JSONObject(members: pins.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64($0.value))) }))
        object["generations"] = .array(records.map(\.json))
        return .object(object)
    }

    /// Nil when it is not what `json` writes.
    init?(_ json: JSON) {
        guard let plugin = json["plugin"]?.string, let last = json["last"]?.count,
            let generations = json["generations"]?.array, let percent = json["percent"]?.count
        else { return nil }
        self.init(plugin: plugin)
        let records = generations.compactMap(Record.init)
        guard records.count == generations.count, Set(records.map(\.number)).count == records.count else { return nil }
        func known(_ name: String) -> Int? {
            json[name]?.count.flatMap { number in records.contains { $0.number == number } ? number : nil }
        }
        restore(
            records, last: max(last, records.map(\.number).max() ?? 0), serving: known("serving"),
            canary: known("canary"), percent: min(percent, 100), isDisabled: json["disabled"] == true,
            servedLast: known("served_last"), heldBack: json["held_back"]?.string,
            pins: (json["pins"]?.object?.members ?? []).reduce(into: [:]) { pins, member in
                if let number = member.value.count, records.contains(where: { $0.number == number }) {
                    pins[member.key] = number
                }
            })
    }
}

extension Deployment.Record {
    fileprivate var json: JSON {
        var object = JSONObject(members: [
            ("number", .int(Int64(number))), ("version", .string(version)), ("hash", .string(hash)),
            ("file", .string(file)), ("status", .string(status.rawValue)),
            ("changed_at", .string(changedAt.iso8601)), ("proven", .bool(isProven)),
        ])
        if let reason { object["reason"] = .string(reason) }
        return .object(object)
    }

    fileprivate init?(_ json: JSON) {
        guard let number = json["number"]?.count, let version = json["version"]?.string,
            let hash = json["hash"]?.string, let file = json["file"]?.string,
            let status = json["status"]?.string.flatMap(Deployment.Status.init),
            let changedAt = json["changed_at"]?.string.flatMap({ Timestamp(iso8601: $0) })
        else { return nil }
        self.init(
            number: number, version: version, hash: hash, file: file, status: status, reason: json["reason"]?.string,
            changedAt: changedAt, isProven: json["proven"] == true)
    }
}

extension JSON {
    /// A number that counts something.
    fileprivate var count: Int? {
        guard case .int(let number) = self, number >= 0, number <= Int64(Int32.max) else { return nil }
        return Int(number)
    }
}
