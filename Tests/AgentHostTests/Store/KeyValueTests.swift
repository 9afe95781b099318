import Testing

@testable import AgentHost

/// Plugins' keys and values.
struct KeyValueTests {
    let fixture: StoreFixture
    var store: SQLiteStore { fixture.store }
    let space = KeySpace(plugin: "todo", scope: .user(.ada))

    init() throws { fixture = try StoreFixture() }

    @Test func putGetDelete() async throws {
        let versions = try await store.write(KeyValueWrite(puts: [("a", [1]), ("b", []), ("c", [3])]), in: space)
        #expect(Set(versions.keys) == ["a", "b", "c"])
        let entries = try await store.values(["c", "missing", "a", "b"], in: space)
        #expect(entries.map(\.key) == ["c", "a", "b"])
        #expect(entries.map(\.value) == [[3], [1], []])
        #expect(entries.allSatisfy { versions[$0.key] == $0.version })

        let next = try await store.write(KeyValueWrite(puts: [("a", [9])], deletes: ["b", "missing"]), in: space)
        #expect(next["a"] != versions["a"])
        #expect(try await store.values(["a", "b"], in: space).map(\.value) == [[9]])
    }

    @Test func conditionsHoldOrNothingIsWritten() async throws {
        let old = try await store.write(KeyValueWrite(puts: [("a", [1]), ("b", [1])]), in: space)
        let wrong: [[(key: String, version: String?)]] = [
            [("a", nil)], [("a", "0")], [("missing", "1")], [("a", ""), ("b", old["b"])],
            [("missing", nil), ("b", nil)],
        ]
        for conditions in wrong {
            await #expect(throws: StoreError.conflict) {
                try await store.write(
                    KeyValueWrite(conditions: conditions, puts: [("a", [2])], deletes: ["b"]), in: space)
            }
        }
        #expect(try await store.values(["a", "b"], in: space).map(\.value) == [[1], [1]])
        _ = try await store.write(
            KeyValueWrite(
                conditions: [("a", old["a"]), ("missing", nil)], puts: [("a", [2])], deletes: ["b"]), in: space)
        #expect(try await store.values(["a", "b"], in: space).map(\.value) == [[2]])
    }

    @Test func keyMadeAgainNeverRepeatsAVersion() async throws {
        var seen: Set<String> = []
        for _ in 0..<5 {
            let versions = try await store.write(KeyValueWrite(puts: [("a", [1])]), in: space)
            seen.formUnion(versions.values)
            _ = try await store.write(KeyValueWrite(deletes: ["a"]), in: space)
        }
        #expect(seen.count == 5)
    }

    @Test func fiftyWritersLoseNothing() async throws {
        let key = "counter"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask { [store, space] in
                    var done = false
                    while !done {
                        let entry = try await store.values([key], in: space).first
                        let count = entry.flatMap { Int(String(decoding: $0.value, as: UTF8.self)) } ?? 0
                        do {
                            _ = try await store.write(
                                KeyValueWrite(
                                    conditions: [(key, entry?.version)], puts: [(key, Array("\(count + 1)".utf8))]),
                                in: space)
                            done = true
                        } catch StoreError.conflict {}
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.values([key], in: space).map(\.value) == [Array("50".utf8)])
    }

    @Test func listsInByteOrder() async throws {
        var keys = [
            "", "a", "a/", "a/1", "a/10", "a/2", "a/é", "a/😀", "a/\u{FFFF}", "a0", "b", "é", "\u{10FFFF}", "a/\u{0}",
        ]
        _ = try await store.write(KeyValueWrite(puts: keys.map { ($0, [1]) }), in: space)
        keys.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for prefix in keys + ["a/1", "zzz", "\u{10FFFF}\u{10FFFF}"] {
            let wanted = keys.filter { $0.utf8.starts(with: prefix.utf8) }
            #expect(try await store.list(prefix: prefix, after: nil, limit: 99, in: space).map(\.key) == wanted)
            for after in keys + ["a/11", "zz"] {
                let rest = wanted.filter { after.utf8.lexicographicallyPrecedes($0.utf8) }
                let listed = try await store.list(prefix: prefix, after: after, limit: 2, in: space).map(\.key)
                #expect(listed == Array(rest.prefix(2)))
            }
        }
        #expect(try await store.list(prefix: "", after: nil, limit: 0, in: space).isEmpty)
    }

    @Test func keysThatLookAlikeAreDifferent() async throws {
        // Equal for Swift's String, not for a byte-wise store.
        let (composed, decomposed) = ("\u{E9}", "e\u{301}")
        _ = try await store.write(KeyValueWrite(puts: [(composed, [1]), (decomposed, [2])]), in: space)
        #expect(try await store.values([composed], in: space).map(\.value) == [[1]])
        #expect(try await store.values([decomposed], in: space).map(\.value) == [[2]])
    }
}
