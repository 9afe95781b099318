internal import AgentHost
internal import Glibc

/// `host-server chat AGENT`: a conversation in the terminal, over the same engine as HTTP.
enum ChatCommand {
    static func run(_ configuration: Configuration, _ words: [String]) -> Int32 {
        guard let agent = words.first else { return HostServer.usage("chat needs the id of an agent, e.g. TodoTasks") }
        let opened = waitFor { () async -> Result<(AgentHost, Conversation), HostError> in
            do throws(HostError) {
                let host = try await AgentHost.start(configuration)
                do throws(HostError) {
                    return .success((host, try host.conversation(agent: agent, user: "anonymous")))
                } catch {
                    await host.shutdown()
                    throw error
                }
            } catch {
                return .failure(error)
            }
        }
        do {
            let (host, conversation) = try opened.get()
            talk(conversation, first: words.dropFirst().joined(separator: " "))
            waitFor { await host.shutdown() }
            return 0
        } catch {
            complain(error.description)
            return 1
        }
    }

    private static func talk(_ conversation: Conversation, first: String) {
        if !first.isEmpty { turn(conversation, first) }
        let interactive = isatty(0) == 1
        while true {
            if interactive { show("> ") }
            guard let line = readLine() else { break }
            let text = line.trimmed
            if text.isEmpty { continue }
            if ["exit", "quit"].contains(text.lowercased()) { break }
            turn(conversation, text)
        }
        print("Ending chat.")
    }

    private static func turn(_ conversation: Conversation, _ text: String) {
        print("Agent:")
        var questions = run { () async throws(HostError) in try await conversation.say(text, output: show) }
        while !questions.isEmpty {
            var answers: [String: String] = [:]
            for question in questions { answers[question.id] = ask(question) }
            let given = answers
            questions = run { () async throws(HostError) in try await conversation.answer(given, output: show) }
        }
    }

    private static func run(
        _ turn: @Sendable @escaping () async throws(HostError) -> [Conversation.Question]
    ) -> [Conversation.Question] {
        waitFor {
            do throws(HostError) {
                return try await turn()
            } catch {
                print("[error] \(error.description)")
                return []
            }
        }
    }

    /// What the person answers; nil, which counts as no answer and as no consent, when there is none.
    private static func ask(_ question: Conversation.Question) -> String? {
        print(question.text)
        if question.isConsent {
            show("[y/n] ")
            let isYes = ["y", "yes"].contains(readLine()?.trimmed.lowercased())
            return isYes ? question.options.first : question.options.last
        }
        for (number, option) in question.options.enumerated() { print("  \(number + 1) \(option)") }
        show("? ")
        guard let said = readLine()?.trimmed, !said.isEmpty else { return nil }
        if let number = Int(said), question.options.indices.contains(number - 1) { return question.options[number - 1] }
        return said
    }

    @Sendable private static func show(_ output: Conversation.Output) {
        switch output {
        case .text(let text): show(text)
        case .endOfMessage: print()
        case .tool(let title, let detail, let done):
            if done { print("  [\(title)] \(detail?.firstLine ?? "")") }
        case .note(let note): print("  (\(note))")
        case .error(let sentence): print("[error] \(sentence)")
        }
    }

    private static func show(_ text: String) {
        print(text, terminator: "")
        fflush(nil)
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    fileprivate var firstLine: String { split(whereSeparator: \.isNewline).first.map(String.init) ?? "" }
}
