// What events weigh: exact enough to bound what a slow reader costs.

extension ChatKit.Event {
    /// Memory the event takes, about.
    var approximateBytes: Int {
        switch self {
        case .itemUpdated(_, let update): 96 + update.approximateBytes
        case .itemAdded(let item), .itemDone(let item), .itemReplaced(let item): 96 + item.approximateBytes
        case .clientEffect(_, let data): 96 + JSON.object(data).encoded.count
        case .notice(_, let message, _): 96 + message.utf8.count
        default: 256
        }
    }
}

extension ChatKit.Item {
    /// Messages, which every turn has, are not encoded for this.
    fileprivate var approximateBytes: Int {
        switch content {
        case .userMessage(let message): 256 + message.content.reduce(0) { $0 + $1.approximateBytes }
        case .assistantMessage(let parts):
            parts.reduce(256) { $0 + $1.text.utf8.count + 128 * $1.annotations.count }
        default: encoded.count
        }
    }
}

extension ChatKit.UserContent {
    fileprivate var approximateBytes: Int {
        switch self {
        case .text(let text): 64 + text.utf8.count
        case .tag(_, let text, let data, _, _): 128 + text.utf8.count + JSON.object(data).encoded.count
        }
    }
}

extension ChatKit.ItemUpdate {
    fileprivate var approximateBytes: Int {
        switch self {
        case .textDeltas(_, let deltas): deltas.bytes.count + 96 * (deltas.count - 1)
        case .contentPartAdded(_, let part), .contentPartDone(_, let part):
            part.text.utf8.count + 128 * part.annotations.count
        case .annotationAdded(_, _, let json), .widgetComponent(_, let json), .widgetRoot(let json): json.encoded.count
        case .widgetTextDelta(_, let delta, _): delta.utf8.count
        case .taskAdded(_, let task), .taskUpdated(_, let task):
            if case .custom(_, _, let content) = task.kind { 64 + (content?.utf8.count ?? 0) } else { 512 }
        case .imageUpdated(let image, _): image.url.utf8.count
        }
    }
}

extension ChatKit.Event {
    /// The number of events it is on the wire: one, but for text, of which each piece is one.
    var wireCount: Int {
        if case .itemUpdated(_, .textDeltas(_, let deltas)) = self { deltas.count } else { 1 }
    }

    /// The event without its first pieces of text.
    func droppingFirst(_ pieces: Int) -> ChatKit.Event {
        guard pieces > 0, case .itemUpdated(let id, .textDeltas(let index, let deltas)) = self else { return self }
        return .itemUpdated(id: id, .textDeltas(index: index, deltas.droppingFirst(pieces)))
    }
}
