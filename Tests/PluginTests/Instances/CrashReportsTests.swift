import Foundation
import Testing

@testable import AgentHost

/// What a start does with the reports that earlier runs have left. The reports themselves: Tests/PluginRuntimeTests/crash.c and
/// Tests/HostServerTests/CrashReportTests.swift.
struct CrashReportsTests {
    private let folder = TemporaryFolder()
    private var reports: String { "\(folder.path)/crashes" }

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
        #expect(try logged { CrashReports(folder: reports, log: $0).tellOfEarlier() } == [], "there is no folder yet")
        try FileManager.default.createDirectory(atPath: reports, withIntermediateDirectories: false)
        #expect(try logged { CrashReports(folder: reports, log: $0).tellOfEarlier() } == [])
        try write(
            "crash-20260101T000000Z-1.txt",
            "AgentHost crash report\nwhat:      SIGSEGV\nplugin:    dev.p 1.0\nstack:\nplugin:    no\n")
        try write("notes.txt", "none of ours")
        let lines = try logged { CrashReports(folder: reports, log: $0).tellOfEarlier() }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("crash-20260101T000000Z-1.txt") == true)
        #expect(lines.first?.contains(#""crashed_plugin":"dev.p 1.0""#) == true)
        #expect(lines.first?.contains(#""what":"SIGSEGV""#) == true)
        #expect(try logged { CrashReports(folder: reports, log: $0).tellOfEarlier() } == [])
        try write("crash-20260102T000000Z-1.txt", "")
        let later = try logged { CrashReports(folder: reports, log: $0).tellOfEarlier() }
        #expect(later.count == 1 && later[0].contains("crash-20260102T000000Z-1.txt"), "an empty one, too: \(later)")
    }

    @Test func theNewestStay() throws {
        try FileManager.default.createDirectory(atPath: reports, withIntermediateDirectories: false)
        for number in 0..<CrashReports.limit + 7 {
            try write("crash-20260101T\(String(1_000_000 + number).dropFirst())Z-1.txt", "x")
        }
        CrashReports(folder: reports, log: .silent).tellOfEarlier()
        let left = try FileManager.default.contentsOfDirectory(atPath: reports).filter { $0.hasPrefix("crash-") }
            .sorted()
        #expect(left.count == CrashReports.limit)
        #expect(left.first == "crash-20260101T000007Z-1.txt")
    }

}
