/// Dates as HTTP writes them (RFC 9110, section 5.6.7).
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    static func format(_ timestamp: Timestamp) -> [UInt8] {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        // 2026-11-21T07:54:56.914981Z
        let iso = timestamp.isoBytes
        guard iso.count == 27, let month = Int(String(decoding: iso[5..<7], as: UTF8.self)), (1...12).contains(month)
        else {
            return []
        }
        // 1970-01-01 was a Thursday.
        let day = Int((timestamp.microseconds / 86_400_000_000) % 7)
        var text = Array("\(days[max(0, day)]), ".utf8)
        text += iso[8..<10]
        text += Array(" \(months[month - 1]) ".utf8)
        text += iso[0..<4]
        text.append(UInt8(ascii: " "))
        text += iso[11..<19]
        text += Array(" GMT".utf8)
        return text
    }
}

extension HTTPDate {
    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that is still written. Nil for anything else.
    static func parse(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT", parts[1].utf8.count == 2,
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(iso8601: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}
