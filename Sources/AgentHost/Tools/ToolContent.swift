/// A result that is made of parts: texts and pictures. `{"content": [{"type": "text", "text": …}, {"type": "image", "url": …} or
/// {"type": "image", "data": base64, "mime_type": …}]}`; any other result is plain JSON.
struct ToolContent: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case text(String)
        /// An address that a client can show: https, http or a data URL.
        case image(url: String)
    }
    var parts: [Part]

    /// Bytes of one picture's address, and pictures of one result.
    static let maximumImageBytes = 2 << 20
    static let maximumImages = 8

    private static let mimeTypes = ["image/png", "image/jpeg", "image/gif", "image/webp"]

    /// Why a result of this form cannot be shown: for the model.
    struct Malformed: Error, Hashable {
        var sentence: String
    }

    /// Nil when the result has another form.
    init?(_ json: JSON) throws(Malformed) {
        guard let object = json.object, object.members.count == 1, let list = object["content"]?.array, !list.isEmpty,
            list.allSatisfy({ $0["type"] == "text" || $0["type"] == "image" })
        else { return nil }
        var parts: [Part] = []
        for (index, element) in list.enumerated() { parts.append(try ToolContent.part(element, index)) }
        guard parts.count(where: { if case .image = $0 { true } else { false } }) <= ToolContent.maximumImages else {
            throw Malformed(sentence: "The tool answered more than \(ToolContent.maximumImages) pictures.")
        }
        self.parts = parts
    }

    private static func part(_ json: JSON, _ index: Int) throws(Malformed) -> Part {
        if json["type"] == "text" {
            guard let text = json["text"]?.string else {
                throw Malformed(sentence: "content[\(index)].text of the tool's result is no string.")
            }
            return .text(text)
        }
        let url: String
        if let data = json["data"]?.string {
            guard let type = json["mime_type"]?.string, mimeTypes.contains(type) else {
                throw Malformed(
                    sentence: "content[\(index)].mime_type of the tool's result is none of "
                        + mimeTypes.joined(separator: ", ") + ".")
            }
            guard data.utf8.allSatisfy({ isBase64($0) }) else {
                throw Malformed(sentence: "content[\(index)].data of the tool's result is not base64.")
            }
            url = "data:\(type);base64,\(data)"
        } else {
            guard let given = json["url"]?.string, isShowable(given) else {
                throw Malformed(
                    sentence: "content[\(index)] of the tool's result has neither data nor a url that begins with "
                        + "https://, http:// or data:image/.")
            }
            url = given
        }
        guard url.utf8.count <= maximumImageBytes else {
            throw Malformed(sentence: "A picture of the tool's result is larger than 2 MiB.")
        }
        return .image(url: url)
    }

    private static func isShowable(_ url: String) -> Bool {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
        let lower = url.prefix(32).lowercased()
        return lower.hasPrefix("https://") || lower.hasPrefix("http://")
            || mimeTypes.contains { lower.hasPrefix("data:\($0);base64,") }
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == 0x2B || byte == 0x2F || byte == 0x3D
    }

    /// Addresses of the pictures.
    var images: [String] { parts.compactMap { if case .image(let url) = $0 { url } else { nil } } }

    /// What a model reads: tool messages of Chat Completions hold text alone, so it is told of pictures in words.
    var modelText: String {
        var number = 0
        return parts.map { part in
            switch part {
            case .text(let text): return text
            case .image:
                number += 1
                return "[Picture \(number) of this result is shown to the person.]"
            }
        }.joined(separator: "\n")
    }

    /// What people read in the task of the call; pictures stand behind it.
    var shownText: String {
        let texts = parts.compactMap { if case .text(let text) = $0 { text } else { nil } }
        let pictures = images.isEmpty ? [] : ["[\(images.count == 1 ? "picture" : "\(images.count) pictures")]"]
        return (texts + pictures).joined(separator: " ")
    }

    /// What is kept beside the conversation: the pictures are items of their own.
    var record: JSON {
        [
            "content": .array(
                parts.map { part in
                    switch part {
                    case .text(let text): ["type": "text", "text": .string(text)]
                    case .image: ["type": "text", "text": "[a picture that was shown to the person]"]
                    }
                })
        ]
    }
}
