/// The line that a worker prints when plugin code ends it: `plugin-worker: SIGSEGV at libX.so+0x12 in turn_begin`
/// (`Sources/PluginRuntime/crash_report.c`).
///
/// A plugin can print such a line, too, and what is made of it is shown in `/health`: so only words of that form are taken.
struct LastWords: Sendable, Hashable {
    /// Nil: `exit` was called.
    var signal: String?
    /// "at", "from" and "in" with what follows them.
    var places: [String]

    /// Nil for any other line.
    init?(_ line: String) {
        guard line.utf8.count <= 400, line.hasPrefix("plugin-worker: ") else { return nil }
        let words = line.split(separator: " ", omittingEmptySubsequences: false).dropFirst().map(String.init)
        guard let first = words.first, words.count % 2 == 1 else { return nil }
        if first != "exit" {
            guard first.hasPrefix("SIG"), first.utf8.allSatisfy({ $0 >= 65 && $0 <= 90 }) else { return nil }
            signal = first
        }
        let rest = Array(words.dropFirst())
        for index in rest.indices {
            let isGood =
                index % 2 == 0
                ? ["at", "from", "in"].contains(rest[index])
                : !rest[index].isEmpty && rest[index].utf8.allSatisfy(LastWords.isPlain)
            guard isGood else { return nil }
        }
        places = rest
    }

    /// Letters, digits and what names of libraries and functions hold besides.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// What can be added to a sentence that says how the process ended: by that signal, or by exiting (nil). Empty when these
    /// words are about something else.
    func explaining(_ ending: String?) -> String {
        guard ending == signal else { return "" }
        let place = places.joined(separator: " ")
        guard ending == nil else { return place.isEmpty ? "" : " \(place)" }
        return ": exit was called" + (place.isEmpty ? "" : " \(place)")
    }
}
