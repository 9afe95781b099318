/// Text that comes from tools and models, made fit for others: models read it, people see it, and neither should be misled by what
/// cannot be seen.
enum ToolText {
    /// Without the tag characters of Unicode (U+E0000 to U+E007F): nobody sees them, models read them, so they carry instructions
    /// past the person (`reliability.md` 3 E).
    static func withoutTags(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isTag($0) }) else { return text }
        var clean = String.UnicodeScalarView()
        clean.append(contentsOf: text.unicodeScalars.lazy.filter { !isTag($0) })
        return String(clean)
    }

    /// The same for every string of a value, its keys too. Keys that are alike then are numbered.
    static func withoutTags(_ json: JSON) -> JSON {
        switch json {
        case .string(let text): return .string(withoutTags(text))
        case .array(let elements): return .array(elements.map { withoutTags($0) })
        case .object(let object):
            var clean = JSONObject()
            for (key, value) in object.members {
                var name = withoutTags(key)
                while clean[name] != nil { name += "'" }
                clean[name] = withoutTags(value)
            }
            return .object(clean)
        default: return json
        }
    }

    /// Whether encoded JSON holds tag characters: the writer leaves them as they are, F3 A0 80 and F3 A0 81 in UTF-8.
    static func hasTags(_ bytes: [UInt8]) -> Bool {
        bytes.indices.dropLast(3).contains { bytes[$0] == 0xF3 && bytes[$0 + 1] == 0xA0 && bytes[$0 + 2] <= 0x81 }
    }

    /// The JSON text of a value as a person may judge it: what is invisible, or turns text around, is written as an escape.
    static func exact(_ json: JSON) -> String {
        var shown = ""
        for scalar in json.text.unicodeScalars {
            if isDeceptive(scalar) {
                for unit in String(scalar).utf16 { shown += "\\u" + padded(String(unit, radix: 16)) }
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// A name a model made up, fit to be told back to it and to be shown: model APIs take `[A-Za-z0-9_-]{1,64}` only.
    static func name(_ written: String) -> String {
        var name = ""
        for byte in written.utf8.prefix(64) {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x5F || byte == 0x2D
            name.unicodeScalars.append(isPlain ? Unicode.Scalar(byte) : "_")
        }
        return name.isEmpty ? "unnamed" : name
    }

    private static func isTag(_ scalar: Unicode.Scalar) -> Bool { (0xE0000...0xE007F).contains(scalar.value) }

    private static func isDeceptive(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .format, .control, .privateUse, .unassigned, .surrogate, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func padded(_ digits: String) -> String {
        String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
