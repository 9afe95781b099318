import PluginABI
import Testing

@testable import AgentPluginKit

/// The kit, through the C tables that the host sees.
struct KitTests {
    private func driver() throws -> Driver {
        let plugin = try #require(entry(for: KitFixture.self))
        return try #require(Driver(plugin))
    }

    @Test func theEntrySaysWhoItIs() throws {
        let plugin = try #require(entry(for: KitFixture.self))
        #expect(String(cString: plugin.pointee.id) == KitFixture.id)
        #expect(String(cString: plugin.pointee.version) == KitFixture.version)
        #expect(plugin.pointee.abi_draft == UInt32(AP_ABI_DRAFT))
        #expect(entry(for: KitFixture.self) == plugin)
        #expect(Driver(plugin, configuration: #"{"refuse":true}"#) == nil)
        #expect(Driver(plugin, configuration: "no json") == nil)
    }

    @Test func aToolAnswersWithProgress() async throws {
        let driver = try driver()
        let answer = await driver.call("greet", ["name": "Ann"])
        #expect(answer?.status == AP_OK)
        #expect(answer?.json["text"] == "Hello Ann, 2000")
        #expect(answer?.progress == [["text": "thinking"]])
        await driver.destroy()
    }

    @Test func failuresAreTextsForTheModel() async throws {
        let driver = try driver()
        let failure = await driver.call("fail", [:])
        #expect(failure?.status == AP_E_FAILED)
        #expect(failure?.text == "Error: it broke")
        let misfit = await driver.call("greet", ["name": 1])
        #expect(misfit?.status == AP_E_FAILED)
        #expect(misfit?.text == "The argument \"name\" does not fit: a string was expected.")
        #expect(await driver.call("unknown", [:]) == nil)
        await driver.destroy()
    }

    /// Not on the pool, which in process is the host's and everybody's.
    @Test func handlersRunOnThreadsOfThePlugin() async throws {
        let driver = try driver()
        let answer = await driver.call("where", [:])
        #expect(answer?.json == ["first": "plugin-swift", "child": "plugin-swift"])
        await driver.destroy()
    }

    /// More handlers that block than there are threads: each ends, one behind the other.
    @Test func handlersThatBlockEndAllTheSame() async throws {
        let driver = try driver()
        let calls = try (0..<20).map { _ in try #require(driver.begin("block", ["ms": 20], subject: "ann")) }
        for call in calls { #expect(await driver.host.answer(call).status == AP_OK) }
        await driver.destroy()
    }

    @Test func cancellingEndsTheCallOnce() async throws {
        let driver = try driver()
        let call = try #require(driver.begin("wait", [:], subject: "ann"))
        driver.cancel(call)
        let answer = await driver.host.answer(call)
        #expect(answer.status == AP_E_CANCELLED)
        #expect(answer.finishes == 1)
        await driver.destroy()
    }

    @Test func destroyingEndsWhatIsOpen() async throws {
        let driver = try driver()
        let call = try #require(driver.begin("wait", [:], subject: "ann"))
        await driver.destroy()
        #expect(await driver.host.answer(call).status == AP_E_CANCELLED)
    }

    @Test func aModelWritesPieces() async throws {
        let driver = try driver()
        let answer = await driver.complete("parrot", ["messages": [["role": "user", "content": "hi"]]])
        #expect(answer?.json == ["finish_reason": "tool_calls"])
        #expect(answer?.progress.first == ["text": "hi"])
        #expect(answer?.progress.last?["tool_call"]?["arguments"] == #"{"name":"x"}"#)
        await driver.destroy()
    }
}

extension Driver? {
    static func == (a: Driver?, b: Driver?) -> Bool { a?.instance == b?.instance }
}
