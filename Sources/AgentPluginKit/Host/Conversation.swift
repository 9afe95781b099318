/// The thread that a turn or call works for, as the host keeps it. The manifest must list `ap.host.thread/1`.
public struct Conversation: Sendable {
    let host: Host

    /// A part of the thread's items.
    public struct Page: Sendable, Hashable {
        /// Items in ChatKit shape, hidden ones too.
        public let items: [JSON]
        /// The id to go on after; nil at the end.
        public let after: String?
    }

    /// `id`, `created_at`, `title`, `status`, `metadata`, `allowed_image_domains`.
    /// - Throws: ``HostError``: `denied` outside of a thread, `notFound` when it was deleted.
    public func record() async throws -> JSON { try await host.request(.thread, "get", [:]) }

    /// Some items, from one end or behind one that is known.
    /// - Parameters:
    ///   - limit: 1 to 1,000; a page may hold fewer although more follow.
    ///   - oldestFirst: from which end; newest first otherwise.
    /// - Throws: ``HostError``: `denied` outside of a thread, `notFound` for an unknown `after`.
    public func items(limit: Int = 20, oldestFirst: Bool = false, after: String? = nil) async throws -> Page {
        var request = JSONObject()
        request["limit"] = .int(limit)
        request["order"] = oldestFirst ? "asc" : "desc"
        request["after"] = after.map { .string($0) }
        let answer = try await host.request(.thread, "items", .object(request))
        return Page(
            items: answer["data"]?.array ?? [],
            after: answer["has_more"] == true ? answer["after"]?.string : nil)
    }
}
