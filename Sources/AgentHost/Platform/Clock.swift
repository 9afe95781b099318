internal import CPlatform

/// Milliseconds of the monotonic clock: what every deadline is measured by.
func monotonicMilliseconds() -> Int64 { cplatform_monotonic_ns() / 1_000_000 }

/// Nanoseconds of the monotonic clock.
func monotonicNanoseconds() -> Int64 { cplatform_monotonic_ns() }

/// A point in wall-clock time: microseconds since 1970 (UTC), written as ISO 8601 with `Z`.
struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    var microseconds: Int64

    init(microseconds: Int64) { self.microseconds = microseconds }

    /// The present.
    static func now() -> Timestamp { Timestamp(microseconds: cplatform_wall_us()) }

    static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

    /// `2026-11-21T07:54:56.914981Z`: always six fraction digits.
    var iso8601: String { String(decoding: isoBytes, as: UTF8.self) }

    /// The bytes of `iso8601`.
    var isoBytes: [UInt8] {
        var seconds = microseconds / 1_000_000
        var fraction = microseconds % 1_000_000
        if fraction < 0 {
            fraction += 1_000_000
            seconds -= 1
        }
        var days = seconds / 86_400
        var second = seconds % 86_400
        if second < 0 {
            second += 86_400
            days -= 1
        }
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)

        var bytes: [UInt8] = []
        bytes.reserveCapacity(27)
        func put(_ value: Int64, _ digits: Int) {
            var divisor: Int64 = 1
            for _ in 1..<digits { divisor *= 10 }
            while divisor > 0 {
                bytes.append(UInt8(48 + value / divisor % 10))
                divisor /= 10
            }
        }
        put(year, 4)
        bytes.append(UInt8(ascii: "-"))
        put(month, 2)
        bytes.append(UInt8(ascii: "-"))
        put(day, 2)
        bytes.append(UInt8(ascii: "T"))
        put(second / 3_600, 2)
        bytes.append(UInt8(ascii: ":"))
        put(second / 60 % 60, 2)
        bytes.append(UInt8(ascii: ":"))
        put(second % 60, 2)
        bytes.append(UInt8(ascii: "."))
        put(fraction, 6)
        bytes.append(UInt8(ascii: "Z"))
        return bytes
    }
}
