/// Deadlines with a number each: a binary heap, earliest first.
///
/// Entries are never moved and rarely taken out early: an owner whose deadline moved later is told once in vain and enters itself
/// again, which is far cheaper than moving an entry with every request.
struct DeadlineHeap: Sendable {
    struct Entry: Sendable {
        /// Milliseconds of the monotonic clock.
        var deadline: Int64
        var token: UInt64
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }
    /// The earliest entry.
    var first: Entry? { entries.first }
    /// The earliest deadline.
    var earliest: Int64? { entries.first?.deadline }

    /// Adds an entry.
    mutating func insert(_ deadline: Int64, _ token: UInt64) {
        entries.append(Entry(deadline: deadline, token: token))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest entry whose deadline is not after `now`.
    mutating func popDue(_ now: Int64) -> Entry? {
        guard let first, first.deadline <= now else { return nil }
        return popFirst()
    }

    /// Takes the earliest entry.
    @discardableResult
    mutating func popFirst() -> Entry? {
        guard let first else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].deadline < entries[least].deadline { least = child }
            guard least != parent else { return first }
            entries.swapAt(parent, least)
            parent = least
        }
    }

    /// Drops the entries whose token does not pass.
    mutating func keep(_ passes: (UInt64) -> Bool) {
        // A sorted array is a heap.
        entries = entries.filter { passes($0.token) }.sorted { $0.deadline < $1.deadline }
    }
}
