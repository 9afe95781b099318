/// What becomes of plugins in workers when the kernel cannot give them the whole sandbox (`docs/sandbox.md`).
enum SandboxPolicy: String, Sendable, CaseIterable {
    /// They are refused.
    case require
    /// They run with what there is, and that is said.
    case warn
    /// There is no sandbox, whatever the kernel has.
    case off
}
