/// The events of a stream as one JSON document, `{"events": […]}`, for clients that cannot read streams (`seed-contracts.md` 2.1).
enum EventDocument {
    /// What a document may hold: it is gathered in memory, where a stream would wait for its reader. 16 MiB.
    static let maximumSize = 16 << 20

    private static let tooLarge = Refusal(
        .answerTooLarge, "The answer is too large for one document; read it as a stream.")

    /// Waits for all events. Throws `answer_too_large`; the source is left then.
    static func collect(_ source: any ChatEventSource, maximumSize: Int = maximumSize) async throws(Refusal) -> Answer {
        var writer = JSONWriter(Array(#"{"events":["#.utf8))
        let reader = ChatEventReader(source)
        while let events = await reader.next() {
            for event in events { event.encode(into: &writer) }
            guard writer.bytes.count <= maximumSize else {
                source.leave()
                throw tooLarge
            }
        }
        guard !reader.wasDropped else { throw tooLarge }
        writer.append("]}")
        return .json(writer.bytes)
    }
}
