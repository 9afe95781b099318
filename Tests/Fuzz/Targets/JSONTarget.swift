@testable import AgentHost

/// The JSON door: bytes of a request body to a typed request; besides, what a plugin may send as an item.
///
/// What was read and is written again is read as the same.
@c(fuzz_json)
public func fuzzJSON(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Input(data, size).bytes
    _ = try? ChatKit.Request(body: bytes)
    guard let json = try? JSON.parse(bytes) else {
        require((try? ChatKit.Request(body: bytes)) == nil, "a request that is no JSON")
        return 0
    }
    require(json == json, "a value differs from itself")
    let written = json.encoded
    guard let again = try? JSON.parse(written) else { fatalError("what was written cannot be read") }
    require(again == json, "what was written is read as something else")
    require(again.encoded == written, "writing is not stable")
    require(again.hashValue == json.hashValue, "equal values have different hashes")
    checkRequest(bytes)
    checkItem(json)
    return 0
}

private func checkRequest(_ bytes: [UInt8]) {
    do { _ = try ChatKit.Request(body: bytes) } catch {
        require(error.code != .invalidJSON, "JSON that was refused as none")
        require(error.sentence.utf8.count < 4_096, "a refusal as long as the request")
    }
}

/// Nulls of a widget are dropped, so it is the second writing that equals the first.
private func checkItem(_ json: JSON) {
    guard let item = try? ChatKit.Item(json: json) else { return }
    let written = encoded(item)
    guard let read = try? JSON.parse(written), let again = try? ChatKit.Item(json: read) else {
        fatalError("an item that was written cannot be read")
    }
    require(encoded(again) == written, "an item that was written is read as another")
}

private func encoded(_ item: ChatKit.Item) -> [UInt8] {
    var writer = JSONWriter()
    item.encode(into: &writer)
    return writer.bytes
}
