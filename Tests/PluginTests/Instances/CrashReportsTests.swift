import Foundation
import Testing

@testable import AgentHost

/// What a start does with the reports that earlier runs have left. The reports themselves: Tests/PluginRuntimeTests/crash.c and
/// Tests/HostServerTests/CrashReportTests.swift.
struct CrashReportsTests {
    private let folder = TemporaryFolder()
    private var reports: String { "\(folder.path)/a/b" }

    /// Runs `body` with a log and answers its lines.
    private func logged(_ body: (Logger) -> Void) throws -> [String] {
        let pipe = Pipe()
        let log = Logger(level: .info, descriptor: pipe.fileHandleForWriting.fileDescriptor)
        body(log)
        log.flush()
        try pipe.fileHandleForWriting.close()
        return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(reports)/\(name)", atomically: false, encoding: .utf8)
    }

    @Test func eachReportIsToldOnce() throws {
        let silent = try logged { log in
            let prepared = CrashReports(folder: reports, log: log).prepare()
            #expect(prepared == reports)
        }
        #expect(silent == [])
        try write("crash-20260101T000000Z-1.txt", "time: x\nended by: SIGSEGV\nplugin: dev.p 1.0\nstack:\nplugin: no\n")
        try write("notes.txt", "none of ours")
        let lines = try logged { _ = CrashReports(folder: reports, log: $0).prepare() }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("crash-20260101T000000Z-1.txt") == true)
        #expect(lines.first?.contains(#""plugin":"dev.p 1.0""#) == true)
        #expect(lines.first?.contains(#""ended_by":"SIGSEGV""#) == true)
        #expect(try logged { _ = CrashReports(folder: reports, log: $0).prepare() } == [])
        try write("crash-20260102T000000Z-1.txt", "")
        let later = try logged { _ = CrashReports(folder: reports, log: $0).prepare() }
        #expect(later.count == 1 && later[0].contains("crash-20260102T000000Z-1.txt"), "an empty one, too: \(later)")
    }

    @Test func theNewestStay() throws {
        _ = CrashReports(folder: reports, log: .silent).prepare()
        for number in 0..<CrashReports.kept + 7 {
            try write("crash-20260101T\(String(1_000_000 + number).dropFirst())Z-1.txt", "x")
        }
        _ = CrashReports(folder: reports, log: .silent).prepare()
        let left = try FileManager.default.contentsOfDirectory(atPath: reports).filter { $0.hasPrefix("crash-") }
            .sorted()
        #expect(left.count == CrashReports.kept)
        #expect(left.first == "crash-20260101T000007Z-1.txt")
    }

    @Test func aFolderThatCannotBeMadeIsToldAndDoneWithout() throws {
        let file = "\(folder.path)/file"
        try "x".write(toFile: file, atomically: false, encoding: .utf8)
        let lines = try logged { #expect(CrashReports(folder: "\(file)/reports", log: $0).prepare() == nil) }
        #expect(lines.count == 1 && lines[0].contains("AGENTHOST_CRASH_REPORTS"))
    }
}
