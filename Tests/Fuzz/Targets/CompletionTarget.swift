@testable import AgentHost

/// The answer of a model's server: an event stream, read as Chat Completions and as Responses. Any slicing gives the same.
@c(fuzz_completion)
public func fuzzCompletion(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = Input(slicing: data, size)
    let whole = events([input.bytes])
    require(events(input.slices) == whole, "slices give something else than the whole")
    if input.bytes.count <= 512 {
        require(events(input.singles) == whole, "single bytes give something else than the whole")
    }
    check(ChatStream(), whole ?? [])
    check(ResponsesStream(), whole ?? [])
    return 0
}

private let limit = 4_096

/// Nil when one was too large.
private func events(_ slices: [[UInt8]]) -> [ServerSentEvent]? {
    var parser = ServerSentEvents(limit: limit)
    var found: [ServerSentEvent] = []
    for slice in slices {
        var position = 0
        do {
            while let event = try parser.next(slice.span, &position) {
                require(event.data.count <= limit, "an event beyond its limit")
                found.append(event)
            }
        } catch { return nil }
        require(position == slice.count, "bytes were left although the parser asked for more")
    }
    return found
}

/// What the turn relies on: indexes without gaps, an end that stays, a fault that can be told.
private func check(_ stream: some CompletionStream, _ events: [ServerSentEvent]) {
    var stream = stream
    var calls = 0
    func hear(_ delta: ModelDelta) {
        if case .toolCall(let index, _, _, _) = delta {
            require((0...calls).contains(index), "a call behind a gap")
            calls = max(calls, index + 1)
        }
    }
    do {
        for event in events {
            let hadEnded = stream.end != nil
            try stream.read(event) { delta in
                require(!hadEnded, "something came behind the end")
                hear(delta)
            }
        }
        let end = try stream.finish()
        require(!end.finishReason.isEmpty || stream.end != nil, "an end without a reason")
    } catch {
        require(error.detail.utf8.count < 1_024, "a fault as long as the answer")
        _ = error.failure
    }
    for event in events {
        var whole = stream
        if let json = try? JSON.parse(event.data) { try? whole.readWhole(json) { _ in } }
    }
}
