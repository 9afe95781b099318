/// Those who read one turn, each with a place of its own. A pure value: the driver guards it.
struct TurnReaders: Sendable {
    struct Reader: Sendable {
        let number: Int
        var position: EventLog.Position
        /// The client may come back: the turn does not end because it leaves, nor fail because it is slow.
        let isResuming: Bool
        /// Found nothing and is to be told when there is something.
        var isWaiting = false
        var ready: (@Sendable () -> Void)?
    }

    /// What is to be called when no lock is held. One reader is the rule: it costs no array.
    struct Calls: Sendable {
        fileprivate var first: (@Sendable () -> Void)?
        fileprivate var others: [@Sendable () -> Void] = []

        func call() {
            if let first { WakeupBatch.call(first) }
            for other in others { WakeupBatch.call(other) }
        }
    }

    private var readers: [Reader] = []
    private var lastNumber = 0
    /// Readers that were dropped and do not know it yet.
    private var dropped: Set<Int> = []
    /// Whether the reader that the turn begins with was attached.
    private(set) var wereAttached = false

    var isEmpty: Bool { readers.isEmpty }
    /// Where the slowest is; nil when there is none.
    var slowest: Int? {
        guard var slowest = readers.first?.position.number else { return nil }
        for index in readers.indices { slowest = min(slowest, readers[index].position.number) }
        return slowest
    }

    /// Returns its number.
    mutating func add(at position: EventLog.Position, resumes: Bool) -> Int {
        lastNumber += 1
        readers.append(Reader(number: lastNumber, position: position, isResuming: resumes))
        wereAttached = true
        return lastNumber
    }

    func index(of number: Int) -> Int? { readers.firstIndex { $0.number == number } }

    subscript(index: Int) -> Reader {
        get { readers[index] }
        _modify { yield &readers[index] }
    }

    /// Nil when it is not there any more.
    mutating func remove(_ number: Int) -> Reader? {
        dropped.remove(number)
        guard let index = index(of: number) else { return nil }
        return readers.remove(at: index)
    }

    /// Removes it; it learns so when it reads next.
    mutating func drop(_ number: Int) {
        if remove(number) != nil { dropped.insert(number) }
    }

    func wasDropped(_ number: Int) -> Bool { dropped.contains(number) }

    /// The slowest reader, if its client may come back.
    var slowestIfResuming: Int? {
        let slowest = readers.min { $0.position.number < $1.position.number }
        return slowest?.isResuming == true ? slowest?.number : nil
    }

    /// What waiting readers want called, as there is something for them.
    ///
    /// - Parameters:
    ///   - visible: number behind the last event they may see.
    ///   - isEnd: whether there will be no more.
    mutating func toTell(visible: Int, isEnd: Bool) -> Calls {
        var calls = Calls()
        for index in readers.indices where readers[index].isWaiting {
            guard isEnd || visible > readers[index].position.number else { continue }
            readers[index].isWaiting = false
            guard let ready = readers[index].ready else { continue }
            if calls.first == nil { calls.first = ready } else { calls.others.append(ready) }
        }
        return calls
    }
}
