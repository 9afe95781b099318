import Testing

@testable import AgentHost

struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (1_795_247_696_914_981, "2026-11-21T07:54:56.914981Z"), (-1, "1969-12-31T23:59:59.999999Z"),
    ])
    func iso8601(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).iso8601 == text)
    }
}
