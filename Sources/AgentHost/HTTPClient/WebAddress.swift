/// An `http` or `https` URL, taken apart strictly: what is unusual is no address, so that nobody further on can read it differently.
struct WebAddress: Sendable, Hashable {
    /// `http` or `https`.
    var scheme: String
    /// In lower case; an IPv6 address without its brackets.
    var host: String
    var port: UInt16
    /// Path and query, beginning with a slash.
    var target: String

    /// Nil when it has a user, an odd host, a character that would have to be escaped, or another scheme. A fragment is dropped.
    init?(_ text: String) {
        guard text.utf8.count <= 8_192, let colon = text.range(of: "://") else { return nil }
        scheme = String(decoding: text[..<colon.lower].utf8.map(HTTPSyntax.lowercase), as: UTF8.self)
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = text[colon.upper...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let (host, port) = WebAddress.authority(authority, scheme) else { return nil }
        self.host = host
        self.port = port
        let behind = rest[authority.endIndex...].prefix { $0 != "#" }
        target = behind.hasPrefix("/") ? String(behind) : "/" + behind
        guard target.utf8.allSatisfy({ HTTPSyntax.isTarget($0) && $0 != UInt8(ascii: "\\") }) else { return nil }
    }

    private static func authority(_ text: Substring, _ scheme: String) -> (String, UInt16)? {
        var host = text
        var number = text[text.endIndex...]
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            number = text[text.index(after: end)...]
            guard host.contains(":"), HTTPClient.isAddress(String(host)) else { return nil }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            number = text[colon...]
        }
        let isPlain = host.utf8.allSatisfy {
            HTTPSyntax.isToken($0) && (HTTPSyntax.isHostName($0) && !"%!$&'*+~".utf8.contains($0))
                || text.hasPrefix("[")
        }
        guard isPlain, (1...253).contains(host.utf8.count), number.isEmpty || number.hasPrefix(":") else { return nil }
        let lowered = String(decoding: host.utf8.map(HTTPSyntax.lowercase), as: UTF8.self)
        if number.count <= 1 { return (lowered, scheme == "https" ? 443 : 80) }
        let digits = number.dropFirst()
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits), port > 0 else {
            return nil
        }
        return (lowered, port)
    }

    /// The URL, always with its port.
    var text: String { "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)\(target)" }

    /// Whether both are the same server, spoken to in the same way.
    func hasOrigin(of other: WebAddress) -> Bool { scheme == other.scheme && host == other.host && port == other.port }

    /// Where a `Location` leads from here; nil when it is none.
    func following(_ location: String) -> WebAddress? {
        if location.range(of: "://") != nil, let whole = WebAddress(location) { return whole }
        if location.hasPrefix("//") { return WebAddress(scheme + ":" + location) }
        let base = "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        if location.hasPrefix("/") { return WebAddress(base + location) }
        // Beside the page; dots in paths are the server's affair.
        let path = target.prefix { $0 != "?" }
        if location.hasPrefix("?") { return WebAddress(base + path + location) }
        let isOther = location.prefix { $0 != "/" && $0 != "?" && $0 != "#" }.contains(":")
        guard !isOther, let slash = path.lastIndex(of: "/") else { return nil }
        return WebAddress(base + path[...slash] + location)
    }
}

extension String {
    /// Where another text begins and ends in this one.
    fileprivate func range(of other: String) -> (lower: Index, upper: Index)? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) { return (start, index(start, offsetBy: other.count)) }
            start = index(after: start)
        }
        return nil
    }
}
