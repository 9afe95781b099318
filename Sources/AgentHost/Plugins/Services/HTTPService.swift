/// `ap.host.http/1`: a plugin asks a server of the internet (`service.h`), if its manifest lists it.
///
/// Redirects are followed, each checked like the request itself. An address is looked at when it is connected to: a name that leads to a private
/// or loopback address is refused, unless the manifest lists that very address (or `localhost`). Proxies of the environment are not used.
struct HTTPService: HostService {
    /// Bytes of a request's body and of an answer's (abi.md 4.7).
    static let bodyLimit = 16 << 20
    /// Milliseconds.
    static let defaultTimeout: Int64 = 30_000
    static let longestTimeout: Int64 = 300_000
    static let redirectLimit: Int64 = 5

    let client: HTTPClient

    func start(_ call: ServiceCall, _ reply: ServiceReply) -> any Cancellable {
        do throws(ServiceFailure) {
            guard call.op == "request" else { throw ServiceFailure.unknownOperation(call.op) }
            let exchange = HTTPExchange(try HTTPOrder(call), client, reply)
            exchange.begin()
            return exchange
        } catch {
            reply.end(error)
            return NotCancellable()
        }
    }
}

/// What a plugin wants, checked.
struct HTTPOrder: Sendable {
    var method: String
    var address: WebAddress
    var fields: HTTPFields
    var body: [UInt8]
    var limits = UpstreamLimits()
    /// Redirects that may still be followed.
    var redirects: Int64
    let grants: HTTPGrants

    /// Fields that are the client's own business.
    private static let reserved: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
        "proxy-authorization", "proxy-connection",
    ]

    init(_ call: ServiceCall) throws(ServiceFailure) {
        let json = try call.arguments()
        grants = HTTPGrants(call.manifest.permissions.http)
        method = json["method"]?.string ?? "GET"
        guard ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(method) else {
            throw ServiceFailure(.invalid, "method must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS")
        }
        guard let address = json["url"]?.string.flatMap(WebAddress.init) else {
            throw ServiceFailure(.invalid, "url must be an http or https URL without a user, with everything escaped")
        }
        self.address = address
        guard grants.allows(address) else {
            throw ServiceFailure(
                .denied, "the manifest's permissions.http does not list \(address.host):\(address.port)")
        }
        fields = try HTTPOrder.fields(json["headers"] ?? [:])
        guard call.body.count <= HTTPService.bodyLimit else {
            throw ServiceFailure(.limit, "the body is larger than \(HTTPService.bodyLimit) bytes")
        }
        body = call.body
        redirects = try HTTPOrder.number(json, "redirects", 0...HTTPService.redirectLimit, HTTPService.redirectLimit)
        let timeout = try HTTPOrder.number(
            json, "timeout_ms", 1...HTTPService.longestTimeout, HTTPService.defaultTimeout)
        limits.bodyBytes = Int(
            try HTTPOrder.number(json, "max_bytes", 0...Int64(HTTPService.bodyLimit), Int64(HTTPService.bodyLimit)))
        limits.deadline = monotonicMilliseconds() + timeout
        if let scope = call.scope?.deadline, scope > 0 { limits.deadline = min(limits.deadline, scope) }
        // The deadline alone counts.
        limits.connect = timeout
        limits.firstByte = timeout
        limits.idle = timeout
    }

    private static func number(
        _ json: JSON, _ name: String, _ range: ClosedRange<Int64>, _ otherwise: Int64
    ) throws(ServiceFailure) -> Int64 {
        guard let value = json[name], !value.isNull else { return otherwise }
        guard let number = value.int, range.contains(number) else {
            throw ServiceFailure(
                .invalid, "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func fields(_ json: JSON) throws(ServiceFailure) -> HTTPFields {
        guard let object = json.object else { throw ServiceFailure(.invalid, "headers must be an object of strings") }
        var fields: HTTPFields = [:]
        for (name, value) in object.members {
            let lowered = String(decoding: name.utf8.map(HTTPSyntax.lowercase), as: UTF8.self)
            guard let text = value.string, !reserved.contains(lowered) else {
                throw ServiceFailure(.invalid, "headers.\(name.prefix(64)) is no string, or is set by the host")
            }
            fields.append(name, text)
        }
        guard fields.areValid, fields.count <= 64, fields.encoded.count <= 32 << 10 else {
            throw ServiceFailure(.invalid, "headers hold a character that is not allowed there, or are too many")
        }
        return fields
    }

    var request: UpstreamRequest {
        var request = UpstreamRequest(method: method, url: address.text, fields: fields, body: body, limits: limits)
        request.usesProxies = false
        // A connection that one plugin was allowed to make is nobody else's.
        request.reusesConnections = false
        request.onlyPublic = !grants.allowsPrivate(address)
        return request
    }

    /// The request that a redirect leads to; nil when the answer is none to be followed.
    ///
    /// - Throws: when it leads where the plugin must not go.
    func following(_ head: UpstreamHead) throws(ServiceFailure) -> HTTPOrder? {
        guard [301, 302, 303, 307, 308].contains(head.status), redirects > 0, let location = head.fields["Location"],
            let next = address.following(location)
        else { return nil }
        guard grants.allows(next), next.scheme == "https" || address.scheme == "http" else {
            throw ServiceFailure(
                .denied,
                "a redirect leads to \(next.scheme)://\(next.host.prefix(128)):\(next.port), which is not allowed")
        }
        var order = self
        order.address = next
        order.redirects -= 1
        if head.status == 303 && method != "HEAD" || head.status < 303 && method == "POST" {
            order.method = "GET"
            order.body = []
        }
        if !next.hasOrigin(of: address) {
            // Meant for the first server alone.
            order.fields = [:]
            for (name, value) in fields.all
            where !["authorization", "cookie"].contains(where: { HTTPSyntax.equal($0, name) }) {
                order.fields.append(name, value)
            }
        }
        return order
    }
}

/// The servers that a manifest lists: `host`, `host:port`, `*.example.com`, `[::1]:8080`. Without a port, 443 is meant.
struct HTTPGrants: Sendable {
    private let patterns: [(host: String, port: String)]

    init(_ patterns: [String]) {
        self.patterns = patterns.map { pattern in
            let text = String(decoding: pattern.utf8.map(HTTPSyntax.lowercase), as: UTF8.self)
            if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
                let behind = text[text.index(after: end)...]
                return (String(text[..<end].dropFirst()), behind.hasPrefix(":") ? String(behind.dropFirst()) : "443")
            }
            guard let colon = text.lastIndex(of: ":") else { return (text, "443") }
            return (String(text[..<colon]), String(text[text.index(after: colon)...]))
        }
    }

    func allows(_ address: WebAddress) -> Bool {
        patterns.contains {
            wildcardMatch(pattern: $0.host, address.host) && ($0.port == "*" || $0.port == String(address.port))
        }
    }

    /// Whether the address itself, or `localhost`, is listed by name.
    func allowsPrivate(_ address: WebAddress) -> Bool {
        guard address.host == "localhost" || HTTPClient.isAddress(address.host) else { return false }
        return patterns.contains { $0.host == address.host && ($0.port == "*" || $0.port == String(address.port)) }
    }
}
