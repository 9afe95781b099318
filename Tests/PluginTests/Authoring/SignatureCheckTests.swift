import Testing

@testable import AgentHost

/// The C file that `plugins check` compiles, and the manifests it is made from.
struct SignatureCheckTests {
    private func manifest(_ function: String, _ more: String = "") -> [UInt8] {
        Array(
            #"""
            {"abi":1,"id":"dev.example.f","name":"f","version":"1.0.0"\#(more),
             "tools":[{"name":"t","description":"","input_schema":{"type":"object"},"function":\#(function)}]}
            """#.utf8)
    }

    private func source(_ function: String) throws -> String {
        try SignatureCheck.source(manifest: manifest(function)).text
    }

    @Test func everySignatureThatIsMeantIsTried() throws {
        let text = try source(
            #"{"symbol":"f","header":"f.h","arguments":[{"type":"u64","name":"a"},{"type":"i32","name":"b","out":true}],"returns":{"type":"void"}}"#
        )
        #expect(text.hasPrefix("#include <f.h>\n_Static_assert("))
        #expect(text.contains("__typeof__(void (unsigned long, int *))"))
        #expect(text.contains("__typeof__(void (unsigned long long, int *))"))
        #expect(text.matches(of: /compatible_p/).count == 2)
    }

    @Test func typesOfCCanBeNamed() throws {
        let text = try source(
            #"{"symbol":"f","header":"f.h","arguments":[{"type":"bytes","name":"a","c":"const struct tm *"}],"returns":{"type":{"struct":[],"c":"div_t"}}}"#
        )
        #expect(text.contains("__typeof__(div_t (const struct tm *))"))
        #expect(
            try source(#"{"symbol":"f","header":"f.h","arguments":[],"returns":{"type":"f64"}}"#).contains(
                "double (void)"))
    }

    @Test func withoutAHeaderThereIsNothingToCompare() throws {
        let (text, report) = try SignatureCheck.source(manifest: manifest(#"{"symbol":"f"}"#))
        #expect(text == "\n" && report.checked.isEmpty && report.unchecked == ["t"])
    }

    static let attacks = [
        #"{"symbol":"f); int x; (","header":"f.h","returns":{"type":"void"}}"#,
        #"{"symbol":"f","header":"f.h>\n#error","returns":{"type":"void"}}"#,
        #"{"symbol":"f","header":"f.h","returns":{"type":"void","c":"int; int x"}}"#,
        #"{"symbol":"f","header":"f.h","returns":{"type":{"struct":[]}}}"#,
        #"{"symbol":"f","header":"f.h","returns":{"type":"float"}}"#,
    ]

    @Test(arguments: attacks) func nothingButNamesAndTypesGetsIntoTheFile(_ function: String) {
        #expect(throws: SignatureCheck.Failure.self) { try source(function) }
    }

    // MARK: Manifests

    private func sentence(_ bytes: [UInt8]) -> String? {
        do {
            _ = try Manifest(parsing: bytes)
            return nil
        } catch { return error.sentence }
    }

    @Test func whatTheAdapterNeedsIsGranted() throws {
        let read = try Manifest(parsing: manifest("{}"))
        #expect(read.callsFunctions && read.library == nil)
        #expect(read.requires == ["ap.host.call/1"] && read.uses == ["ap.host.log/1"])
    }

    @Test func functionsAreAlone() {
        #expect(sentence(manifest("{}", #","library":"libF.so""#))?.contains("exclude each other") == true)
        #expect(sentence(manifest("{}", #","models":[{"id":"m"}]"#))?.contains("need a library") == true)
        #expect(
            sentence(manifest("{}", #","agents":[{"id":"a","kind":"coded"}]"#))?.contains("need a library") == true)
        #expect(sentence(manifest("{}", #","agents":[{"id":"a","kind":"declarative"}]"#)) == nil)
        let mixed = String(decoding: manifest("{}"), as: UTF8.self).replacing(
            "\"tools\":[", with: #""tools":[{"name":"code","description":"","input_schema":{"type":"object"}},"#)
        #expect(sentence(Array(mixed.utf8))?.contains("tool \"code\" has no function") == true)
    }
}
