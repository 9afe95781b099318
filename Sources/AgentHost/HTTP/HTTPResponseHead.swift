/// The head of a response, and how it is written.
struct HTTPResponseHead: Sendable {
    var status: Int
    var fields: HTTPFields

    /// Appends the status line, `fields`, then `more` (fields in encoded form, made by the server itself) and the empty line.
    ///
    /// Throws `invalidField` when a name or value could break out of its line; nothing is appended then.
    func encode(into bytes: inout [UInt8], adding more: [UInt8] = []) throws(HTTPError) {
        guard (100...999).contains(status), fields.areValid else { throw .invalidField }
        bytes.reserveCapacity(bytes.count + 64 + fields.encoded.count + more.count)
        Self.append("HTTP/1.1 ", to: &bytes)
        bytes.append(UInt8(48 + status / 100))
        bytes.append(UInt8(48 + status / 10 % 10))
        bytes.append(UInt8(48 + status % 10))
        bytes.append(UInt8(ascii: " "))
        Self.append(Self.reason(status), to: &bytes)
        Self.append("\r\n", to: &bytes)
        bytes.append(contentsOf: fields.encoded)
        bytes.append(contentsOf: more)
        Self.append("\r\n", to: &bytes)
    }

    /// `100 Continue`, complete.
    static let `continue` = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Whether a response of this status never has a body (RFC 9110, section 6.4.1).
    static func isBodiless(_ status: Int) -> Bool { status < 200 || status == 204 || status == 304 }

    static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}

/// The chunked transfer coding of responses (RFC 9112, section 7.1).
enum HTTPChunks {
    /// Appends `bytes` as one chunk; nothing when there are none, for an empty chunk ends the body.
    static func append(_ bytes: [UInt8], to output: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        output.reserveCapacity(output.count + bytes.count + 20)
        appendHex(bytes.count, to: &output)
        HTTPResponseHead.append("\r\n", to: &output)
        output.append(contentsOf: bytes)
        HTTPResponseHead.append("\r\n", to: &output)
    }

    /// Appends the last chunk.
    static func appendEnd(to output: inout [UInt8]) { HTTPResponseHead.append("0\r\n\r\n", to: &output) }

    private static func appendHex(_ count: Int, to output: inout [UInt8]) {
        var shift = (Int.bitWidth - 1 - count.leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(count >> shift & 15)
            output.append(digit < 10 ? digit + 48 : digit + 87)
            shift -= 4
        }
    }
}
