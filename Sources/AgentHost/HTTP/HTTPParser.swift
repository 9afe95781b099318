/// Reads requests from a stream of bytes: a pure state machine, strict after RFC 9112.
///
/// It is fed slices of any size and gives the same events however the stream was cut. Nothing is repaired: what two readers
/// could understand in two ways is an error, because that is what request smuggling lives on. After an error the connection
/// must be closed. Memory held: at most one line and the fields.
struct HTTPParser: Sendable {
    /// What was found.
    enum Event: Sendable {
        /// A request's head is complete; `body` and `end` events follow.
        case head(HTTPRequest)
        /// These bytes of the slice belong to the body.
        case body(Range<Int>)
        /// The request is complete; the next one may begin.
        case end
        /// The stream is broken: answer and close.
        case failure(HTTPError)
    }

    enum State: Sendable {
        case requestLine
        case fieldLine
        /// The head was reported; the body comes next.
        case headDone
        case length(Int)
        case chunkLine
        case chunkData(Int)
        /// The line end behind a chunk: how many of its two bytes were seen.
        case chunkEnd(Int)
        case trailerLine
        case failed
    }

    let limits: HTTPLimits
    private(set) var state = State.requestLine
    /// The part of the current line that came with earlier slices.
    private var partial: [UInt8] = []
    private var toleratedEmptyLine = false
    var line = HTTPRequestLine()
    var fields = HTTPFields()
    var fieldBytes = 0
    var fieldCount = 0

    init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Whether nothing of a request has come yet.
    var isIdle: Bool {
        if case .requestLine = state { partial.isEmpty && !toleratedEmptyLine } else { false }
    }

    /// The next event in `bytes` from `position` on, which is moved behind what was used. Nil: all was used, more is needed.
    mutating func next(_ bytes: borrowing Span<UInt8>, _ position: inout Int) -> Event? {
        while true {
            switch state {
            case .requestLine, .fieldLine, .chunkLine, .trailerLine:
                do throws(HTTPError) {
                    guard let range = try takeLine(bytes, &position) else { return nil }
                    if let event = try processLine(bytes, range) { return event }
                } catch {
                    return fail(error)
                }
            case .headDone:
                switch line.framing {
                case .none: return finish()
                case .length(let count): state = .length(count)
                case .chunked: state = .chunkLine
                }
            case .length(let left):
                guard let range = takeBody(bytes, &position, left) else { return nil }
                if range.isEmpty { return finish() }
                state = .length(left - range.count)
                return .body(range)
            case .chunkData(let left):
                guard let range = takeBody(bytes, &position, left) else { return nil }
                state = range.count == left ? .chunkEnd(0) : .chunkData(left - range.count)
                return .body(range)
            case .chunkEnd(let seen):
                guard position < bytes.count else { return nil }
                guard bytes[position] == (seen == 0 ? 0x0D : 0x0A) else { return fail(.badChunk) }
                position += 1
                state = seen == 0 ? .chunkEnd(1) : .chunkLine
            case .failed:
                position = bytes.count
                return nil
            }
        }
    }

    /// Up to `left` bytes of the slice; nil when the slice is used up; empty when nothing was left to come.
    private func takeBody(_ bytes: borrowing Span<UInt8>, _ position: inout Int, _ left: Int) -> Range<Int>? {
        let count = min(left, bytes.count - position)
        if count == 0 && left > 0 { return nil }
        defer { position += count }
        return position..<position + count
    }

    private mutating func fail(_ error: HTTPError) -> Event {
        state = .failed
        partial = []
        fields = HTTPFields()
        return .failure(error)
    }

    private mutating func finish() -> Event {
        state = .requestLine
        resetFields()
        toleratedEmptyLine = false
        return .end
    }

    private mutating func resetFields() {
        fields = HTTPFields()
        fieldBytes = 0
        fieldCount = 0
    }

    /// Finds the next line. The range lies in `bytes`; it is nil when the line is in `partial` as a whole.
    private mutating func takeLine(
        _ bytes: borrowing Span<UInt8>, _ position: inout Int
    ) throws(HTTPError) -> LinePlace? {
        // Something else than HTTP (TLS, say) is seen at its first byte instead of at the deadline.
        if case .requestLine = state, partial.isEmpty, position < bytes.count {
            let first = bytes[position]
            guard HTTPSyntax.isToken(first) || first == 0x0D || first == 0x0A else { throw .badRequestLine }
        }
        let start = position
        let limit = lineLimit
        while position < bytes.count && bytes[position] != 0x0A {
            position += 1
            // One more than the limit may be the CR.
            if partial.count + position - start > limit + 1 { throw lineTooLong }
        }
        guard position < bytes.count else {
            for index in start..<position { partial.append(bytes[index]) }
            return nil
        }
        let end = position
        position += 1
        if partial.isEmpty { return .slice(start..<end) }
        for index in start..<end { partial.append(bytes[index]) }
        return .partial
    }

    private enum LinePlace {
        case slice(Range<Int>)
        case partial
    }

    private var lineLimit: Int {
        switch state {
        case .requestLine: limits.requestLine
        case .chunkLine: limits.chunkLine
        default: limits.field
        }
    }

    private var lineTooLong: HTTPError {
        switch state {
        case .requestLine: .requestLineTooLong(limits.requestLine)
        case .chunkLine: .badChunk
        default: .fieldTooLong(limits.field)
        }
    }

    private mutating func processLine(
        _ bytes: borrowing Span<UInt8>, _ place: LinePlace
    ) throws(HTTPError) -> Event? {
        switch place {
        case .slice(let range):
            return try process(bytes.extracting(range))
        case .partial:
            var whole: [UInt8] = []
            swap(&whole, &partial)
            return try process(whole.span)
        }
    }

    /// Handles one line, which still has its CR.
    private mutating func process(_ raw: borrowing Span<UInt8>) throws(HTTPError) -> Event? {
        let count = raw.count - 1
        guard count >= 0, raw[count] == 0x0D else { throw .bareLF }
        guard count <= lineLimit else { throw lineTooLong }
        for index in 0..<count where raw[index] == 0x0D { throw .bareCR }
        let text = raw.extracting(0..<count)
        switch state {
        case .requestLine:
            if count == 0 {
                // RFC 9112, section 2.2: one empty line before a request is tolerated.
                guard !toleratedEmptyLine else { throw .badRequestLine }
                toleratedEmptyLine = true
                return nil
            }
            line = try HTTPRequestLine(text)
            state = .fieldLine
            return nil
        case .fieldLine:
            if count > 0 {
                try addField(text)
                return nil
            }
            let request = try line.request(fields)
            line.framing = request.framing
            resetFields()
            state = .headDone
            return .head(request)
        case .chunkLine:
            let size = try HTTPChunkLine.size(text)
            state = size == 0 ? .trailerLine : .chunkData(size)
            return nil
        case .trailerLine:
            if count == 0 { return finish() }
            try addField(text)
            guard !HTTPRequestLine.forbiddenTrailers.contains(where: fields.contains) else { throw .forbiddenTrailer }
            return nil
        case .headDone, .length, .chunkData, .chunkEnd, .failed:
            return nil
        }
    }
}
