/// What a stored thread's `json` says: all that is not a column of its own.
struct ThreadRecord: Sendable, Hashable {
    var title: String?
    var status: ChatKit.ThreadStatus = .active
    var allowedImageDomains: [String]?
    /// Of the agent and the integrator; never sent to a client.
    var metadata = JSONObject()

    init() {}

    /// Lenient: what cannot be read takes its default, so that a thread written by another version still loads.
    init(json: [UInt8]) {
        guard let value = try? JSON.parse(json) else { return }
        title = value["title"]?.string
        let reason = value["status"]?["reason"]?.string
        switch value["status"]?["type"]?.string {
        case "locked": status = .locked(reason: reason)
        case "closed": status = .closed(reason: reason)
        default: status = .active
        }
        allowedImageDomains = value["allowed_image_domains"]?.array?.compactMap(\.string)
        metadata = value["metadata"]?.object ?? JSONObject()
    }

    /// The text for `StoredThread.json`.
    var encoded: [UInt8] {
        var object = JSONObject()
        object["title"] = title.map { .string($0) }
        switch status {
        case .active: object["status"] = ["type": "active"]
        case .locked(let reason): object["status"] = ["type": "locked", "reason": reason.map { .string($0) } ?? .null]
        case .closed(let reason): object["status"] = ["type": "closed", "reason": reason.map { .string($0) } ?? .null]
        }
        object["allowed_image_domains"] = allowedImageDomains.map { .array($0.map { .string($0) }) }
        object["metadata"] = .object(metadata)
        return JSON.object(object).encoded
    }
}

extension ChatKit.Thread {
    /// Shows what the record says now.
    mutating func adopt(_ record: ThreadRecord) {
        title = record.title
        status = record.status
        allowedImageDomains = record.allowedImageDomains
    }
}

extension StoredThread {
    /// The protocol's view of the thread.
    var chatKit: ChatKit.Thread {
        var thread = ChatKit.Thread(id: id, createdAt: createdAt)
        thread.adopt(ThreadRecord(json: json))
        return thread
    }
}

extension StoredItem {
    /// An item as the store keeps it.
    ///
    /// - Parameter hostJSON: see `StoredItem.hostJSON`.
    init(_ item: ChatKit.Item, hostJSON: [UInt8]? = nil) {
        self.init(
            id: item.id, threadID: item.threadID, type: item.type, isHidden: item.isHidden, createdAt: item.createdAt,
            json: item.encoded, hostJSON: hostJSON)
    }
}
