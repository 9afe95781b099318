/// `ap.host.thread/1`: a plugin reads the thread it works for (`service.h`). Which one follows from the handle, never from JSON.
struct ThreadService: HostService {
    static let pageLimit: Int64 = 1_000
    /// Bytes of items after which a page ends.
    static let pageBytes = ServiceReply.limit / 2

    let store: any Store

    func start(_ call: ServiceCall, _ reply: ServiceReply) -> any Cancellable {
        ServiceTask(reply) { () async throws(ServiceFailure) in
            let arguments = try call.arguments()
            guard let scope = call.scope, let owner = scope.owner, !scope.threadID.isEmpty else {
                throw ServiceFailure(.denied, "the handle has no thread; ask with the handle of a turn")
            }
            switch call.op {
            case "get": return try await get(scope.threadID, owner)
            case "items": return try await items(arguments, of: scope.threadID, owner)
            default: throw .unknownOperation(call.op)
            }
        }
    }

    private func get(_ threadID: String, _ owner: OwnerKey) async throws(ServiceFailure) -> JSON {
        let found: StoredThread?
        do { found = try await store.thread(threadID, owner: owner) } catch { throw failure(error) }
        guard let thread = found, var answer = (try? JSON.parse(thread.json))?.object else {
            throw ServiceFailure(.notFound, "the thread was deleted")
        }
        answer["id"] = .string(thread.id)
        answer["created_at"] = .string(thread.createdAt.iso8601)
        return JSON.object(answer).withoutNullMembers
    }

    private func items(
        _ arguments: JSON, of threadID: String, _ owner: OwnerKey
    ) async throws(ServiceFailure) -> JSON {
        let page = try page(arguments)
        let found: StoredPage<StoredItem>
        do {
            found = try await store.items(thread: threadID, owner: owner, page: page, includingHidden: true)
        } catch { throw failure(error) }
        var data: [JSON] = []
        var bytes = 0
        for item in found.elements {
            bytes += item.json.count
            if bytes > ThreadService.pageBytes, !data.isEmpty { break }
            guard let json = try? JSON.parse(item.json) else {
                throw ServiceFailure(.failed, "the stored item \(item.id) is damaged")
            }
            data.append(json)
        }
        let hasMore = found.hasMore || data.count < found.elements.count
        var answer = JSONObject(members: [("data", .array(data)), ("has_more", .bool(hasMore))])
        if hasMore, !data.isEmpty { answer["after"] = .string(found.elements[data.count - 1].id) }
        return .object(answer)
    }

    private func page(_ arguments: JSON) throws(ServiceFailure) -> PageRequest {
        var page = PageRequest(limit: 20, order: .descending, after: nil)
        if let limit = arguments["limit"], !limit.isNull {
            guard let number = limit.int, (1...ThreadService.pageLimit).contains(number) else {
                throw ServiceFailure(.invalid, "limit must be from 1 to \(ThreadService.pageLimit)")
            }
            page.limit = Int(number)
        }
        if let order = arguments["order"], !order.isNull {
            guard let known = order.string.flatMap({ PageRequest.Order(rawValue: $0) }) else {
                throw ServiceFailure(.invalid, "order must be \"asc\" or \"desc\"")
            }
            page.order = known
        }
        if let after = arguments["after"], !after.isNull {
            guard let id = after.string else { throw ServiceFailure(.invalid, "after must be the id of an item") }
            page.after = id
        }
        return page
    }

    private func failure(_ error: StoreError) -> ServiceFailure {
        switch error {
        case .threadNotFound: ServiceFailure(.notFound, "the thread was deleted")
        case .cursorNotFound: ServiceFailure(.notFound, "after names no item of the thread")
        case .closed: ServiceFailure(.unavailable, "the host is shutting down")
        default: ServiceFailure(.failed, "the store failed")
        }
    }
}

extension JSON {
    /// The object without members that are null; what is inside them stays.
    fileprivate var withoutNullMembers: JSON {
        guard let object else { return self }
        let members = object.members.map { (key: $0.key, value: $0.value == .null ? JSON?.none : $0.value.trimmed) }
        return .object(
            JSONObject(members: members.compactMap { member in member.value.map { (key: member.key, value: $0) } }))
    }

    /// `status` is written with a null reason when it has none.
    private var trimmed: JSON {
        guard let object, object["reason"] == .null else { return self }
        var copy = object
        copy["reason"] = JSON?.none
        return .object(copy)
    }
}
