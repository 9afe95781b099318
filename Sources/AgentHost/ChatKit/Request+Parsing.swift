extension ChatKit.Request {
    /// Reads the body of a request. Lenient and strict exactly where the protocol is (`chatkit-protocol.md` 2).
    ///
    /// Pure; may be called from any thread. The caller bounds the size of `body`.
    init(body: [UInt8]) throws(ChatKit.RequestError) {
        let document: JSON
        do {
            document = try JSON.parse(body)
        } catch {
            throw ChatKit.RequestError(
                code: .invalidJSON, sentence: "The request body cannot be read. \(error.sentence)")
        }
        guard document.object != nil else {
            throw .invalid("The request body must be a JSON object with \"type\" and \"params\"")
        }
        let fields = try ChatKit.RequestFields(document, path: "")
        guard let name = ChatKit.OperationName(rawValue: try fields.string("type")) else {
            throw ChatKit.RequestError(
                code: .unknownOperation,
                sentence: "type must name an operation of the ChatKit protocol, such as \"threads.create\".")
        }
        // Absent is {}, null is not (section 2).
        metadata = fields.optionalValue("metadata") == nil ? JSONObject() : try fields.object("metadata")
        operation = try ChatKit.Operation(name, try fields.fields("params"))
    }
}

extension ChatKit {
    /// The protocol's words for its operations (section 3).
    fileprivate enum OperationName: String {
        case createThread = "threads.create"
        case addUserMessage = "threads.add_user_message"
        case addClientToolOutput = "threads.add_client_tool_output"
        case addStructuredInput = "threads.add_structured_input"
        case retryAfterItem = "threads.retry_after_item"
        case customAction = "threads.custom_action"
        case getThread = "threads.get_by_id"
        case listThreads = "threads.list"
        case listItems = "items.list"
        case feedback = "items.feedback"
        case updateThread = "threads.update"
        case deleteThread = "threads.delete"
        case syncCustomAction = "threads.sync_custom_action"
        case createAttachment = "attachments.create"
        case deleteAttachment = "attachments.delete"
        case transcribe = "input.transcribe"
    }
}

extension ChatKit.Operation {
    fileprivate init(
        _ name: ChatKit.OperationName, _ params: ChatKit.RequestFields
    ) throws(ChatKit.RequestError) {
        switch name {
        case .createThread: self = .createThread(input: try ChatKit.UserMessageInput(try params.fields("input")))
        case .addUserMessage:
            self = .addUserMessage(
                thread: try params.string("thread_id"),
                input: try ChatKit.UserMessageInput(try params.fields("input")))
        case .addClientToolOutput:
            self = .addClientToolOutput(thread: try params.string("thread_id"), result: try params.freeValue("result"))
        case .addStructuredInput:
            self = .addStructuredInput(
                thread: try params.string("thread_id"), item: try params.string("item_id"),
                try ChatKit.StructuredInputSubmission(try params.fields("input")))
        case .retryAfterItem:
            self = .retryAfterItem(thread: try params.string("thread_id"), item: try params.string("item_id"))
        case .customAction: self = .customAction(try ChatKit.ActionCall(params))
        case .getThread: self = .getThread(try params.string("thread_id"))
        case .listThreads: self = .listThreads(try ChatKit.PageParameters(params))
        case .listItems:
            self = .listItems(thread: try params.string("thread_id"), try ChatKit.PageParameters(params))
        case .feedback:
            self = .feedback(
                thread: try params.string("thread_id"), items: try params.strings("item_ids"),
                try params.word("kind"))
        case .updateThread:
            self = .updateThread(try params.string("thread_id"), title: try params.string("title"))
        case .deleteThread: self = .deleteThread(try params.string("thread_id"))
        case .syncCustomAction: self = .syncCustomAction(try ChatKit.ActionCall(params))
        case .createAttachment:
            self = .createAttachment(
                name: try params.string("name"), size: try params.integer("size"),
                mimeType: try params.string("mime_type"))
        case .deleteAttachment: self = .deleteAttachment(try params.string("attachment_id"))
        case .transcribe:
            self = .transcribe(
                audioBase64: try params.string("audio_base64"), mimeType: try params.string("mime_type"))
        }
    }
}

extension ChatKit.UserMessageInput {
    fileprivate init(_ fields: ChatKit.RequestFields) throws(ChatKit.RequestError) {
        content = []
        for (index, part) in try fields.array("content").enumerated() {
            content.append(try ChatKit.UserContent(part, path: "\(fields.path(of: "content"))[\(index)]"))
        }
        attachments = try fields.strings("attachments")
        quotedText = try fields.optionalString("quoted_text")
        let options = try fields.fields("inference_options")
        inferenceOptions = ChatKit.InferenceOptions(
            toolChoice: try options.optionalFields("tool_choice")?.string("id"),
            model: try options.optionalString("model"))
    }

    /// The message, when it has no attachments: those would have to be looked up.
    var messageWithoutAttachments: ChatKit.UserMessage {
        ChatKit.UserMessage(content: content, quotedText: quotedText, inferenceOptions: inferenceOptions)
    }
}

extension ChatKit.UserContent {
    fileprivate init(_ part: JSON, path: String) throws(ChatKit.RequestError) {
        let fields = try ChatKit.RequestFields(part, path: path)
        switch try fields.string("type") {
        case "input_text": self = .text(try fields.string("text"))
        case "input_tag":
            self = .tag(
                id: try fields.string("id"), text: try fields.string("text"), data: try fields.object("data"),
                group: try fields.optionalString("group"), interactive: try fields.flag("interactive"))
        default: throw .invalid("\(path).type must be \"input_text\" or \"input_tag\"")
        }
    }
}

extension ChatKit.PageParameters {
    fileprivate init(_ fields: ChatKit.RequestFields) throws(ChatKit.RequestError) {
        limit = try fields.limit("limit")
        if fields.optionalValue("order") != nil { order = try fields.word("order") }
        after = try fields.optionalString("after")
    }
}

extension ChatKit.StructuredInputSubmission {
    fileprivate init(_ fields: ChatKit.RequestFields) throws(ChatKit.RequestError) {
        if fields.optionalValue("status") != nil { status = try fields.word("status") }
        guard fields.optionalValue("answers") != nil else { return }
        for (key, value) in try fields.object("answers").members {
            let answer = try ChatKit.RequestFields(value, path: "\(fields.path(of: "answers")).\(key.prefix(64))")
            answers[key] = Answer(
                values: answer.optionalValue("values") == nil ? [] : try answer.strings("values"),
                skipped: try answer.flag("skipped"))
        }
    }
}

extension ChatKit.ActionCall {
    fileprivate init(_ fields: ChatKit.RequestFields) throws(ChatKit.RequestError) {
        thread = try fields.string("thread_id")
        item = try fields.optionalString("item_id")
        let action = try fields.fields("action")
        type = try action.string("type")
        payload = action.optionalValue("payload") == nil ? .null : try action.freeValue("payload")
    }
}
