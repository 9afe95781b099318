import Foundation
import Synchronization
import Testing

@testable import AgentHost

struct EventRelayTests {
    /// Several threads, each with events of its own token, in batches, from a few to very many a second.
    @Test(.timeLimit(.minutes(1)))
    func orderIsKeptHoweverManyCome() {
        let receiver = Collector()
        let relay = EventRelay(receiver)
        let threads = (1...3).map { token in
            NativeThread(name: "events") {
                for number in 0..<30_000 {
                    relay.take([.serviceCancel(token: UInt64(token)), mark(token, number)], of: NoChannel())
                    // A pause now and then: it begins to hand over, and ends, again and again.
                    if number % 10_000 == 9_999 { Thread.sleep(forTimeInterval: 0.12) }
                }
            }
        }
        for thread in threads { thread.join() }
        relay.close()
        for token in 1...3 {
            #expect(receiver.numbers(of: token) == Array(0..<30_000), "token \(token)")
        }
        #expect(receiver.threadNames.contains("plugin-events"))
    }

    /// Of a runtime that was abandoned nothing is heard any more, whatever waits.
    @Test func whatComesAfterTheStopIsDropped() {
        let receiver = Collector()
        let relay = EventRelay(receiver)
        for number in 0..<100_000 {
            relay.take([mark(1, number)], of: NoChannel())
            if number == 99_000 { relay.stop() }
        }
        relay.close()
        #expect(receiver.numbers(of: 1).elementsEqual(0..<receiver.numbers(of: 1).count))
        #expect(receiver.numbers(of: 1).count <= 99_001)
        let count = receiver.numbers(of: 1).count
        relay.take([mark(1, 0)], of: NoChannel())
        #expect(receiver.numbers(of: 1).count == count)
    }

    /// What is rare is dealt with where it comes from.
    @Test func fewAreNotHandedOver() {
        let receiver = Collector()
        let relay = EventRelay(receiver)
        for number in 0..<50 { relay.take([mark(1, number)], of: NoChannel()) }
        #expect(receiver.numbers(of: 1) == Array(0..<50))
        relay.close()
        #expect(!receiver.threadNames.contains("plugin-events"))
    }
}

private func mark(_ token: Int, _ number: Int) -> PluginEvent {
    .meter(item: UInt32(token), value: Int64(number))
}

private final class Collector: PluginChannelReceiver {
    private let state = Mutex((numbers: [Int: [Int]](), names: Set<String>()))

    func numbers(of token: Int) -> [Int] { state.withLock { $0.numbers[token] ?? [] } }
    var threadNames: Set<String> { state.withLock { $0.names } }

    func channel(_ channel: any PluginChannel, received events: [PluginEvent]) {
        let name = Thread.current.threadDictionary["name"] as? String ?? currentThreadName()
        Thread.current.threadDictionary["name"] = name
        state.withLock { state in
            state.names.insert(name)
            for case .meter(let token, let number) in events {
                state.numbers[Int(token), default: []].append(Int(number))
            }
        }
    }

    func channel(_ channel: any PluginChannel, died how: String, words: String?) {}
}

private func currentThreadName() -> String {
    let name = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
    return name.trimmingCharacters(in: .newlines)
}

private final class NoChannel: PluginChannel {
    func send(_ message: PluginMessage) {}
    func abandon() {}
    func release(_ done: @escaping @Sendable () -> Void) {}
}
