/// How much of a request's head is accepted (`reliability.md` 4). Counts are bytes without the line's end.
struct HTTPLimits: Sendable {
    /// The request line; more is 414.
    var requestLine = 8 << 10
    /// One field: name, colon and value; more is 431.
    var field = 8 << 10
    /// All fields together; more is 431.
    var fields = 32 << 10
    /// The number of fields; more is 431. Trailers have the same limits of their own.
    var fieldCount = 100
    /// The line before a chunk: size and extensions; more is 400.
    var chunkLine = 256
}
