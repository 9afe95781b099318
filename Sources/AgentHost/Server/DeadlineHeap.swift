/// When which event source wants to be woken: a binary heap, earliest first.
///
/// Entries are never taken out early. A source whose deadline moved later is woken once in vain and enters itself again, which
/// is far cheaper than moving an entry with every request.
struct DeadlineHeap {
    struct Entry {
        /// Milliseconds of the monotonic clock.
        var deadline: Int64
        var token: UInt64
    }

    private var entries: [Entry] = []

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
        guard let first = entries.first, first.deadline <= now else { return nil }
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
}
