internal import Synchronization

/// What models have cost since the host started, by agent and by owner. May be called from any thread.
final class UsageTotals: Sendable {
    struct Snapshot: Sendable, Hashable {
        var all = ModelUsage()
        var agents: [String: ModelUsage] = [:]
        var owners: [String: ModelUsage] = [:]
        /// Owners beyond the first `maximumOwners`, together.
        var otherOwners = ModelUsage()
    }
    private let totals = Mutex(Snapshot())
    private let maximumOwners: Int

    /// - Parameter maximumOwners: that are told apart: anybody can make up any number of users.
    init(maximumOwners: Int = 10_000) { self.maximumOwners = maximumOwners }

    func add(_ usage: ModelUsage, agent: String, owner: OwnerKey) {
        guard usage.completions > 0 else { return }
        totals.withLock { totals in
            totals.all += usage
            totals.agents[agent, default: ModelUsage()] += usage
            if totals.owners[owner.text] != nil || totals.owners.count < maximumOwners {
                totals.owners[owner.text, default: ModelUsage()] += usage
            } else {
                totals.otherOwners += usage
            }
        }
    }

    var snapshot: Snapshot { totals.withLock { $0 } }
}
