internal import AgentHost
internal import Dispatch
internal import Glibc

/// `host-server serve`: start, say where, wait for a signal, drain.
enum ServeCommand {
    static func run(_ configuration: Configuration) -> Int32 {
        let started = waitFor { () async -> Result<AgentHost, HostError> in
            do throws(HostError) {
                return .success(try await AgentHost.start(configuration))
            } catch {
                return .failure(error)
            }
        }
        do {
            let host = try started.get()
            let url = try host.serve()
            print("AgentHost \(AgentHost.version) is listening on \(url)  (ChatKit: POST \(url)/chatkit)")
            print("Agents: \(host.agentIDs.joined(separator: ", "))")
            fflush(nil)
            _ = ProcessSignals.wait()
            return drain(host)
        } catch {
            complain(error.description)
            return 1
        }
    }

    /// Running turns may end; a second signal ends the process at once.
    private static func drain(_ host: AgentHost) -> Int32 {
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            await host.shutdown()
            done.signal()
        }
        while done.wait(timeout: .now()) == .timedOut {
            if ProcessSignals.wait(milliseconds: 20) {
                complain("stopped at once by a second signal")
                return 1
            }
        }
        return 0
    }
}
