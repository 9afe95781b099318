"""Where ours answers otherwise than the reference, each with its reason: docs/chatkit-compatibility.md lists the same.

A difference is a function that turns the answers of the reference to one conversation into those that ours must give, in
place; so whatever it does not say is still compared. An answer is a list [step, kind, content, refused], see client.py. The
first paragraph of its text says what is different, the second why.
"""

_rules = {}


# Conversations that ours cannot have yet, and what is missing. The table only shrinks.
not_yet = {}


def difference(name, only=None):
    """Registers a difference; `only`: the conversations in which it shows."""

    def register(function):
        what, why = (" ".join(part.split()) for part in function.__doc__.split("\n\n"))
        _rules[name] = (function, what, why, only or [])
        return function

    return register


def listed():
    """Name, what and why of each."""
    return {name: (what, why) for name, (_, what, why, _) in _rules.items()}


def page():
    """What docs/chatkit-compatibility.md holds: the lines of its two tables."""
    rows = [f"| `{name}` | {what} | {why} |" for name, (what, why) in listed().items()]
    missing = {}
    for name, what in not_yet.items():
        missing.setdefault(what, []).append(f"`{name}`")
    return rows, [f"| {what} | {', '.join(names)} |" for what, names in missing.items()]


def visible():
    """The names that a run must see."""
    return {name for name, (*_, only) in _rules.items() if not only or not set(only) <= set(not_yet)}


def apply(conversation, records, used):
    """Turns the answers of the reference into those expected of ours."""
    records = [list(record) for record in records]
    for name, (rule, _, _, only) in _rules.items():
        if only and conversation not in only:
            continue
        before = repr(records)
        rule(records)
        if repr(records) != before:
            used.add(name)
    return records


def accepted_but_refused_by_ours(name):
    """Changes the answers that ours refuses for the reason of that name."""

    def rule(records):
        for record in records:
            if record[3] and record[3][2:] == (name,):
                record[1:3] = "refused", list(record[3][:2])

    return rule


def events(records):
    for record in records:
        if record[1] == "stream":
            yield record[2]


# Refusals


@difference("refusals")
def refusals(records):
    """What cannot be answered is refused with a 4xx or 501 and `{"error", "code"}` before a stream opens; the reference answers
    a bare 500, or cuts a stream that it has begun with 200.

    A client can tell what is wrong, and proxies and retries are not misled. docs/errors.md lists the codes.
    """
    for record in records:
        if record[1] == "failed" and record[3] and len(record[3]) == 2:
            record[1:3] = "refused", list(record[3])


@difference("nothing-stays-behind", only=["operations_without_support"])
def nothing_stays_behind(records):
    """`threads.create` with an attachment that does not exist leaves no thread behind; with the reference an empty one stays.

    A refused request has changed nothing.
    """
    for record in records:
        if record[0] == "threads.list":
            record[2]["data"] = []


@difference("missing-threads")
def missing_threads(records):
    """`items.list` and `items.feedback` on a thread that is missing or somebody else's: 404 `not_found`; the reference answers
    an empty page and `{}`.

    A mistaken id should be noticed. Deleting stays without complaint, as it is done already.
    """
    accepted_but_refused_by_ours("missing-threads")(records)


@difference("retry-after-a-missing-item")
def retry_after_a_missing_item(records):
    """`threads.retry_after_item` for an item that is not there: 404 `item_not_found`; the reference answers a stream without
    any event.

    An empty stream tells a client nothing, and its spinner stays.
    """
    accepted_but_refused_by_ours("retry-after-a-missing-item")(records)


@difference("actions-of-other-items", only=["action_of_an_item_that_is_no_widget"])
def actions_of_other_items(records):
    """A streamed action of an item that is no widget: 400 `wrong_item_type`; the reference answers a stream with one `error` event.

    The synchronous form is refused there too; a mistake of the client is no failure of the agent.
    """
    accepted_but_refused_by_ours("actions-of-other-items")(records)


@difference("strict-json")
def strict_json(records):
    """An object that names a key twice, a number beyond 64 bits or without end, more than 128 levels: 400 `invalid_json`; the
    reference takes the last key, any number, and more levels.

    Two readers of such a document may understand two things; that is what attackers use. A number that cannot be kept exactly
    must not come back changed.
    """
    accepted_but_refused_by_ours("strict-json")(records)


@difference("deep-values")
def deep_values(records):
    """`metadata`, `data` of a tag, the `result` of a client tool and the `payload` of an action nested more than 48 levels deep: 400
    `invalid_request`; the reference sets no limit.

    They reach plugins within other JSON, and plugins are promised that none is deeper than 64 levels.
    """
    accepted_but_refused_by_ours("deep-values")(records)


@difference("negative-limits")
def negative_limits(records):
    """A negative `limit` is refused with 400; the reference hands it to its store.

    It has no meaning: Python's slices make a list without its last elements of it.
    """
    accepted_but_refused_by_ours("negative-limits")(records)


# Lists


@difference("hidden-items-take-no-place", only=["pages_with_hidden_items"])
def hidden_items_take_no_place(records):
    """Hidden items take no place in pages, and `after` is the id of an item that the client has seen; the reference drops
    them after it has cut the page, so pages run short or empty.

    A page that is empty with `has_more: true` looks like the end to many clients.
    """
    for record in records:
        if record[0].startswith("pages of"):
            size = record[2]["limit"]
            ids = [id for page in record[2]["pages"] for id in page]
            record[2]["pages"] = [ids[at : at + size] for at in range(0, len(ids), size)]


# Errors in a stream


@difference("errors-have-a-message", only=["the_agent_fails", "the_agent_fails_in_a_text"])
def errors_have_a_message(records):
    """The `error` event of an agent that failed carries the sentence the agent gave; with the reference a `stream.error` has no
    `message`.

    The code stays `stream.error`, so the component shows its own text; everybody else learns the reason.
    """
    for stream in events(records):
        for event in stream:
            if event["type"] == "error":
                event["message"] = "The oven is cold."


@difference("shown-items-stay-after-an-error", only=["the_agent_fails", "the_agent_fails_in_a_text"])
def shown_items_stay_after_an_error(records):
    """When the agent fails, the items that are open are completed as they were shown, and stored, before the `error`; with the
    reference they are lost.

    What a person has read should still be there when the thread is loaded again.
    """
    for stream in events(records):
        if stream[-1]["type"] == "error":
            for item, before in _completed(stream):
                items = records[-1][2]["data"]
                items.insert([i["id"] for i in items].index(before) + 1, item)


def _completed(stream):
    """Completes the open items of a stream before its last event. Answers each with the id of the item before it."""
    of = lambda type_: [event["item"] for event in stream if event["type"] == type_]
    done = {item["id"] for item in of("thread.item.done")}
    for item in of("thread.item.added"):
        if item["id"] in done:
            continue
        before = of("thread.item.done")[-1]["id"]
        item = dict(item)
        if item["type"] == "assistant_message":
            texts = [e["update"].get("delta", "") for e in stream if e.get("item_id") == item["id"]]
            part = {"type": "output_text", "text": "".join(texts), "annotations": []}
            update = {"type": "assistant_message.content_part.done", "content_index": 0, "content": part}
            stream.insert(-1, {"type": "thread.item.updated", "item_id": item["id"], "update": update})
            item["content"] = [part]
        stream.insert(-1, {"type": "thread.item.done", "item": item})
        yield item, before


# Workflows


@difference("workflows-are-announced-at-once", only=["workflow"])
def workflows_are_announced_at_once(records):
    """`emit workflow` announces a `custom` workflow at once, without tasks, and its first task comes as `workflow.task.added`;
    the reference's helper for agents announces it together with its first task.

    The plugin decides when something is shown. The reference sends the same events when an agent does without the helper.
    """
    for stream in events(records):
        for index, event in enumerate(stream):
            if event["type"] == "thread.item.added" and event["item"]["type"] == "workflow":
                workflow = event["item"]["workflow"]
                [task], workflow["tasks"] = workflow["tasks"], []
                update = {"type": "workflow.task.added", "task_index": 0, "task": task}
                stream.insert(index + 1, {"type": "thread.item.updated", "item_id": event["item"]["id"], "update": update})
                break


@difference("workflows-end-as-the-agent-says", only=["workflow_without_summary"])
def workflows_end_as_the_agent_says(records):
    """A workflow that an agent ends without a `summary` has none; the reference's helper for agents adds the duration.

    The field is optional. An agent that wants it emits `{"summary": {"duration": <seconds>}}`; workflows that the host makes of
    function calls have it.
    """
    for stream in events(records):
        for event in stream:
            if event["type"] == "thread.item.done" and event["item"]["type"] == "workflow":
                del event["item"]["workflow"]["summary"]


# Client tools


@difference("hidden-items-do-not-hide-a-call", only=["client_tool_with_a_hidden_item_behind"])
def hidden_items_do_not_hide_a_call(records):
    """`threads.add_client_tool_output` finds the call that waits also when a hidden item was stored behind it; the reference looks at
    the newest item alone and fails.

    Agents note something behind a call, and the person waits for an answer that never comes (chatkit-python PR 123).
    """
    thread = records[0][2][0]["thread"]["id"]
    # The call and what names it were seen; the answer is the next item.
    seen = [event["item"] for event in records[0][2] if "item" in event]
    id = f"<msg {2 + len(seen) + 1}>"
    item = {"id": id, "thread_id": thread, "created_at": "<time>", "type": "assistant_message"}
    empty, part = ({"type": "output_text", "text": text, "annotations": []} for text in ("", "Thanks."))

    def update(type_, **fields):
        update = {"type": f"assistant_message.content_part.{type_}", "content_index": 0, **fields}
        return {"type": "thread.item.updated", "item_id": id, "update": update}

    answer = {**item, "content": [part]}
    records[1][1:3] = "stream", [
        {"type": "stream_options", "stream_options": {"allow_cancel": True}},
        {"type": "thread.item.added", "item": {**item, "content": []}},
        update("added", content=empty),
        update("text_delta", delta="Thanks."),
        update("done", content=part),
        {"type": "thread.item.done", "item": answer},
    ]
    items = records[2][2]["data"]
    items[-1] |= {"status": "completed", "output": '@script [["text", 1, "Thanks."], ["done", 1]]'}
    items.append(answer)


# Widgets


def _updates(records):
    """The updates of items in the streams, each with its stream and place there."""
    for stream in events(records):
        for index, event in enumerate(stream):
            if event["type"] == "thread.item.updated":
                yield stream, index, event["update"]


@difference(
    "single-components-are-updated", only=["widget_text_grows", "widget_text_grows_and_ends", "widget_text_shrinks"]
)
def single_components_are_updated(records):
    """When one component with an `id` changes otherwise than by text at its end, that component is sent again
    (`widget.component.updated`); the reference sends the whole tree (`widget.root.updated`).

    It is less to send and to draw. The protocol has the event; the reference's helper never makes it.
    """
    for _, _, update in _updates(records):
        if update["type"] == "widget.root.updated":
            [text] = update.pop("widget")["children"]
            update |= {"type": "widget.component.updated", "component_id": text["id"], "component": text}


@difference("texts-without-an-id-are-updated", only=["widget_texts_grow_together"])
def texts_without_an_id_are_updated(records):
    """When only the text of a component without an `id` grows, the whole tree is sent; the reference sends nothing until `done`.

    What the agent changed would not be seen before the end.
    """
    [(stream, index, _)] = list(_updates(records))[-1:]
    tree = stream[-1]["item"]["widget"]
    update = {"type": "widget.root.updated", "widget": tree}
    stream.insert(index + 1, {**stream[index], "update": update})


@difference("actions-are-kept-as-they-are", only=["widget_with_a_short_action"])
def actions_are_kept_as_they_are(records):
    """An action of a widget is sent as the agent wrote it; the reference adds `handler`, `loadingBehavior` and `streaming` where they
    are missing.

    Widgets are kept as they are; the web component knows the same defaults.
    """
    items = [event["item"] for stream in events(records) for event in stream if "item" in event]
    for item in items + records[-1][2]["data"]:
        if item["type"] == "widget":
            item["widget"]["children"][0]["onClickAction"] = {"type": "go"}


@difference("widgets-are-kept-as-they-are", only=["widget_with_fields_the_package_lacks"])
def widgets_are_kept_as_they_are(records):
    """Fields and components of widgets that the Python types do not know reach the client; the reference drops the fields.

    The types of the web component have more than the Python ones, `Card.border` for example.
    """
    border = {"size": 1}
    for stream in events(records):
        for event in stream:
            if "item" in event and event["item"]["type"] == "widget":
                event["item"]["widget"]["border"] = border
    for item in records[-1][2]["data"]:
        if item["type"] == "widget":
            item["widget"]["border"] = border
