/// The numbered events of a turn, with two ends: `appended`, and `visible`, which waits for the disk.
///
/// An event that depends on a write holds `visible` back until the write is durable, and later events wait behind it. So what a
/// client has seen is stored, and nothing but `visible` waits. A pure value: the driver guards it.
struct EventLog: Sendable {
    private struct Entry: Sendable {
        var event: ChatKit.Event
        var bytes: Int
        /// Bytes an agent emitted for it: given back as credit when the readers have taken it.
        var credit = 0
        var write: Int?
    }

    /// What readers have not all taken yet.
    private var entries: [Entry] = []
    /// Number of `entries[0]`.
    private var first = 0
    /// Writes that are not durable yet and that events wait for.
    private var pending: Set<Int> = []

    /// The number the next event that readers may see will have; all below are visible.
    private(set) var visible = 0
    /// Whether no event will be appended any more.
    private(set) var isComplete = false
    /// Bytes, about, that are kept for readers.
    private(set) var retainedBytes = 0

    /// The number the next event will have.
    var appended: Int { first + entries.count }
    /// Whether a reader that has taken all visible events has seen everything there will be.
    var isFullyVisible: Bool { isComplete && visible == appended }
    /// The events that are kept, visible or not.
    var events: [ChatKit.Event] { entries.map(\.event) }

    /// Adds an event.
    ///
    /// - Parameter write: number of the write the event waits for.
    mutating func append(_ event: ChatKit.Event, write: Int? = nil) {
        let bytes = event.approximateBytes
        retainedBytes += bytes
        entries.append(Entry(event: event, bytes: bytes, write: write))
        if let write { pending.insert(write) }
        advance()
    }

    /// Notes that an agent spent `bytes` on the newest event. False when there is none to hang it on.
    mutating func charge(_ bytes: Int) -> Bool {
        guard !entries.isEmpty else { return false }
        entries[entries.count - 1].credit += bytes
        return true
    }

    /// No more events.
    mutating func complete() { isComplete = true }

    /// The write is durable.
    mutating func stored(_ write: Int) {
        if pending.remove(write) != nil { advance() }
    }

    /// The write has failed: what waited for it, and all behind, is never shown.
    mutating func dropHeld(by write: Int) {
        // Only what is not visible yet can wait for it.
        guard let index = entries[(visible - first)...].firstIndex(where: { $0.write == write }) else { return }
        for entry in entries[index...] { retainedBytes -= entry.bytes }
        entries.removeSubrange(index...)
        pending.remove(write)
        isComplete = false
    }

    private mutating func advance() {
        while visible < appended {
            if let write = entries[visible - first].write, pending.contains(write) { return }
            visible += 1
        }
    }

    /// The visible events from number `from` on, in all not more than one above about `limit` bytes.
    func read(from number: Int, limit: Int = .max) -> [ChatKit.Event] {
        var bytes = 0
        let begin = max(number, first) - first
        var end = begin
        while end < visible - first, bytes < limit {
            bytes += entries[end].bytes
            end += 1
        }
        return entries[begin..<end].map(\.event)
    }

    /// Forgets events below `number`, which all readers have taken. Returns the credit they held.
    mutating func trim(below number: Int) -> Int {
        let count = min(number, visible) - first
        guard count > 0 else { return 0 }
        var credit = 0
        for entry in entries[..<count] {
            credit += entry.credit
            retainedBytes -= entry.bytes
        }
        if count == entries.count {
            // A few deltas come again and again; more is given back, as the agent may be silent for long now.
            entries.removeAll(keepingCapacity: entries.capacity <= 2)
        } else {
            entries.removeFirst(count)
        }
        first += count
        return credit
    }
}

extension ChatKit.Event {
    /// Memory the event takes, about: exact enough to bound what a slow reader costs.
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
