internal import Glibc

/// What a process has used, as the kernel tells it.
struct ProcessUsage: Sendable, Hashable {
    /// Memory that is present at the moment.
    var residentBytes: Int64
    /// Of all its threads, since it began; the kernel counts in hundredths of a second.
    var cpuMilliseconds: Int64
    var threads: Int64
}

extension ProcessUsage {
    /// Of this process.
    static func ofThisProcess() -> ProcessUsage? { read("self") }

    /// Of a process of ours; nil when there is none any more. Reads a file that the kernel makes up: does not block.
    ///
    /// - Parameter pid: one that was not reaped yet: afterwards it may belong to somebody else.
    static func of(pid: Int32) -> ProcessUsage? { pid > 0 ? read("\(pid)") : nil }

    private static func read(_ process: String) -> ProcessUsage? {
        (try? readFile("/proc/\(process)/stat", limit: 65_536)).flatMap { ProcessUsage(stat: $0) }
    }

    /// Reads the line of `/proc/<pid>/stat` (proc(5)); nil when it is none.
    init?(stat: [UInt8]) {
        // The name of the program stands in parentheses and may hold anything, parentheses too.
        guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(end + 1)...].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        func number(_ index: Int) -> Int64? {
            fields.indices.contains(index) ? Int64(String(decoding: fields[index], as: UTF8.self)) : nil
        }
        guard let user = number(11), let system = number(12), let threads = number(17), let pages = number(21) else {
            return nil
        }
        let ticks = Int64(max(sysconf(Int32(_SC_CLK_TCK)), 1))
        cpuMilliseconds = (user + system) * 1_000 / ticks
        residentBytes = pages * Int64(max(sysconf(Int32(_SC_PAGESIZE)), 1))
        self.threads = threads
    }
}
