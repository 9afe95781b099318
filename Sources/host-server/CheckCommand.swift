internal import AgentHost
internal import Glibc

/// `host-server plugins check PATH`: compares the C functions of a bundle with the headers of their libraries.
enum CheckCommand {
    /// - Parameter arguments: what follows the verb.
    static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count == 1 else { return HostServer.usage("plugins check needs the bundle") }
        let compiler = unsafe getenv("CC").map { unsafe String(cString: $0) } ?? "cc"
        do {
            let report = try SignatureCheck.run(arguments[0], compiler: compiler.isEmpty ? "cc" : compiler)
            if !report.checked.isEmpty { print("as in their headers: \(report.checked.joined(separator: ", "))") }
            if !report.unchecked.isEmpty {
                print("not checked, no header: \(report.unchecked.joined(separator: ", "))")
            }
            return 0
        } catch {
            complain(error.description)
            return 1
        }
    }
}
