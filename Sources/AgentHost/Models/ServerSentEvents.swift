/// One event of an event stream.
struct ServerSentEvent: Sendable, Hashable {
    /// Of the `event` line; empty when there was none.
    var type: [UInt8] = []
    /// The `data` lines, joined by LF.
    var data: [UInt8] = []
}

/// Reads an event stream (`text/event-stream`, HTML standard, 9.2) piece by piece: pure, bounded, for hostile bytes.
///
/// Lines end with LF, CR or CR LF, wherever the pieces are cut. Comments, `id`, `retry` and unknown fields are skipped, events without
/// data are none. An event that is not finished at the end of the stream never was one.
struct ServerSentEvents: Sendable {
    /// An event has more bytes than it may.
    struct TooLarge: Error, Hashable {}

    /// Bytes of one event, its longest line included.
    static let eventLimit = 8 << 20

    private let limit: Int
    /// The beginning of a line whose end has not come.
    private var line: [UInt8] = []
    private var event = ServerSentEvent()
    private var hasData = false
    /// The last byte was a CR: an LF behind it belongs to it.
    private var skipsLF = false
    /// Nothing but, perhaps, a byte order mark has come.
    private var isAtStart = true

    init(limit: Int = ServerSentEvents.eventLimit) { self.limit = limit }

    /// Moves `position` through `bytes` to behind the next event.
    ///
    /// - Returns: the event; nil when all bytes are taken and no (further) event is complete.
    /// - Throws: `TooLarge`; nothing useful comes after that.
    mutating func next(_ bytes: borrowing Span<UInt8>, _ position: inout Int) throws(TooLarge) -> ServerSentEvent? {
        while position < bytes.count {
            if skipsLF {
                skipsLF = false
                if bytes[position] == 0x0A {
                    position += 1
                    continue
                }
            }
            let start = position
            while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D { position += 1 }
            guard line.count + event.data.count + event.type.count + position - start <= limit else { throw TooLarge() }
            guard position < bytes.count else {
                line.append(contentsOf: bytes, start..<position)
                return nil
            }
            skipsLF = bytes[position] == 0x0D
            let end = position
            position += 1
            if line.isEmpty {
                if let event = take(bytes, start..<end) { return event }
            } else {
                line.append(contentsOf: bytes, start..<end)
                let whole = line
                line.removeAll(keepingCapacity: true)
                if let event = take(whole.span, 0..<whole.count) { return event }
            }
        }
        return nil
    }

    /// Takes one line without its end; answers the event that it ends.
    private mutating func take(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> ServerSentEvent? {
        var range = range
        if isAtStart {
            isAtStart = false
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            if range.count >= 3, (0..<3).allSatisfy({ bytes[range.lowerBound + $0] == mark[$0] }) {
                range = range.lowerBound + 3..<range.upperBound
            }
        }
        guard !range.isEmpty else { return dispatch() }
        var colon = range.lowerBound
        while colon < range.upperBound, bytes[colon] != UInt8(ascii: ":") { colon += 1 }
        var value = min(colon + 1, range.upperBound)
        if value < range.upperBound, bytes[value] == 0x20 { value += 1 }
        if ServerSentEvents.isNamed("data", bytes, range.lowerBound..<colon) {
            if hasData { event.data.append(0x0A) }
            hasData = true
            event.data.append(contentsOf: bytes, value..<range.upperBound)
        } else if ServerSentEvents.isNamed("event", bytes, range.lowerBound..<colon) {
            event.type = []
            event.type.append(contentsOf: bytes, value..<range.upperBound)
        }
        return nil
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer {
            event = ServerSentEvent()
            hasData = false
        }
        return hasData ? event : nil
    }

    private static func isNamed(_ name: StaticString, _ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard name.utf8CodeUnitCount == range.count else { return false }
        for index in 0..<range.count where unsafe name.utf8Start[index] != bytes[range.lowerBound + index] {
            return false
        }
        return true
    }
}

extension [UInt8] {
    /// Appends a part of a span.
    fileprivate mutating func append(contentsOf bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: UnsafeBufferPointer(rebasing: $0[range])) }
    }
}
