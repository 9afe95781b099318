// Apart from the fixture: `Foundation.Host` is not the kit's.
import Foundation

/// What tools such as `top -H` call the current thread.
func threadName() -> String {
    let name = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
    return name.trimmingCharacters(in: .whitespacesAndNewlines)
}

/// Keeps the current thread from doing anything else.
func blockThread(milliseconds: UInt32) { usleep(milliseconds * 1_000) }
