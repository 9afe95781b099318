internal import CPlatform

/// Whether a thread that serves others pushes aside what runs when it is woken: while it has little to do. See `cplatform_wake_policy.h`.
///
/// Confined to its thread, a `NativeThread`.
@safe struct WakePolicy {
    private var policy = cplatform_wake_policy()

    /// The calling thread has found so many pieces of work in this round. Call it once a round.
    mutating func note(_ found: Int) { unsafe cplatform_wake_policy_note(&policy, UInt32(clamping: found)) }
}
