/// Finds the endpoint for a method and a path. One slash at the end of a path does not count.
struct Router: Sendable {
    /// By path, then by method.
    private var routes: [String: [String: any Endpoint]] = [:]

    /// Adds a route; replaces one of the same method and path.
    mutating func add(_ method: String, _ path: String, _ endpoint: any Endpoint) {
        routes[path, default: [:]][method] = endpoint
    }

    /// Adds a route of the gateway: it is there bare and under `/api` (`seed-contracts.md` 0.1).
    mutating func addGateway(_ method: String, _ path: String, _ endpoint: any Endpoint) {
        add(method, path, endpoint)
        add(method, "/api" + path, endpoint)
    }

    /// Throws `not_found` for an unknown path, `method_not_allowed` with `Allow` for a known one. `HEAD` goes where `GET` goes.
    func endpoint(for method: String, _ path: String) throws(Refusal) -> any Endpoint {
        guard let methods = routes[path] ?? routes[Router.withoutSlash(path)] else {
            throw Refusal(.notFound, "There is nothing at this path.")
        }
        if let endpoint = methods[method] ?? (method == "HEAD" ? methods["GET"] : nil) { return endpoint }
        var allowed = Set(methods.keys).union(["OPTIONS"])
        if allowed.contains("GET") { allowed.insert("HEAD") }
        let allow = allowed.sorted().joined(separator: ", ")
        throw Refusal(.methodNotAllowed, "This path takes \(allow).", fields: ["Allow": allow])
    }

    private static func withoutSlash(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
