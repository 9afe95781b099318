@testable import AgentHost

/// What a parser found, with neighbouring pieces of a body joined: where a body is cut depends on the slices, nothing else does.
private enum Found: Equatable {
    case head([String], fields: [UInt8], HTTPFraming, expects: Bool, keeps: Bool)
    case body([UInt8])
    case end
    case failure(HTTPError)
}

/// HTTPParser: any slicing gives the same events, and events keep their order.
@c(fuzz_http)
public func fuzzHTTP(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = Input(slicing: data, size)
    let whole = found([input.bytes])
    checkOrder(whole)
    require(found(input.slices) == whole, "slices give something else than the whole")
    if input.bytes.count <= 512 {
        require(found(input.singles) == whole, "single bytes give something else than the whole")
    }
    return 0
}

private func found(_ slices: [[UInt8]]) -> [Found] {
    var parser = HTTPParser()
    var found: [Found] = []
    for slice in slices {
        var position = 0
        while true {
            let before = position
            guard let event = parser.next(slice.span, &position) else { break }
            require(position >= before && position <= slice.count, "the position left the slice")
            add(event, of: slice, to: &found)
        }
        require(position == slice.count, "bytes were left although the parser asked for more")
    }
    return found
}

private func add(_ event: HTTPParser.Event, of slice: [UInt8], to found: inout [Found]) {
    switch event {
    case .head(let request):
        check(request)
        let version = request.version == .http11 ? "1.1" : "1.0"
        found.append(
            .head(
                [request.method, request.target, request.path, request.query ?? "none", version],
                fields: request.fields.encoded, request.framing, expects: request.expectsContinue,
                keeps: request.keepsAlive))
    case .body(let range):
        require(!range.isEmpty, "an empty piece of a body")
        if case .body(let bytes) = found.last {
            found[found.count - 1] = .body(bytes + slice[range])
        } else {
            found.append(.body(Array(slice[range])))
        }
    case .end: found.append(.end)
    case .failure(let error):
        require((400..<600).contains(error.status) && !error.code.isEmpty, "a failure nobody can be told")
        found.append(.failure(error))
    }
}

/// What the rooms above rely on without looking again.
private func check(_ request: HTTPRequest) {
    require(!request.method.isEmpty && request.method.utf8.allSatisfy(HTTPSyntax.isToken), "a method that is no token")
    require(request.path == "*" || request.path.utf8.first == UInt8(ascii: "/"), "a path that does not begin with /")
    require(request.fields.areValid, "a field that could break out of its line")
    require(request.fields.count <= HTTPLimits().fieldCount, "too many fields")
    require(request.version == .http10 || request.fields.values("Host").count == 1, "a request without its host")
    if case .length(let length) = request.framing { require(length >= 0, "a negative length") }
    if request.framing == .chunked { require(!request.fields.contains("Content-Length"), "two lengths") }
    _ = request.clientID
}

private func checkOrder(_ found: [Found]) {
    var isInside = false
    for (index, event) in found.enumerated() {
        switch event {
        case .head:
            require(!isInside, "a head inside a request")
            isInside = true
        case .body: require(isInside, "a body without a head")
        case .end:
            require(isInside, "an end without a head")
            isInside = false
        case .failure: require(index == found.count - 1, "something came behind a failure")
        }
    }
}
