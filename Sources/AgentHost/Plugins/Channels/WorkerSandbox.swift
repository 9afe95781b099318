internal import CPlatform

/// The walls around one plugin's worker: what the worker program is told on its command line (`plugin-worker/arguments.h`).
struct WorkerSandbox: Sendable, Hashable {
    /// Which list of system calls the library gets.
    enum Runtime: String, Sendable, Hashable {
        /// C, C++, Rust.
        case native
        case swift
    }

    /// Threads where the manifest does not say.
    static let defaultThreads: Int64 = 32

    var policy: SandboxPolicy
    /// The private copy of the bundle: absolute, all of it may be read.
    var folder: String
    /// Further folders that may be read, absolute.
    var read: [String] = []
    var runtime = Runtime.native
    /// Megabytes of private memory, beside what the worker and the libraries take; 0: as much as there is.
    var memory: Int64
    /// Threads of the plugin: so many blocking functions run at once, and stacks have room beside its memory.
    var threads: Int64

    /// - Parameters:
    ///   - folder: of the private copy.
    ///   - read: what the operator lets every plugin read.
    ///   - limits: of this plugin; the host ends a worker that passes them, the walls hold until it has looked.
    init(_ policy: SandboxPolicy, for bundle: Bundle, in folder: String, read: [String], limits: PluginLimits) {
        self.policy = policy
        self.folder = folder
        runtime = bundle.holdsSwift ? .swift : .native
        self.read = read + (runtime == .swift ? [WorkerSandbox.swiftRuntimeFolder].compactMap { $0 } : [])
        memory = limits[.memoryMegabytes]
        let asked = bundle.manifest.permissions.threads ?? WorkerSandbox.defaultThreads
        threads = limits.isExceeded(.threads, by: asked) ? limits[.threads] : asked
    }

    /// Arguments for a worker whose socket is descriptor 3.
    var arguments: [String] {
        [
            "3", "--sandbox=\(policy.rawValue)", "--folder=\(folder)", "--runtime=\(runtime.rawValue)",
            "--memory=\(memory)",
        ]
            + ["--threads=\(threads)"] + read.map { "--read=\($0)" }
    }

    /// Where this process has its Swift libraries from; nil when it carries them itself.
    static let swiftRuntimeFolder: String? = {
        let folder = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4_096) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            let length = unsafe cplatform_library_folder("swift_retain", base, buffer.count)
            return unsafe String(decoding: UnsafeRawBufferPointer(buffer)[..<Int(length)], as: UTF8.self)
        }
        return folder.isEmpty ? nil : folder
    }()
}

/// Runs `body` with a program's name and arguments in the form of `execve`.
func withArguments<Result>(
    _ program: String, _ arguments: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    // One text with a zero behind each, and where each begins.
    var text: [CChar] = []
    var starts: [Int] = []
    for argument in [program] + arguments {
        starts.append(text.count)
        text += argument.utf8.map { CChar(bitPattern: $0) } + [0]
    }
    return unsafe text.withUnsafeMutableBufferPointer { text in
        let base = text.baseAddress
        let pointers = unsafe starts.map { start in unsafe base.map { unsafe $0 + start } } + [nil]
        return unsafe pointers.withUnsafeBufferPointer { pointers in
            guard let base = pointers.baseAddress else {
                preconditionFailure("an array that is not empty has an address")
            }
            return unsafe body(base)
        }
    }
}
