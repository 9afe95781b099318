// Events as they leave the server: `chatkit-protocol.md` 4 and 5.

extension ChatKit.Event {
    /// Writes the event as one compact JSON object: several for several text deltas.
    ///
    /// - Parameters:
    ///   - prefix: is written before each object.
    ///   - suffix: is written behind each object.
    func encode(into writer: inout JSONWriter, prefix: StaticString = "", suffix: StaticString = "") {
        if case .itemUpdated(let id, .textDeltas(let index, let deltas)) = self {
            ChatKit.Event.encode(deltas, id, index, into: &writer, prefix, suffix)
        } else {
            writer.append(prefix)
            encodeMembers(into: &writer)
            writer.append(suffix)
        }
    }

    /// Most events are text deltas: what they have in common is written once and copied.
    private static func encode(
        _ deltas: ChatKit.TextDeltas, _ id: String, _ index: Int, into writer: inout JSONWriter, _ prefix: StaticString,
        _ suffix: StaticString
    ) {
        var common = JSONWriter()
        common.append(#"{"type":"thread.item.updated","item_id":"#)
        common.string(id)
        common.append(#","update":{"type":"assistant_message.content_part.text_delta","content_index":"#)
        common.int(index)
        common.append(#","delta":"#)
        let beginning = common.bytes
        writer.reserve(deltas.count * (beginning.count + 16) + deltas.bytes.count)
        deltas.forEach { delta in
            writer.append(prefix)
            writer.raw(beginning)
            writer.string(utf8: delta)
            writer.append("}}")
            writer.append(suffix)
        }
    }

    private func encodeMembers(into writer: inout JSONWriter) {
        writer.object { writer in
            switch self {
            case .threadCreated(let thread):
                writer.member("type", "thread.created")
                writer.key("thread")
                thread.encode(into: &writer)
            case .threadUpdated(let thread):
                writer.member("type", "thread.updated")
                writer.key("thread")
                thread.encode(into: &writer)
            case .itemAdded(let item): ChatKit.Event.encode("thread.item.added", item, into: &writer)
            case .itemDone(let item): ChatKit.Event.encode("thread.item.done", item, into: &writer)
            case .itemReplaced(let item): ChatKit.Event.encode("thread.item.replaced", item, into: &writer)
            case .itemUpdated(let id, let update):
                writer.member("type", "thread.item.updated")
                writer.member("item_id", id)
                writer.key("update")
                update.encode(into: &writer)
            case .itemRemoved(let id):
                writer.member("type", "thread.item.removed")
                writer.member("item_id", id)
            case .streamOptions(let allowCancel):
                writer.member("type", "stream_options")
                writer.key("stream_options")
                writer.object { $0.member("allow_cancel", allowCancel) }
            case .progress(let text, let icon):
                writer.member("type", "progress_update")
                writer.member("text", text)
                writer.member("icon", ifSet: icon)
            case .clientEffect(let name, let data):
                writer.member("type", "client_effect")
                writer.member("name", name)
                writer.member("data", .object(data))
            case .notice(let level, let message, let title):
                writer.member("type", "notice")
                writer.member("level", level.rawValue)
                writer.member("message", message)
                writer.member("title", ifSet: title)
            case .error(let code, let message, let allowRetry):
                writer.member("type", "error")
                writer.member("code", code)
                writer.member("message", ifSet: message)
                writer.member("allow_retry", allowRetry)
            }
        }
    }

    private static func encode(_ type: String, _ item: ChatKit.Item, into writer: inout JSONWriter) {
        writer.member("type", type)
        writer.key("item")
        item.encode(into: &writer)
    }
}

extension ChatKit.ItemUpdate {
    fileprivate func encode(into writer: inout JSONWriter) {
        writer.object { writer in
            switch self {
            case .contentPartAdded(let index, let content):
                writer.member("type", "assistant_message.content_part.added")
                writer.member("content_index", index)
                writer.key("content")
                content.encode(into: &writer)
            case .textDeltas(let index, let deltas):
                // Written by the event, one object for each.
                writer.member("type", "assistant_message.content_part.text_delta")
                writer.member("content_index", index)
                writer.member("delta", deltas.text)
            case .annotationAdded(let index, let annotationIndex, let annotation):
                writer.member("type", "assistant_message.content_part.annotation_added")
                writer.member("content_index", index)
                writer.member("annotation_index", annotationIndex)
                writer.member("annotation", annotation)
            case .contentPartDone(let index, let content):
                writer.member("type", "assistant_message.content_part.done")
                writer.member("content_index", index)
                writer.key("content")
                content.encode(into: &writer)
            case .widgetTextDelta(let componentID, let delta, let done):
                writer.member("type", "widget.streaming_text.value_delta")
                writer.member("component_id", componentID)
                writer.member("delta", delta)
                writer.member("done", done)
            case .widgetComponent(let componentID, let component):
                writer.member("type", "widget.component.updated")
                writer.member("component_id", componentID)
                writer.member("component", component.withoutNulls)
            case .widgetRoot(let widget):
                writer.member("type", "widget.root.updated")
                writer.member("widget", widget.withoutNulls)
            case .taskAdded(let index, let task):
                writer.member("type", "workflow.task.added")
                writer.member("task_index", index)
                writer.key("task")
                task.encode(into: &writer)
            case .taskUpdated(let index, let task):
                writer.member("type", "workflow.task.updated")
                writer.member("task_index", index)
                writer.key("task")
                task.encode(into: &writer)
            case .imageUpdated(let image, let progress):
                writer.member("type", "generated_image.updated")
                writer.key("image")
                image.encode(into: &writer)
                if let progress {
                    writer.key("progress")
                    writer.double(progress)
                }
            }
        }
    }
}

extension ChatKit.Thread {
    /// Writes the thread with the given page of items; `metadata` is never sent.
    ///
    /// - Parameter items: items as JSON text, in order.
    func encode(into writer: inout JSONWriter, items: [[UInt8]] = [], hasMore: Bool = false, after: String? = nil) {
        writer.object { writer in
            writer.member("id", id)
            writer.member("created_at", createdAt.iso8601)
            writer.member("title", ifSet: title)
            writer.key("status")
            status.encode(into: &writer)
            if let allowedImageDomains {
                writer.member("allowed_image_domains", .array(allowedImageDomains.map { .string($0) }))
            }
            writer.key("metadata")
            writer.object { _ in }
            writer.key("items")
            ChatKit.encodePage(items, hasMore: hasMore, after: after, into: &writer)
        }
    }
}

extension ChatKit.ThreadStatus {
    fileprivate func encode(into writer: inout JSONWriter) {
        writer.object { writer in
            switch self {
            case .active: writer.member("type", "active")
            case .locked(let reason):
                writer.member("type", "locked")
                writer.member("reason", ifSet: reason)
            case .closed(let reason):
                writer.member("type", "closed")
                writer.member("reason", ifSet: reason)
            }
        }
    }
}

extension ChatKit {
    /// `Page`: `after` only when more follow (section 9).
    static func encodePage(_ elements: [[UInt8]], hasMore: Bool, after: String?, into writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("data")
            writer.array { for element in elements { $0.raw(element) } }
            writer.member("has_more", hasMore)
            if hasMore { writer.member("after", ifSet: after) }
        }
    }
}
