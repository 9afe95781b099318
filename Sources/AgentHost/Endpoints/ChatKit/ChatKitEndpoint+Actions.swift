// What an agent answers without a stream: sync actions, feedback, speech.

extension ChatKitEndpoint {
    /// `{"updated_item": …}`, or `{}` when the agent changed none.
    func actAtOnce(_ action: ChatKit.ActionCall, _ call: Call) async throws(Refusal) -> Answer {
        try await checkExists(action.item, in: action.thread, call)
        let updated: ChatKit.Item?
        do {
            updated = try await engine.syncAction(action, origin: call.origin)
        } catch {
            throw Refusal(error)
        }
        guard let updated else { return .emptyObject }
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("updated_item")
            updated.encode(into: &writer)
        }
        return .json(writer.bytes)
    }

    /// Ids of items that are not there do not matter.
    func feedback(
        _ kind: ChatKit.Feedback, on items: [String], in thread: String, _ call: Call
    ) async throws(Refusal) -> Answer {
        guard ChatKitEndpoint.mayExist(thread) else { throw .threadNotFound }
        do {
            try await engine.feedback(kind, items: items, thread: thread, origin: call.origin)
        } catch {
            throw Refusal(error)
        }
        return .emptyObject
    }

    /// The agent is the one that a new thread would get.
    func transcribe(_ audio: String, _ mimeType: String, _ call: Call) async throws(Refusal) -> Answer {
        guard ChatKitEndpoint.isBase64(audio) else {
            throw Refusal(.invalidRequest, "params.audio_base64 must be Base64 text of at least one byte.")
        }
        let agent = try agent(for: call)
        let text: String
        do {
            text = try await engine.transcribe(
                audioBase64: audio, mimeType: mimeType, agent: agent, origin: call.origin)
        } catch {
            throw Refusal(error)
        }
        var writer = JSONWriter()
        writer.object { $0.member("text", text) }
        return .json(writer.bytes)
    }

    /// The alphabet of RFC 4648, padded or not.
    private static func isBase64(_ text: String) -> Bool {
        let digits = text.utf8.reversed().drop { $0 == UInt8(ascii: "=") }
        guard text.utf8.count - digits.count <= 2, digits.count % 4 != 1, !digits.isEmpty else { return false }
        return digits.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }
}
