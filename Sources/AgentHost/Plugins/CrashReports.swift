internal import PluginRuntime

/// Reports of what ends this process: `Sources/PluginRuntime/crash.c` writes them, the next start tells of them (docs/crash-reports.md).
struct CrashReports: Sendable {
    /// How many stay in the folder; older ones are removed.
    static let kept = 100
    /// Holds the name of the last report that the log has told of.
    private static let marker = ".told"

    /// Nil: reports go to standard error alone.
    let folder: String?
    let log: Logger

    /// Makes the folder, tells of reports that no start has told of yet, and installs the handlers of this process. Blocks. What
    /// goes wrong is logged: a host without crash reports is better than none.
    func begin(version: String) {
        let error = unsafe apr_crash_install("host-server", version, prepare(), false)
        if error != 0 && error != CrashReports.isInstalled {
            log.warn("crash reports cannot be written: \(FileError(error).sentence)")
        }
    }

    /// Makes the folder, tells of new reports and removes old ones. Blocks. Answers the folder, if it can be used.
    func prepare() -> String? {
        guard let folder else { return nil }
        do {
            try FileSystem.createFolders(folder, mode: 0o700)
            try tellAndTidy(folder)
            return folder
        } catch {
            log.warn(
                "crash reports cannot be kept in \(folder): \(error.sentence); they go to standard error alone "
                    + "(AGENTHOST_CRASH_REPORTS names another folder)")
            return nil
        }
    }

    /// EALREADY: another host in this process has installed them.
    private static let isInstalled: Int32 = 114

    private func tellAndTidy(_ folder: String) throws(FileError) {
        let names = try FileSystem.list(folder).filter { $0.kind == .file }.map(\.name)
            .filter { $0.hasPrefix("crash-") && $0.hasSuffix(".txt") }
        let told = (try? FileSystem.read("\(folder)/\(CrashReports.marker)", limit: 256))
            .map { String(decoding: $0, as: UTF8.self) }
        for name in names where name > told ?? "" { tell("\(folder)/\(name)") }
        for name in names.dropLast(CrashReports.kept) { FileSystem.removeAll("\(folder)/\(name)") }
        guard let last = names.last, last != told else { return }
        let new = "\(folder)/\(randomID(".told"))"
        try FileSystem.create(new, mode: 0o600, Array(last.utf8))
        try FileSystem.rename(new, to: "\(folder)/\(CrashReports.marker)")
    }

    private func tell(_ path: String) {
        let text = (try? FileSystem.read(path, limit: 64 << 10)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        func field(_ name: String) -> JSON {
            let line = text.split(separator: "\n").first { $0.hasPrefix("\(name): ") }
            return line.map { .string(String($0.dropFirst(name.count + 2))) } ?? .null
        }
        log.warn(
            "an earlier run was ended by a crash; the report is \(path)",
            ["ended_by": field("ended by"), "plugin": field("plugin"), "time": field("time")])
    }
}
