import Testing

@testable import AgentHost

struct ELFFileTests {
    /// A tiny shared library: header, one program header, the bytes of sections, section headers.
    static func library(machine: UInt16 = ELFFile.hostMachine, type: UInt16 = 3, manifest: String? = nil) -> [UInt8] {
        func le(_ value: some FixedWidthInteger, _ width: Int) -> [UInt8] {
            (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let names = Array("\0.shstrtab\0.agent_plugin\0".utf8)
        let content = Array((manifest ?? "").utf8)
        let namesAt = 64 + 56
        let contentAt = namesAt + names.count
        let sectionsAt = contentAt + content.count
        let sectionCount = manifest == nil ? 2 : 3
        var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
        bytes += le(type, 2) + le(machine, 2) + le(1, 4) + le(0, 8) + le(64, 8) + le(sectionsAt, 8)
        bytes += le(0, 4) + le(64, 2) + le(56, 2) + le(1, 2) + le(64, 2) + le(sectionCount, 2) + le(1, 2)
        let end = sectionsAt + 64 * sectionCount
        bytes += le(1, 4) + le(5, 4) + le(0, 8) + le(0, 8) + le(0, 8) + le(end, 8) + le(end, 8) + le(4_096, 8)
        bytes += names + content
        func section(_ name: Int, _ type: Int, _ at: Int, _ size: Int) -> [UInt8] {
            le(name, 4) + le(type, 4) + le(0, 8) + le(0, 8) + le(at, 8) + le(size, 8) + le(0, 8) + le(1, 8) + le(0, 8)
        }
        bytes += section(0, 0, 0, 0) + section(1, 3, namesAt, names.count)
        if manifest != nil { bytes += section(11, 1, contentAt, content.count) }
        return bytes
    }

    private func reason(_ bytes: [UInt8]) -> String? {
        do {
            _ = try ELFFile(bytes)
            return nil
        } catch { return error.reason }
    }

    @Test func aSectionIsFound() throws {
        let file = try ELFFile(ELFFileTests.library(manifest: "{}"))
        #expect(file.section(".agent_plugin").map(Array.init) == Array("{}".utf8))
        #expect(file.section(".agent_plug") == nil)
        #expect(try ELFFile(ELFFileTests.library()).section(".agent_plugin") == nil)
    }

    /// Such a section takes no bytes of the file, so its offset may say anything.
    @Test func namesInASectionWithoutBytesAreNotLookedFor() throws {
        var bytes = ELFFileTests.library(manifest: "{}")
        let names = bytes.count - 2 * 64
        bytes[names + 4] = 8
        bytes.replaceSubrange(names + 24..<names + 40, with: [UInt8](repeating: 0x7F, count: 16))
        #expect(try ELFFile(bytes).section(".agent_plugin") == nil)
    }

    @Test func whatCannotBeLoadedIsToldApart() {
        #expect(reason([]) == "the file is empty")
        #expect(reason(Array("#!/bin/sh\n".utf8)) == "the file is no ELF shared library")
        #expect(reason([0x7F, 0x45, 0x4C, 0x46])?.contains("truncated") == true)
        let other: UInt16 = ELFFile.hostMachine == 62 ? 183 : 62
        #expect(reason(ELFFileTests.library(machine: other))?.hasPrefix("the library is for ") == true)
        #expect(reason(ELFFileTests.library(type: 2))?.contains("-shared") == true)
    }

    @Test func everyTruncationIsRefused() {
        let whole = ELFFileTests.library(manifest: #"{"abi":1}"#)
        for length in 0..<whole.count { #expect(reason(Array(whole[..<length])) != nil) }
        #expect(reason(whole) == nil)
    }

    /// Damage anywhere is refused or harmless; it never traps.
    @Test func everyDamagedByteIsSurvived() {
        let whole = ELFFileTests.library(manifest: #"{"abi":1}"#)
        for index in whole.indices {
            for value in [0x00, 0x7F, 0x80, 0xFF] as [UInt8] {
                var bytes = whole
                bytes[index] = value
                _ = (try? ELFFile(bytes))?.section(".agent_plugin")
            }
        }
        var bytes = whole
        bytes.replaceSubrange(40..<48, with: [UInt8](repeating: 0xFF, count: 8))
        #expect(reason(bytes)?.contains("section headers") == true)
    }
}
