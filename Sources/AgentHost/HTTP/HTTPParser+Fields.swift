extension HTTPParser {
    /// Takes a field line (RFC 9112, section 5) of a head or of a trailer section.
    mutating func addField(_ line: borrowing Span<UInt8>) throws(HTTPError) {
        fieldBytes += line.count
        fieldCount += 1
        guard fieldCount <= limits.fieldCount else { throw .tooManyFields(limits.fieldCount) }
        guard fieldBytes <= limits.fields else { throw .fieldsTooLong(limits.fields) }
        // Folded lines begin with white space.
        guard !HTTPSyntax.isBlank(line[0]) else { throw .foldedField }
        var colon = 0
        while colon < line.count && HTTPSyntax.isToken(line[colon]) { colon += 1 }
        guard colon < line.count, colon > 0, line[colon] == UInt8(ascii: ":") else { throw .badFieldName }
        var start = colon + 1
        var end = line.count
        while start < end && HTTPSyntax.isBlank(line[start]) { start += 1 }
        while end > start && HTTPSyntax.isBlank(line[end - 1]) { end -= 1 }
        for index in start..<end {
            guard HTTPSyntax.isFieldValue(line[index]) else { throw .badFieldValue }
        }
        fields.append(line, name: 0..<colon, value: start..<end)
    }
}

/// The line before a chunk: `size [; extensions]` (RFC 9112, section 7.1).
enum HTTPChunkLine {
    /// The chunk's size: 1 to 15 hexadecimal digits and nothing else but extensions, which are ignored.
    static func size(_ line: borrowing Span<UInt8>) throws(HTTPError) -> Int {
        var size = 0
        var index = 0
        while index < line.count, let digit = HTTPSyntax.hexDigit(line[index]) {
            guard index < 15 else { throw .badChunk }
            size = size << 4 | digit
            index += 1
        }
        guard index > 0 else { throw .badChunk }
        guard index < line.count else { return size }
        guard line[index] == UInt8(ascii: ";") else { throw .badChunk }
        for index in index..<line.count {
            guard HTTPSyntax.isFieldValue(line[index]) else { throw .badChunk }
        }
        return size
    }
}

extension HTTPError {
    static let badRequestLine = HTTPError(
        400, "bad_request_line", "The request line is not `METHOD target HTTP/1.1`; this port speaks plain HTTP/1.1.")
    static let badTarget = HTTPError(400, "bad_target", "The request target is not a path or an http URL.")
    static let unsupportedVersion = HTTPError(
        505, "unsupported_version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    static let bareLF = HTTPError(400, "bare_lf", "Lines end with CR and LF, not with LF alone.")
    static let bareCR = HTTPError(400, "bare_cr", "A CR stands only before a LF.")
    static let foldedField = HTTPError(400, "folded_field", "A field continues on a second line; put it on one.")
    static let badFieldName = HTTPError(
        400, "bad_field_name", "A field is not `Name: value` with a token as name and no white space before the colon.")
    static let badFieldValue = HTTPError(400, "bad_field_value", "A field's value holds a control character.")
    static let badChunk = HTTPError(400, "bad_chunk", "A chunk of the body is malformed.")
    static let forbiddenTrailer = HTTPError(
        400, "forbidden_trailer", "A field behind the body tries to say how the message is framed or routed.")
    static let badHost = HTTPError(400, "bad_host", "An HTTP/1.1 request has exactly one valid Host field.")
    static let badLength = HTTPError(
        400, "bad_content_length", "Content-Length is sent once and is a number of digits that fits 63 bits.")
    static let badTransferEncoding = HTTPError(
        400, "bad_transfer_encoding", "The only transfer coding taken is `chunked`, once, in HTTP/1.1.")
    static let lengthAndChunked = HTTPError(
        400, "ambiguous_length", "Content-Length and Transfer-Encoding exclude each other.")
    static let expectationFailed = HTTPError(
        417, "expectation_failed", "The only expectation met is `100-continue`.")

    static func requestLineTooLong(_ limit: Int) -> HTTPError {
        HTTPError(414, "target_too_long", "The request line is longer than \(limit) bytes.")
    }
    static func fieldTooLong(_ limit: Int) -> HTTPError {
        HTTPError(431, "field_too_long", "A field is longer than \(limit) bytes.")
    }
    static func fieldsTooLong(_ limit: Int) -> HTTPError {
        HTTPError(431, "fields_too_long", "The fields are longer than \(limit) bytes together.")
    }
    static func tooManyFields(_ limit: Int) -> HTTPError {
        HTTPError(431, "too_many_fields", "There are more than \(limit) fields.")
    }
}
