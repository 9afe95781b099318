internal import CPlatform

/// What the kernel gives for the sandbox, as the worker program finds it, and what follows from the policy. For the log at the
/// start, for `/health` and for operators.
struct SandboxReport: Sendable, Hashable {
    /// Milliseconds that the worker program has to answer.
    static let patience: Int32 = 2_000

    /// Parts, by the names that `plugin-worker --without` knows.
    enum Part: String, Sendable, CaseIterable { case limits, privileges, landlock, seccomp }

    var policy: SandboxPolicy
    /// Version of the kernel's Landlock interface; 0 = none.
    var landlock = 0
    /// What is not there, in order, with the reason.
    var missing: [(part: Part, reason: String)] = []
    /// Why nothing is known; nil when it is.
    var unknown: String?

    enum State: String, Sendable {
        /// Every part is there.
        case full
        /// Plugins run without a part.
        case partial
        /// Plugins in workers are refused.
        case refusing
        case off
        /// The worker program did not tell.
        case unknown
    }

    var state: State {
        if policy == .off { return .off }
        if unknown != nil { return .unknown }
        if missing.isEmpty { return .full }
        return policy == .require ? .refusing : .partial
    }

    /// One sentence for the log.
    var sentence: String {
        let lacks = missing.map { "\($0.part.rawValue) (\($0.reason))" }.joined(separator: ", ")
        switch state {
        case .full: return "plugins in workers run in the full sandbox"
        case .partial: return "plugins in workers run without a part of the sandbox: \(lacks)"
        case .refusing:
            return
                "plugins in workers are refused, the sandbox lacks \(lacks); run the server where the kernel has it, or set "
                + "AGENTHOST_SANDBOX=warn to run them without"
        case .off: return "plugins in workers run without a sandbox: AGENTHOST_SANDBOX is off"
        case .unknown: return "the worker program does not tell what the sandbox can do: \(unknown ?? "")"
        }
    }

    /// Asks the worker program. Blocks for some milliseconds.
    static func ask(
        _ program: String, policy: SandboxPolicy, patience: Int32 = SandboxReport.patience
    ) -> SandboxReport {
        var report = SandboxReport(policy: policy)
        guard policy != .off else { return report }
        var count: Int64 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            count = unsafe withArguments(program, ["--probe"]) {
                unsafe cplatform_child_output(program, $0, patience, base, buffer.count)
            }
            filled = Int(max(count, 0))
        }
        guard count >= 0 else {
            report.unknown = FileError(Int32(-count)).sentence
            return report
        }
        report.read(bytes)
        return report
    }

    /// Takes in what the worker program has printed.
    mutating func read(_ bytes: [UInt8]) {
        guard let json = (try? JSON.parse(bytes, maximumDepth: 4))?.object, let version = json["landlock"]?.int else {
            unknown = "its answer is not the expected JSON"
            return
        }
        landlock = Int(version)
        missing = Part.allCases.compactMap { part in
            let isThere = part == .landlock ? version > 0 : json[part.rawValue]?.bool == true
            return isThere ? nil : (part, json["\(part.rawValue)_reason"]?.string ?? "switched off")
        }
    }

    static func == (a: SandboxReport, b: SandboxReport) -> Bool {
        a.policy == b.policy && a.landlock == b.landlock && a.unknown == b.unknown
            && a.missing.map(\.part) == b.missing.map(\.part) && a.missing.map(\.reason) == b.missing.map(\.reason)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(policy)
        hasher.combine(landlock)
        hasher.combine(missing.map(\.part))
    }
}
