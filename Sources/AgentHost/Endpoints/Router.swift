/// Finds the endpoint for a method and a path. One slash at the end of a path does not count; `*` in a route stands for any one
/// segment.
struct Router: Sendable {
    /// By path, then by method.
    private var routes: [String: [String: any Endpoint]] = [:]
    /// Those with `*`, as segments.
    private var patterns: [(segments: [Substring], methods: [String: any Endpoint])] = []

    /// Adds a route; replaces one of the same method and path.
    mutating func add(_ method: String, _ path: String, _ endpoint: any Endpoint) {
        guard path.contains("*") else {
            routes[path, default: [:]][method] = endpoint
            return
        }
        let segments = Router.segments(path)
        if let index = patterns.firstIndex(where: { $0.segments == segments }) {
            patterns[index].methods[method] = endpoint
        } else {
            patterns.append((segments, [method: endpoint]))
        }
    }

    /// Adds a route of the gateway: it is there bare and under `/api` (`seed-contracts.md` 0.1).
    mutating func addGateway(_ method: String, _ path: String, _ endpoint: any Endpoint) {
        add(method, path, endpoint)
        add(method, "/api" + path, endpoint)
    }

    /// Throws `not_found` for an unknown path, `method_not_allowed` with `Allow` for a known one. `HEAD` goes where `GET` goes.
    func endpoint(for method: String, _ path: String) throws(Refusal) -> any Endpoint {
        let plain = Router.withoutSlash(path)
        guard let methods = routes[path] ?? routes[plain] ?? matching(plain) else {
            throw Refusal(.notFound, "There is nothing at this path.")
        }
        if let endpoint = methods[method] ?? (method == "HEAD" ? methods["GET"] : nil) { return endpoint }
        var allowed = Set(methods.keys).union(["OPTIONS"])
        if allowed.contains("GET") { allowed.insert("HEAD") }
        let allow = allowed.sorted().joined(separator: ", ")
        throw Refusal(.methodNotAllowed, "This path takes \(allow).", fields: ["Allow": allow])
    }

    private func matching(_ path: String) -> [String: any Endpoint]? {
        let segments = Router.segments(path)
        return patterns.first { pattern in
            pattern.segments.count == segments.count
                && zip(pattern.segments, segments).allSatisfy { $0 == $1 || ($0 == "*" && !$1.isEmpty) }
        }?.methods
    }

    private static func segments(_ path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func withoutSlash(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
