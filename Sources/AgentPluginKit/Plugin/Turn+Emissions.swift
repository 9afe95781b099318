// What a turn can say besides text: one function for each kind of `emit`. `docs/emit-kinds.md` explains each; JSON that is handed in
// has the members it lists. All throw as `emit` does.

extension Turn {
    // MARK: Messages

    /// Hangs a source (`["type": "url", "title": …, "url": …]`, `file` or `entity`) on the message `item`.
    /// - Parameter index: position in its text, in characters.
    public func annotate(_ source: JSON, index: Int? = nil, item: UInt32 = 0) async throws {
        try await emit("annotation", object(["source": source, "index": index.map { .int($0) }]), item: item)
    }

    // MARK: Work that is shown

    /// Announces a workflow, to which ``task(_:index:item:)`` adds.
    public func workflow(isReasoning: Bool = false, expanded: Bool = false, item: UInt32) async throws {
        try await emit(
            "workflow", ["type": isReasoning ? "reasoning" : "custom", "expanded": .bool(expanded)], item: item)
    }

    /// Adds a task to the workflow `item`, or replaces the one at `index`; on any other number a task of its own.
    public func task(_ task: JSON, index: Int? = nil, item: UInt32) async throws {
        var task = task.object ?? JSONObject()
        if let index { task["index"] = .int(index) }
        try await emit("task", .object(task), item: item)
    }

    /// Completes a workflow.
    public func endWorkflow(summary: String? = nil, icon: String? = nil, item: UInt32) async throws {
        let summary = summary.map { object(["title": .string($0), "icon": icon.map { .string($0) }]) }
        try await emit("workflow_end", object(["summary": summary]), item: item)
    }

    /// A line for the moment; nothing is stored.
    public func progress(_ text: String, icon: String? = nil) async throws {
        try await emit("progress", object(["text": .string(text), "icon": icon.map { .string($0) }]))
    }

    /// How loud a notice is.
    public enum NoticeLevel: String, Sendable { case info, warning, danger }

    /// A banner; the message is Markdown.
    public func notice(_ message: String, level: NoticeLevel = .info, title: String? = nil) async throws {
        try await emit(
            "notice",
            object([
                "message": .string(message), "level": .string(level.rawValue), "title": title.map { .string($0) },
            ]))
    }

    /// Tells the page to do something.
    public func effect(_ name: String, _ data: JSON = [:]) async throws {
        try await emit("effect", ["name": .string(name), "data": data])
    }

    // MARK: Widgets and images

    /// A widget, or its next tree: the host tells clients what is different.
    public func widget(_ root: JSON, copyText: String? = nil, item: UInt32) async throws {
        try await emit(
            "widget", object(["widget": root, "copy_text": copyText.map { .string($0) }]), item: item)
    }

    /// Appends to the `Text` or `Markdown` with that id in the widget `item`.
    public func widgetText(_ delta: String, to component: String, done: Bool = false, item: UInt32) async throws {
        try await emit(
            "widget.text", ["id": .string(component), "delta": .string(delta), "done": .bool(done)], item: item)
    }

    /// A generated image, or a better version of it; without `url` a placeholder.
    /// - Parameter progress: from 0 to 1.
    public func image(url: String? = nil, progress: Double? = nil, item: UInt32) async throws {
        let image: JSON? = url.map { ["url": .string($0)] }
        try await emit("image", object(["image": image, "progress": progress.map { .double($0) }]), item: item)
    }

    // MARK: Asking

    /// Calls a function of the page and ends the turn: nothing may follow. The result comes in a turn with
    /// ``clientToolOutput``.
    public func callClient(_ name: String, _ arguments: JSON = [:]) async throws {
        try await emit("client_tool_call", ["name": .string(name), "arguments": arguments])
    }

    /// Asks the person; `inputs` are questions with `id`, `question` and perhaps `options`. The answers come in a turn with
    /// ``answers``.
    public func ask(_ inputs: [JSON], item: UInt32 = 0) async throws {
        try await emit("structured_input", ["inputs": .array(inputs)], item: item)
    }

    // MARK: The thread and its items

    /// Changes the thread: `title`, `status`, `metadata`, `allowed_image_domains`.
    public func changeThread(_ change: JSON) async throws { try await emit("thread", change) }

    /// Keeps something that only agents see.
    public func hide(_ content: JSON) async throws { try await emit("hidden_context", ["content": content]) }

    /// A whole item at once, with its `type`.
    public func put(_ content: JSON, item: UInt32 = 0) async throws { try await emit("item", content, item: item) }

    /// Another content for the complete item `id`, or for the one of this number.
    public func replace(id: String? = nil, with content: JSON, item: UInt32 = 0) async throws {
        try await emit("replace", object(["id": id.map { .string($0) }, "item": content]), item: item)
    }

    /// Deletes the item `id`, or the one of this number.
    public func remove(id: String? = nil, item: UInt32 = 0) async throws {
        try await emit("remove", object(["id": id.map { .string($0) }]), item: item)
    }

    /// A marker for clients that group items by turns.
    public func endOfTurn() async throws { try await emit("end_of_turn", [:]) }

    // MARK: The stream

    /// Whether clients show a stop button.
    public func allowCancel(_ allowed: Bool) async throws {
        try await emit("options", ["allow_cancel": .bool(allowed)])
    }

    /// Ends the turn with an error of your own; nothing may follow.
    public func fail(_ message: String, code: String = "custom", allowRetry: Bool = false) async throws {
        try await emit(
            "error", ["code": .string(code), "message": .string(message), "allow_retry": .bool(allowRetry)])
    }

    /// The members that are there.
    private func object(_ members: KeyValuePairs<String, JSON?>) -> JSON {
        var object = JSONObject()
        for (key, value) in members { if let value { object[key] = value } }
        return .object(object)
    }
}
