internal import CPlatform

/// `host-server plugins check`: whether C functions have the signatures that a manifest says. What cannot be found when they are called (a
/// wrong type is undefined behaviour) is found by the compiler, against the header of the library itself.
public enum SignatureCheck {
    /// What went wrong, as a sentence.
    public struct Failure: Error, Hashable, CustomStringConvertible {
        /// The sentence.
        public let description: String
    }

    /// What was looked at.
    public struct Report: Sendable, Hashable {
        /// Tools whose signature is that of the header.
        public var checked: [String] = []
        /// Tools that name no header.
        public var unchecked: [String] = []
    }

    /// Compiles the assertions for the bundle at `path`; the compiler's complaints go to standard error. Blocks.
    ///
    /// - Parameter compiler: a command of the shell, e.g. `cc -I/opt/include`.
    public static func run(_ path: String, compiler: String) throws(Failure) -> Report {
        let bundle: Bundle
        do { bundle = try Bundle.read(path) } catch { throw Failure(description: error.reason + ".") }
        guard bundle.manifest.callsFunctions else {
            throw Failure(
                description: "\(bundle.fileName) has no tools that are C functions; there is nothing to check.")
        }
        let (text, report) = try source(manifest: bundle.manifestText)
        guard !report.checked.isEmpty else { return report }
        let bytes = Array(text.utf8)
        let command = "\(compiler) -std=gnu11 -fsyntax-only -xc -"
        let status = unsafe bytes.withUnsafeBytes { unsafe cplatform_pipe_to(command, $0.baseAddress, $0.count) }
        guard status == 0 else {
            throw Failure(
                description: status == 127
                    ? "There is no compiler \"\(compiler)\"; name one by CC."
                    : "A signature is not that of its header: see what the compiler said.")
        }
        return report
    }

    /// The C file, one assertion for each function that names a header.
    static func source(manifest: [UInt8]) throws(Failure) -> (text: String, report: Report) {
        var report = Report()
        var headers: [String] = []
        var assertions: [String] = []
        let tools = (try? JSON.parse(manifest))?.object?["tools"]?.array ?? []
        for tool in tools {
            guard let name = tool.object?["name"]?.string, let function = tool.object?["function"]?.object else {
                continue
            }
            guard let header = function["header"]?.string else {
                report.unchecked.append(name)
                continue
            }
            guard let symbol = function["symbol"]?.string, isIdentifier(symbol),
                header.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x3E && $0 != 0x22 && $0 < 0x7F })
            else { throw Failure(description: "Tool \"\(name)\": symbol and header must be names of C.") }
            let signatures = try candidates(function, tool: name)
            if !headers.contains(header) { headers.append(header) }
            let tests = signatures.map { "__builtin_types_compatible_p(__typeof__(\(symbol)), __typeof__(\($0)))" }
            assertions.append(
                "_Static_assert(\(tests.joined(separator: "\n  || ")),\n  \"tool \(name): \(header) declares \(symbol) otherwise\");"
            )
            report.checked.append(name)
        }
        let includes = headers.map { "#include <\($0)>" }
        return ((includes + assertions).joined(separator: "\n") + "\n", report)
    }

    /// Every signature in C that the description may mean: `u64` is `unsigned long` and `unsigned long long`, bytes are pointers to
    /// several types.
    private static func candidates(_ function: JSONObject, tool: String) throws(Failure) -> [String] {
        var lists: [[String]] = [try types(function["returns"], isReturned: true, tool)]
        for argument in function["arguments"]?.array ?? [] {
            lists.append(try types(argument, isReturned: false, tool))
        }
        guard lists.reduce(1, { $0 > 100_000 ? $0 : $0 * $1.count }) <= 100_000 else {
            throw Failure(
                description: "Tool \"\(tool)\": too many signatures are possible; say the types of C by \"c\".")
        }
        let returned = lists.removeFirst()
        var parameters = [""]
        for list in lists {
            parameters = parameters.flatMap { before in list.map { before.isEmpty ? $0 : "\(before), \($0)" } }
        }
        return returned.flatMap { type in parameters.map { "\(type) (\($0.isEmpty ? "void" : $0))" } }
    }

    private static func types(_ json: JSON?, isReturned: Bool, _ tool: String) throws(Failure) -> [String] {
        let type = json?.object?["type"]
        if let exact = json?.object?["c"]?.string ?? type?.object?["c"]?.string {
            guard
                exact.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && ![0x22, 0x23, 0x3B, 0x5C, 0x7B, 0x7D].contains($0) })
            else {
                throw Failure(description: "Tool \"\(tool)\": \"c\" must be a type of C.")
            }
            return [exact]
        }
        guard let word = type?.string, let plain = cTypes[word] else {
            throw Failure(description: "Tool \"\(tool)\": a struct needs its name in C: \"c\": \"div_t\".")
        }
        let isPointer = json?.object?["out"] == true || json?.object?["inout"] == true
        return isPointer && !isReturned ? plain.map { "\($0) *" } : plain
    }

    private static let cTypes: [String: [String]] = [
        "void": ["void"], "bool": ["_Bool", "int"], "i8": ["signed char", "char"], "i16": ["short"], "i32": ["int"],
        "i64": ["long", "long long"], "u8": ["unsigned char"], "u16": ["unsigned short"], "u32": ["unsigned int"],
        "u64": ["unsigned long", "unsigned long long"], "f32": ["float"], "f64": ["double"],
        "string": ["const char *", "char *"],
        "bytes": [
            "const void *", "void *", "const char *", "char *", "const unsigned char *", "unsigned char *",
        ],
        "buffer": ["void *", "char *", "unsigned char *"],
    ]

    private static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
            }
    }
}
