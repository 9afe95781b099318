internal import CPlatform
internal import Glibc

/// A file or environment operation that the system refused.
struct SystemError: Error, Hashable {
    /// What was tried, e.g. "read /etc/x".
    var operation: String
    /// `errno`.
    var number: Int32
    /// The system's own words for `number`.
    var reason: String {
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}

/// The whole content of a file. Blocks; at most `limit` bytes are read, more is `EFBIG`.
func readFile(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(operation: "read \(path)", number: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe read(descriptor, &chunk, chunk.count)
        if count < 0 {
            if errno == EINTR { continue }
            throw SystemError(operation: "read \(path)", number: errno)
        }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
        guard bytes.count <= limit else { throw SystemError(operation: "read \(path)", number: EFBIG) }
    }
}

/// The part of `path` before its last slash; "." when there is none.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// `path` as it is reached from anywhere: a relative one is taken from the working folder of now.
func absolutePath(_ path: String) -> String {
    guard !path.hasPrefix("/") else { return path }
    guard let working = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(working) }
    return "\(unsafe String(cString: working))/\(path)"
}

/// The folder of the running program.
func executableFolder() -> String {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe buffer.withUnsafeMutableBytes {
        guard let base = $0.baseAddress else { return 0 }
        return unsafe readlink("/proc/self/exe", base, $0.count)
    }
    guard count > 0 else { return "." }
    return folder(of: String(decoding: buffer[..<count], as: UTF8.self))
}

/// All environment variables.
func processEnvironment() -> [String: String] {
    var variables: [String: String] = [:]
    guard let block = try? readFile("/proc/self/environ", limit: 4 << 20) else { return [:] }
    for entry in block.split(separator: 0) {
        let text = String(decoding: entry, as: UTF8.self)
        guard let equals = text.firstIndex(of: "=") else { continue }
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
    return variables
}

/// Removes an environment variable and overwrites its value where the process got it, so that `/proc/self/environ` shows it no more. Before
/// other threads start.
func eraseEnvironmentVariable(_ name: String) { unsafe cplatform_environment_erase(name) }
