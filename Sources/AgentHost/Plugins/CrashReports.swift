internal import PluginRuntime

/// Reports of crashes of this process: a plugin that runs in it takes it down, and nothing can change that, but the report says which one
/// it was (`docs/crash-reports.md`).
struct CrashReports: Sendable {
    /// Where they lie; made when the first is written.
    var folder: String
    let log: Logger

    /// Reports that are kept; the oldest go first.
    static let limit = 50
    /// Bytes of a report that are looked at.
    private static let sizeLimit = 64 << 10
    /// Names the last report that was told of.
    private static let toldName = ".told"

    /// From here on a crash is reported, and so is `exit()` called by a plugin. The first call in a process counts.
    ///
    /// - Parameter handsOver: whether Swift's own backtrace follows the report, for `SWIFT_BACKTRACE=enable=yes`. It takes seconds.
    func install(program: String, handsOver: Bool) {
        let error = unsafe program.withCString { program in
            unsafe folder.withCString { folder in
                var options = unsafe apr_crash_options(program: program, folder: folder, hands_over: handsOver)
                return unsafe apr_crash_install(&options)
            }
        }
        // Another host in this process has installed them.
        let isInstalledAlready: Int32 = 114
        if error != 0, error != isInstalledAlready {
            log.warn("crashes will not be reported: \(FileError(error).sentence)")
        }
    }

    /// Logs the reports that earlier runs have left and nobody was told of, and removes those that are too many. Blocks.
    func tellOfEarlier() {
        guard let entries = try? FileSystem.list(folder) else { return }
        let names = entries.map(\.name).filter { $0.hasPrefix("crash-") && $0.hasSuffix(".txt") }.sorted()
        let toldPath = "\(folder)/\(CrashReports.toldName)"
        let told = (try? FileSystem.read(toldPath, limit: 256)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        for name in names where name > told { tell("\(folder)/\(name)") }
        for name in names.dropLast(CrashReports.limit) { FileSystem.removeAll("\(folder)/\(name)") }
        guard let last = names.last, last > told else { return }
        FileSystem.removeAll(toldPath)
        do { try FileSystem.create(toldPath, mode: 0o600, Array(last.utf8)) } catch {
            log.warn("\(toldPath) cannot be written: \(error.sentence); the same crashes will be told of again")
        }
    }

    private func tell(_ path: String) {
        let text = (try? FileSystem.read(path, limit: CrashReports.sizeLimit)).map {
            String(decoding: $0, as: UTF8.self)
        }
        func field(_ title: String) -> String? {
            text?.split(separator: "\n").first { $0.hasPrefix(title + ":") }
                .map { String($0.dropFirst(title.utf8.count + 1).drop { $0 == " " }) }
        }
        log.error(
            "an earlier run of this server has crashed; read the report",
            [
                "report": .string(path), "crashed_plugin": field("plugin").map(JSON.string) ?? .null,
                "what": field("what").map(JSON.string) ?? .null, "where": field("where").map(JSON.string) ?? .null,
                "time": field("time").map(JSON.string) ?? .null,
            ])
    }
}
