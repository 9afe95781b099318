"""What is said to both servers. Each function is one conversation, with a user of its own."""

import json
import sys
import time

from client import message, script

ACTION = {"type": "go", "handler": "server", "loadingBehavior": "auto", "streaming": True}


def every():
    module = sys.modules[__name__]
    return [f for name, f in vars(module).items() if callable(f) and getattr(f, "__module__", "") == __name__ and name != "every"]


def card(text, streaming=True, **more):
    return {"type": "Card", "children": [{"type": "Text", "id": "t", "value": text, "streaming": streaming}], **more}


# Text


def plain_message(c):
    thread = c.call("threads.create", {"input": message("Hello")}).thread
    c.call("threads.add_user_message", {"thread_id": thread, "input": message("Again")})
    c.call("threads.get_by_id", {"thread_id": thread})
    c.items(thread)


def deltas(c):
    thread = c.create(
        ["text", 1, "Grüße, "], ["text", 1, "👩‍👩‍👧 "], ["text", 1, "line\nbreak\r\u2028 \"quoted\" \\ tab\t"], ["done", 1]
    ).thread
    c.items(thread)


def two_messages(c):
    thread = c.create(["text", 1, "one "], ["text", 1, "more"], ["done", 1], ["text", 2, "two"], ["done", 2]).thread
    c.items(thread)


def interleaved_messages(c):
    c.create(["text", 1, "a"], ["text", 2, "b"], ["text", 1, "c"], ["done", 2], ["text", 1, "d"], ["done", 1])


def annotations(c):
    url = {"type": "url", "title": "A page", "url": "https://example.org/a", "attribution": "Example", "timestamp": "2026"}
    file = {"type": "file", "title": "A file", "filename": "a.pdf", "description": "Of 3 pages", "group": "g"}
    entity = {"type": "entity", "title": "Ann", "id": "p1", "icon": "profile", "label": "Person", "data": {"age": "40"}}
    thread = c.create(
        ["text", 1, "See "],
        ["emit", 1, "annotation", {"source": url, "index": 4}],
        ["text", 1, "this."],
        ["emit", 1, "annotation", {"source": file}],
        ["emit", 1, "annotation", {"source": entity, "index": 9}],
        ["done", 1],
    ).thread
    c.items(thread)


# Everything a user message can hold


def parts_of_a_user_message(c):
    parts = [
        {"type": "input_text", "text": "For "},
        {"type": "input_tag", "id": "p1", "text": "@Ann", "data": {"kind": "person", "n": 1, "nothing": None}},
        {"type": "input_tag", "id": "p2", "text": "@Bob", "data": {}, "group": "people", "interactive": True},
        {"type": "input_text", "text": ""},
    ]
    options = {"tool_choice": {"id": "search"}, "model": "large"}
    thread = c.call("threads.create", {"input": message(parts, quoted_text="", inference_options=options)}).thread
    c.call("threads.add_user_message", {"thread_id": thread, "input": message([], quoted_text="He said:\n> so")})
    c.call("threads.add_user_message", {"thread_id": thread, "input": message("x", quoted_text=None)})
    c.items(thread)


def unknown_fields_are_ignored(c):
    part = {"type": "input_text", "text": "Hello", "colour": "red"}
    given = {**message([part]), "future": {"x": 1}, "inference_options": {"temperature": 2}}
    thread = c.call("threads.create", {"input": given, "more": []}).thread
    c.items(thread)


# What comes and goes


def progress_notice_effect_options(c):
    thread = c.create(
        ["emit", 0, "progress", {"text": "Looking", "icon": "search"}],
        ["emit", 0, "progress", {"text": "Still looking"}],
        ["emit", 0, "options", {"allow_cancel": False}],
        ["emit", 0, "notice", {"level": "warning", "message": "**Careful**", "title": "Hm"}],
        ["emit", 0, "notice", {"level": "danger", "message": "Stop"}],
        ["emit", 0, "notice", {"level": "info", "message": "Well"}],
        ["emit", 0, "effect", {"name": "zoom", "data": {"to": [1, 2.5, None, {"deep": None}], "on": True}}],
        ["emit", 0, "effect", {"name": "flash"}],
        ["text", 1, "Found."],
        ["done", 1],
    ).thread
    c.items(thread)


# Workflows and tasks


def workflow(c):
    thread = c.create(
        ["emit", 1, "workflow", {"type": "custom", "expanded": True}],
        ["emit", 1, "task", {"type": "custom", "title": "One", "icon": "bolt", "status_indicator": "loading"}],
        ["emit", 1, "task", {"type": "custom", "title": "Two", "content": "*text*"}],
        ["emit", 1, "task", {"type": "custom", "title": "One", "status_indicator": "complete", "index": 0}],
        ["emit", 1, "workflow_end", {"summary": {"title": "Done", "icon": "check"}}],
        ["text", 2, "That was it."],
        ["done", 2],
    ).thread
    c.items(thread)


def reasoning(c):
    thread = c.create(
        ["emit", 1, "workflow", {"type": "reasoning"}],
        ["emit", 1, "task", {"type": "thought", "content": "Hmm", "status_indicator": "loading"}],
        ["emit", 1, "task", {"type": "thought", "title": "Thought", "content": "Hmm, yes.", "index": 0}],
        ["emit", 1, "workflow_end", {"summary": {"duration": 3}}],
    ).thread
    c.items(thread)


def workflow_without_summary(c):
    c.create(
        ["emit", 1, "workflow", {"type": "reasoning"}],
        ["emit", 1, "task", {"type": "thought", "content": "Hmm"}],
        ["emit", 1, "workflow_end", {}],
    )


def tasks_of_every_type(c):
    page = {"type": "url", "title": "A page", "url": "https://example.org/a"}
    file = {"type": "file", "title": "A file", "filename": "a.pdf"}
    tasks = [
        {"type": "custom"},
        {"type": "web_search", "title": "Search", "title_query": "cats", "queries": ["cats", "dogs"], "sources": [page]},
        {"type": "web_search"},
        {"type": "thought", "content": "Hmm"},
        {"type": "file", "title": "Files", "sources": [file]},
        {"type": "image", "title": "Picture", "status_indicator": "loading"},
    ]
    steps = [["emit", 1, "workflow", {"type": "reasoning"}]] + [["emit", 1, "task", task] for task in tasks]
    thread = c.create(*steps, ["emit", 1, "workflow_end", {"summary": {"title": "All"}}]).thread
    c.items(thread)


def task_items(c):
    thread = c.create(
        ["emit", 1, "task", {"type": "custom", "title": "Alone", "status_indicator": "loading"}],
        ["emit", 1, "task", {"type": "custom", "title": "Alone", "status_indicator": "complete", "content": "ok"}],
        ["done", 1],
    ).thread
    c.items(thread)


# Widgets


def widget(c):
    tree = {
        "type": "ListView",
        "limit": 3,
        "status": {"text": "Three", "icon": "info"},
        "children": [
            {
                "type": "ListViewItem",
                "key": "k1",
                "gap": 2,
                "onClickAction": {"type": "open", "payload": {"id": 1}, "handler": "server", "loadingBehavior": "auto", "streaming": True},
                "children": [{"type": "Text", "value": "One", "weight": "bold"}, {"type": "Badge", "label": "new", "color": "info"}],
            }
        ],
    }
    thread = c.create(["emit", 1, "widget", {"widget": tree, "copy_text": "One"}], ["done", 1]).thread
    c.items(thread)


def widget_text_grows(c):
    steps = [["emit", 1, "widget", card(text)] for text in ["", "Hel", "Hello", "Hello!"]]
    thread = c.create(*steps, ["emit", 1, "widget", card("Hello!", streaming=False)], ["done", 1]).thread
    c.items(thread)


def widget_text_grows_and_ends(c):
    c.create(["emit", 1, "widget", card("a")], ["emit", 1, "widget", card("ab", streaming=False)], ["done", 1])


def widget_text_shrinks(c):
    c.create(["emit", 1, "widget", card("abc")], ["emit", 1, "widget", card("ab")], ["done", 1])


def widget_unchanged(c):
    c.create(["emit", 1, "widget", card("abc")], ["emit", 1, "widget", card("abc")], ["done", 1])


def widget_changes_beside_the_text(c):
    c.create(["emit", 1, "widget", card("a")], ["emit", 1, "widget", card("ab", size="lg")], ["done", 1])


def widget_texts_grow_together(c):
    def tree(a, b, c_):
        return {
            "type": "Card",
            "children": [
                {"type": "Markdown", "id": "m", "value": a, "streaming": True},
                {"type": "Row", "children": [{"type": "Text", "id": "t", "value": b, "streaming": False}, {"type": "Text", "value": c_}]},
            ],
        }

    c.create(
        ["emit", 1, "widget", tree("# A", "x", "fixed")],
        ["emit", 1, "widget", tree("# A\n", "xy", "fixed")],
        ["emit", 1, "widget", tree("# A\n", "xy", "fixed and more")],
        ["done", 1],
    )


def widget_children_are_added(c):
    def tree(*texts):
        return {"type": "Card", "children": [{"type": "Text", "value": text} for text in texts]}

    c.create(["emit", 1, "widget", tree("a")], ["emit", 1, "widget", tree("a", "b")], ["done", 1])


def widget_text_by_delta(c):
    thread = c.create(
        ["emit", 1, "widget", card("")],
        ["emit", 1, "widget.text", {"id": "t", "delta": "Hel"}],
        ["emit", 1, "widget.text", {"id": "t", "delta": "lo"}],
        ["done", 1],
    ).thread
    c.items(thread)


def widget_with_nulls(c):
    tree = {
        "type": "Card",
        "size": None,
        "children": [
            {"type": "Button", "label": "Go", "block": None, "onClickAction": {**ACTION, "payload": {"a": None, "b": [1, None]}}},
        ],
    }
    thread = c.create(["emit", 1, "widget", tree], ["done", 1]).thread
    c.items(thread)


def widget_with_a_short_action(c):
    button = {"type": "Button", "label": "Go", "onClickAction": {"type": "go"}}
    thread = c.create(["emit", 1, "widget", {"type": "Card", "children": [button]}], ["done", 1]).thread
    c.items(thread)


def widget_with_fields_the_package_lacks(c):
    thread = c.create(["emit", 1, "widget", card("x", border={"size": 1})], ["done", 1]).thread
    c.items(thread)


# Images


def image(c):
    thread = c.create(
        ["emit", 1, "image", {"image": {"id": "img_1", "url": "https://example.org/1.png"}, "progress": 0.5}],
        ["emit", 1, "image", {"image": {"id": "img_1", "url": "https://example.org/2.png"}, "progress": 1.0}],
        ["done", 1],
    ).thread
    c.items(thread)


# Client tools


def call_of_a_client_tool(c):
    call = ["emit", 1, "client_tool_call", {"name": "pick", "arguments": {"of": [1, None], "nothing": None}}]
    thread = c.create(["text", 1, "One moment."], ["done", 1], ["emit", 2, *call[2:]]).thread
    c.items(thread)
    c.call(
        "threads.add_client_tool_output",
        {"thread_id": thread, "result": {"picked": None, "then": script(["text", 1, "Thanks."], ["done", 1])}},
    )
    c.items(thread)
    c.call("threads.add_client_tool_output", {"thread_id": thread, "result": 1}, refused=(409, "not_pending"))


def client_tool_without_a_call(c):
    thread = c.create(["text", 1, "Hello"], ["done", 1]).thread
    c.call("threads.add_client_tool_output", {"thread_id": thread, "result": 1}, refused=(409, "not_pending"))


def client_tool_with_a_hidden_item_behind(c):
    thread = c.create(
        ["emit", 1, "client_tool_call", {"name": "pick", "arguments": {}}], ["emit", 2, "hidden_context", {"content": "x"}]
    ).thread
    result = script(["text", 1, "Thanks."], ["done", 1])
    c.call("threads.add_client_tool_output", {"thread_id": thread, "result": result})
    c.items(thread)


# Structured input

QUESTIONS = {
    "inputs": [
        {"id": "q1", "type": "multiple_choice", "question": "Which?", "options": [{"value": "a"}, {"value": "b"}]},
        {"id": "q2", "type": "multiple_choice", "question": "Which?", "options": [{"value": "a"}], "multiple": True},
        {"id": "q3", "type": "freeform", "question": "Why?", "description": "In a word"},
        {"id": "q4", "type": "freeform", "question": "Else?"},
    ]
}


def structured_input(c):
    asked = c.create(["emit", 1, "structured_input", QUESTIONS])
    thread, item = asked.thread, asked.item("structured_input")
    c.items(thread)
    answers = {
        "q1": {"values": ["z", "a"]},
        "q2": {"values": ["a", "other"]},
        "q3": {"values": [script(["text", 1, "Thanks."], ["done", 1])]},
        "q4": {"values": []},
        "unknown": {"values": ["x"]},
    }
    given = {"thread_id": thread, "item_id": item, "input": {"answers": answers}}
    c.call("threads.add_structured_input", given)
    c.items(thread)
    c.call("threads.add_structured_input", given, refused=(409, "not_pending"))


def structured_input_skipped(c):
    asked = c.create(["emit", 1, "structured_input", QUESTIONS])
    given = {"thread_id": asked.thread, "item_id": asked.item("structured_input"), "input": {"status": "skipped", "answers": {"q1": {"values": ["a"]}}}}
    c.call("threads.add_structured_input", given)
    c.items(asked.thread)


def structured_input_of_another_item(c):
    said = c.create(["text", 1, "Hello"], ["done", 1])
    for item, refused in [(said.item("assistant_message"), (400, "wrong_item_type")), ("msg_missing", (404, "item_not_found"))]:
        given = {"thread_id": said.thread, "item_id": item, "input": {}}
        c.call("threads.add_structured_input", given, refused=refused)


# Actions


def streamed_action(c):
    shown = c.create(["emit", 1, "widget", card("x", streaming=False)], ["done", 1])
    payload = {"form": {"a": None}, "do": script(["text", 1, "Acted."], ["done", 1])}
    given = {"thread_id": shown.thread, "item_id": shown.item("widget"), "action": {"type": "go", "payload": payload}}
    c.call("threads.custom_action", given)
    c.items(shown.thread)
    del given["item_id"]
    c.call("threads.custom_action", given)
    c.call("threads.custom_action", {"thread_id": shown.thread, "action": {"type": "go"}})


def action_of_an_item_that_is_no_widget(c):
    said = c.create(["text", 1, "Hello"], ["done", 1])
    item = said.item("assistant_message")
    given = {"thread_id": said.thread, "item_id": item, "action": {"type": "go"}}
    c.call("threads.custom_action", given, refused=(400, "wrong_item_type", "actions-of-other-items"))
    c.call("threads.sync_custom_action", given, refused=(400, "wrong_item_type"))
    given["item_id"] = "msg_missing"
    c.call("threads.custom_action", given, refused=(404, "item_not_found"))
    c.call("threads.sync_custom_action", given, refused=(404, "item_not_found"))


def action_that_replaces_its_widget(c):
    shown = c.create(["emit", 1, "widget", card("x", streaming=False)], ["done", 1], ["text", 2, "below"], ["done", 2])
    new = {"item": {"type": "widget", "widget": card("y", streaming=False)}}
    payload = script(["emit", 1, "replace", {"id": shown.item("widget"), **new}])
    given = {"thread_id": shown.thread, "item_id": shown.item("widget"), "action": {"type": "go", "payload": payload}}
    c.call("threads.custom_action", given)
    c.items(shown.thread)


def action_that_removes_its_widget(c):
    shown = c.create(["emit", 1, "widget", card("x", streaming=False)], ["done", 1])
    payload = script(["emit", 1, "remove", {"id": shown.item("widget")}])
    given = {"thread_id": shown.thread, "item_id": shown.item("widget"), "action": {"type": "go", "payload": payload}}
    c.call("threads.custom_action", given)
    c.items(shown.thread)


def synchronous_action(c):
    shown = c.create(["emit", 1, "widget", card("x", streaming=False)], ["done", 1])
    new = {"id": shown.item("widget"), "item": {"type": "widget", "widget": card("y", streaming=False)}}
    payload = script(["emit", 1, "replace", new])
    given = {"thread_id": shown.thread, "item_id": shown.item("widget"), "action": {"type": "go", "payload": payload}}
    c.call("threads.sync_custom_action", given)
    c.items(shown.thread)
    given["action"] = {"type": "go", "payload": script(["wait", 1])}
    c.call("threads.sync_custom_action", given)


# Retry


def retry(c):
    first = c.create(["text", 1, "First"], ["done", 1], ["emit", 2, "hidden_context", {"content": "secret"}])
    thread, item = first.thread, first.item("user_message")
    c.say(thread, ["text", 1, "Second"], ["done", 1])
    c.call("threads.retry_after_item", {"thread_id": thread, "item_id": item})
    c.items(thread)


def retry_after_something_else(c):
    first = c.create(["text", 1, "First"], ["done", 1])
    given = {"thread_id": first.thread, "item_id": first.item("assistant_message")}
    c.call("threads.retry_after_item", given, refused=(400, "not_a_user_message"))
    c.items(first.thread)
    missing = {**given, "item_id": "msg_missing"}
    c.call("threads.retry_after_item", missing, refused=(404, "item_not_found", "retry-after-a-missing-item"))
    c.items(first.thread)


# Leaving


def leaving_in_the_middle_of_a_text(c):
    thread = c.create(["text", 1, "Half "], ["text", 1, "a text"], ["wait", 10000], ["text", 1, " never"], until=7).thread
    c.settle(thread)
    c.items(thread)
    c.say(thread, ["text", 1, "Well again."], ["done", 1])


def leaving_in_the_middle_of_other_items(c):
    thread = c.create(
        ["text", 1, "Kept."],
        ["done", 1],
        ["emit", 2, "workflow", {"type": "reasoning"}],
        ["emit", 3, "widget", card("x")],
        ["text", 4, "  "],
        ["wait", 10000],
        until=12,
    ).thread
    c.settle(thread)
    c.items(thread)


# Hidden context


def hidden_context(c):
    thread = c.create(
        ["emit", 1, "hidden_context", {"content": {"any": [1, None]}}],
        ["text", 2, "Seen."],
        ["done", 2],
        ["emit", 3, "hidden_context", {"content": "text"}],
    ).thread
    c.items(thread)
    c.call("threads.get_by_id", {"thread_id": thread})


def pages_with_hidden_items(c):
    first, second, third = (["emit", number, "hidden_context", {"content": "x"}] for number in (7, 8, 9))
    thread = c.create(["text", 1, "a"], ["done", 1], first, second, ["text", 2, "b"], ["done", 2], third).thread
    for order in ["asc", "desc"]:
        c.pages("items.list", {"thread_id": thread, "limit": 2, "order": order})


# The thread itself


def thread_changes(c):
    thread = c.create(
        ["emit", 0, "thread", {"title": "A title", "metadata": {"secret": 1}}],
        ["text", 1, "Named."],
        ["done", 1],
        ["emit", 0, "thread", {"status": {"type": "locked", "reason": "Wait"}}],
        ["emit", 0, "progress", {"text": "Working"}],
        ["emit", 0, "thread", {"status": {"type": "closed"}}],
    ).thread
    c.call("threads.get_by_id", {"thread_id": thread})
    c.say(thread, ["emit", 0, "thread", {"status": {"type": "active"}, "title": ""}])
    c.call("threads.list", {})


def update_and_delete(c):
    thread = c.call("threads.create", {"input": message("Hello")}).thread
    c.call("threads.update", {"thread_id": thread, "title": "Ünïcode 👋"})
    c.call("threads.update", {"thread_id": thread, "title": ""})
    c.call("threads.get_by_id", {"thread_id": thread})
    c.call("threads.delete", {"thread_id": thread})
    c.call("threads.delete", {"thread_id": thread})
    c.call("threads.list", {})
    c.call("threads.get_by_id", {"thread_id": thread}, refused=(404, "not_found"))
    c.call("items.list", {"thread_id": thread}, refused=(404, "not_found", "missing-threads"))
    c.call("threads.update", {"thread_id": thread, "title": "x"}, refused=(404, "not_found"))
    c.call("threads.add_user_message", {"thread_id": thread, "input": message("x")}, refused=(404, "not_found"))


def somebody_elses_thread(c):
    said = c.create(["text", 1, "Mine"], ["done", 1])
    thread = {"thread_id": said.thread}
    other = {"user": "somebody-else", "refused": (404, "not_found")}
    c.call("threads.get_by_id", thread, **other)
    c.call("items.list", thread, user="somebody-else", refused=(404, "not_found", "missing-threads"))
    c.call("threads.update", {**thread, "title": "x"}, **other)
    c.call("threads.add_user_message", {**thread, "input": message("x")}, **other)
    c.call("threads.retry_after_item", {**thread, "item_id": said.item("user_message")}, **other)
    c.call("threads.delete", thread, user="somebody-else")
    c.call("threads.list", {}, user="somebody-else")
    c.items(said.thread)


# Lists


def lists(c):
    threads = [c.call("threads.create", {"input": message(f"number {n}")}).thread for n in range(5)]
    for params in [{}, {"limit": 2}, {"order": "asc"}, {"limit": None, "after": None}, {"limit": 0}]:
        c.call("threads.list", params)
    for limit in ["2", 2.0, True]:
        c.call("threads.list", {"limit": limit})
    c.pages("threads.list", {"limit": 2})
    c.call("threads.list", {"limit": 2, "after": threads[3]})
    c.call("threads.list", {"limit": 2, "order": "asc", "after": threads[3]})
    c.call("threads.list", {"after": threads[0]})
    c.call("threads.list", {"after": "thr_missing"}, refused=(404, "cursor_not_found"))
    for n in range(12):
        c.call("threads.add_user_message", {"thread_id": threads[0], "input": message(f"message {n}")})
    c.call("threads.get_by_id", {"thread_id": threads[0]})
    page = c.call("items.list", {"thread_id": threads[0]}).content
    c.call("items.list", {"thread_id": threads[0], "after": page["after"], "limit": 3})
    c.call("items.list", {"thread_id": threads[0], "after": "msg_missing"}, refused=(404, "cursor_not_found"))


# Errors


def the_agent_fails(c):
    failure = ["finish", -1, "The oven is cold."]
    thread = c.create(failure).thread
    c.say(thread, ["text", 1, "Kept."], ["done", 1], ["emit", 2, "widget", card("lost")], failure)
    c.say(thread, ["emit", 0, "thread", {"title": "Before"}], failure)
    c.items(thread)


def the_agent_fails_in_a_text(c):
    thread = c.create(["text", 1, "Half a text"], ["finish", -1, "The oven is cold."]).thread
    c.items(thread)


def feedback(c):
    said = c.create(["text", 1, "Hello"], ["done", 1])
    item = said.item("assistant_message")
    for items, kind in [([item], "positive"), ([], "negative"), ([item, "msg_missing"], "negative")]:
        c.call("items.feedback", {"thread_id": said.thread, "item_ids": items, "kind": kind})


def feedback_on_a_missing_thread(c):
    given = {"thread_id": "thr_missing", "item_ids": [], "kind": "positive"}
    c.call("items.feedback", given, refused=(404, "not_found", "missing-threads"))


def operations_without_support(c):
    c.call("attachments.create", {"name": "a", "size": 1, "mime_type": "text/plain"}, refused=(501, "not_implemented"))
    c.call("attachments.delete", {"attachment_id": "atc_1"}, refused=(501, "not_implemented"))
    c.call("input.transcribe", {"audio_base64": "AAAA", "mime_type": "audio/webm"}, refused=(501, "not_implemented"))
    with_file = {**message("x"), "attachments": ["atc_missing"]}
    c.call("threads.create", {"input": with_file}, refused=(404, "attachment_not_found"))
    c.call("threads.list", {})


# Bad requests


def bad_requests(c):
    text = json.dumps({"type": "threads.list", "params": {}})
    refused = {
        "invalid_json": [
            "", " ", "{", "nul", "{} {}", text + "x", "\ufeff" + text, '{"type": "a\tb"}', "{'type': 1}", "[1,]", "NaN",
            b'{"type":"threads.list","params":{},"x":"\xff"}', b'{"type":"threads.list","params":{},"x":"\xed\xa0\x80"}',
            '{"type":"threads.list","params":{},"x":"\\ud800"}', '{"type":"threads.list","params":{},"x":01}',
        ],
        "invalid_request": [
            "{}", "[]", "null", "1", '"x"', '{"params":{}}', '{"type":"threads.list"}', '{"type":1,"params":{}}',
            '{"type":"threads.list","params":null}', '{"type":"threads.list","params":[]}',
            '{"type":"threads.list","params":{},"metadata":null}', '{"type":"threads.list","params":{},"metadata":[]}',
            '{"type":"threads.get_by_id","params":{}}', '{"type":"threads.get_by_id","params":{"thread_id":1}}',
            '{"type":"threads.list","params":{"limit":"many"}}', '{"type":"threads.list","params":{"limit":1.5}}',
            '{"type":"threads.list","params":{"order":"up"}}', '{"type":"threads.list","params":{"order":null}}',
            '{"type":"threads.list","params":{"after":1}}', '{"type":"threads.create","params":{}}',
            '{"type":"threads.create","params":{"input":{"content":[],"attachments":[]}}}',
            '{"type":"threads.create","params":{"input":{"content":[],"inference_options":{}}}}',
            '{"type":"threads.create","params":{"input":{"content":"x","attachments":[],"inference_options":{}}}}',
            '{"type":"threads.create","params":{"input":{"content":[{"type":"input_image"}],"attachments":[],"inference_options":{}}}}',
            '{"type":"threads.create","params":{"input":{"content":[{"type":"input_text"}],"attachments":[],"inference_options":{}}}}',
            '{"type":"threads.create","params":{"input":{"content":[{"type":"input_text","text":1}],"attachments":[],"inference_options":{}}}}',
            '{"type":"threads.create","params":{"input":{"content":[],"attachments":[],"inference_options":{"model":1}}}}',
            '{"type":"items.feedback","params":{"thread_id":"t","item_ids":"i","kind":"positive"}}',
            '{"type":"items.feedback","params":{"thread_id":"t","item_ids":[],"kind":"neutral"}}',
            '{"type":"threads.add_client_tool_output","params":{"thread_id":"t"}}',
            '{"type":"threads.custom_action","params":{"thread_id":"t"}}',
        ],
        "unknown_operation": ['{"type":"threads.burn","params":{}}', '{"type":"","params":{}}'],
    }  # fmt: skip
    for code, bodies in refused.items():
        for body in bodies:
            c.raw(body, step=f"{code}: {body[:60]!r}", refused=(400, code))


def stricter_than_the_reference(c):
    for name, body in {
        "a key twice": '{"type":"threads.list","type":"threads.list","params":{}}',
        "a number without end": '{"type":"threads.list","params":{},"metadata":{"n":1e999}}',
        "a number beyond 64 bits": '{"type":"threads.list","params":{},"metadata":{"n":123456789012345678901234567890}}',
        "129 levels": '{"type":"threads.list","params":{},"metadata":{"n":' + "[" * 127 + "]" * 127 + "}}",
    }.items():
        c.raw(body, step=name, refused=(400, "invalid_json", "strict-json"))
    c.raw('{"type":"threads.list","params":{"limit":-1}}', step="a negative limit", refused=(400, "invalid_request", "negative-limits"))
    deep = '{"type":"threads.list","params":{},"metadata":{"n":' + "[" * 48 + "]" * 48 + "}}"
    c.raw(deep, step="a value of 49 levels", refused=(400, "invalid_request", "deep-values"))
