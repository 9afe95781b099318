import Testing

@testable import AgentHost

/// What a worker prints when it dies. A plugin can print what it likes; what is taken is shown to everybody.
struct LastWordsTests {
    @Test(arguments: [
        ("SIGSEGV at libX.so+0x12ab in turn_begin", "SIGSEGV", " at libX.so+0x12ab in turn_begin"),
        (
            "SIGABRT at libc.so.6+0x8a from libX-1.2.so+0x1 in event_callback", "SIGABRT",
            " at libc.so.6+0x8a from libX-1.2.so+0x1 in event_callback"
        ),
        ("SIGSEGV at 0x0", "SIGSEGV", " at 0x0"),
        ("exit in create", nil, ": exit was called in create"),
        ("exit", nil, ": exit was called"),
    ]) func lastWordsSayWhere(line: String, ending: String?, addition: String) throws {
        let words = try #require(LastWords("plugin-worker: \(line)"))
        #expect(words.explaining(ending) == addition)
        #expect(words.explaining("SIGKILL") == "", "it was something else that ended it")
    }

    @Test(arguments: [
        "", "plugin-worker: ", "plugin-worker: hello", "plugin-worker: SIGSEGV at", "plugin-worker: SIGSEGV in a b",
        "plugin-worker: SIGSEGV at /home/me/secret.so+0x1", "plugin-worker: SIGSEGV at <b>",
        "plugin-worker: SIGsegv at x",
        "plugin-worker: SIGSEGV at x  in y", "plugin-worker: SIGSEGV near x",
        "plugin-worker: no memory for a message to the host",
        "PLUGIN-WORKER: SIGSEGV at x", "plugin-worker: SIGSEGV at \u{E9}", "plugin-worker: SIGSEGV at x\u{0} in y",
    ]) func anythingElseIsOnlyOutput(line: String) { #expect(LastWords(line) == nil) }

    @Test func longLinesAreNotTaken() {
        let name = String(repeating: "x", count: 400)
        #expect(LastWords("plugin-worker: SIGSEGV at \(name)") == nil)
    }
}
