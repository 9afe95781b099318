/// The numbered events of a turn, with two ends: `appended`, and `visible`, which waits for the disk.
///
/// An event that depends on a write holds `visible` back until the write is durable, and later events wait behind it. So what a
/// client has seen is stored, and nothing but `visible` waits. What all readers have taken is forgotten, but for a `window` that is
/// kept for readers who come back. A pure value: the driver guards it.
struct EventLog: Sendable {
    private struct Entry: Sendable {
        var event: ChatKit.Event
        var bytes: Int
        /// Events it is on the wire.
        var wireCount: Int
        /// Bytes an agent emitted for it: given back as credit when the readers have taken it.
        var credit = 0
        var write: Int?
    }

    /// Where a reader is: the next event it gets, less the pieces of text it has seen already.
    struct Position: Sendable, Hashable {
        var number = 0
        var pieces = 0
    }

    /// What is kept: first what readers have taken, then what they have not all taken yet.
    private var entries: [Entry] = []
    /// Number of `entries[0]`.
    private var first = 0
    /// All below were taken by every reader, and their credit was given back.
    private var taken = 0
    /// Events on the wire before `entries[0]`.
    private var firstOnWire = 0
    /// Writes that are not durable yet and that events wait for.
    private var pending: Set<Int> = []
    /// Bytes of what is kept below `taken`.
    private var windowBytes = 0

    /// Bytes, about, that stay when all readers have taken them, for those who come back.
    var window = 0
    /// The number the next event that readers may see will have; all below are visible.
    private(set) var visible = 0
    /// Whether no event will be appended any more.
    private(set) var isComplete = false
    /// Bytes, about, that are kept.
    private(set) var retainedBytes = 0

    /// The number the next event will have.
    var appended: Int { first + entries.count }
    /// Whether a reader that has taken all visible events has seen everything there will be.
    var isFullyVisible: Bool { isComplete && visible == appended }
    /// The events that are kept, visible or not.
    var events: [ChatKit.Event] { entries.map(\.event) }
    /// Bytes, about, that the slowest reader has not taken yet.
    var bytesAhead: Int { retainedBytes - windowBytes }

    /// Adds an event.
    ///
    /// - Parameter write: number of the write the event waits for.
    mutating func append(_ event: ChatKit.Event, write: Int? = nil) {
        let bytes = event.approximateBytes
        retainedBytes += bytes
        entries.append(Entry(event: event, bytes: bytes, wireCount: event.wireCount, write: write))
        if let write { pending.insert(write) }
        advance()
    }

    /// Notes that an agent spent `bytes` on the newest event. False when there is none to hang it on.
    mutating func charge(_ bytes: Int) -> Bool {
        guard taken < appended else { return false }
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

    // MARK: Reading

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

    /// Where a reader goes on that has seen so many events on the wire. Nil when what comes next is not kept any more, or nobody can
    /// have seen that many.
    func position(onWire seen: Int) -> Position? {
        var missing = seen - firstOnWire
        guard missing >= 0 else { return nil }
        for index in 0..<(visible - first) {
            if missing < entries[index].wireCount { return Position(number: first + index, pieces: missing) }
            missing -= entries[index].wireCount
        }
        return missing == 0 ? Position(number: visible) : nil
    }

    /// Notes that all readers have taken the events below `number`; of these no more than the window is kept. Returns the credit they
    /// held.
    mutating func trim(below number: Int) -> Int {
        var credit = 0
        while taken < min(number, visible) {
            credit += entries[taken - first].credit
            windowBytes += entries[taken - first].bytes
            taken += 1
        }
        // Not one at a time: what stays is moved.
        if windowBytes > window + window / 8 { forget(below: min(number, taken)) }
        return credit
    }

    /// Gives the window another size. All readers have taken what is below `number`.
    mutating func narrow(to bytes: Int, below number: Int) {
        window = bytes
        forget(below: min(number, taken))
    }

    /// Forgets the oldest events below `number`, until no more than the window is kept.
    private mutating func forget(below number: Int) {
        var count = 0
        while windowBytes > window, first + count < number {
            retainedBytes -= entries[count].bytes
            windowBytes -= entries[count].bytes
            firstOnWire += entries[count].wireCount
            count += 1
        }
        if count == entries.count {
            // A few deltas come again and again; more is given back, as the agent may be silent for long now.
            entries.removeAll(keepingCapacity: entries.capacity <= 2)
        } else {
            entries.removeFirst(count)
        }
        first += count
    }
}
