"""Every kind of `emit`, judged by the conformance suite: each event against the protocol types of the Python package, each stream for
order. The agent is Tests/Fixtures/KindsC; scripts/conformance.sh runs this with the suite's client on PYTHONPATH."""

import pytest
from ckclient import SYNC, Client

EXAMPLES = [
    "options", "progress", "notice", "effect", "message", "workflow", "task", "widget", "image", "hidden", "thread",
    "item", "end_of_turn", "all",
]


@pytest.fixture
def ck():
    client = Client("kinds-c")
    yield client
    client.close()


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(ck, name):
    turn = ck.create(name).ok()
    assert ck.all_items(turn.thread_id) == turn.items
    ck.get(turn.thread_id)
    ck.threads()


def test_error(ck):
    (error,) = ck.create("error").errors
    assert error["code"] == "custom" and error["allow_retry"] is True and error["message"]


def test_client_tool(ck):
    turn = ck.create("client").ok()
    (call,) = turn.items_of("client_tool_call")
    assert turn.events[-1]["item"] == call and call["status"] == "pending"
    output = {"thread_id": turn.thread_id, "result": {"lat": None}}
    more = ck.stream("threads.add_client_tool_output", output).ok()
    assert more.types[0] == "stream_options" and more.text == 'The page answered {"lat":null}.'
    assert ck.all_items(turn.thread_id)[1] == {**call, "status": "completed", "output": {"lat": None}}


@pytest.mark.parametrize("input", [{}, {"status": "skipped"}, {"answers": {"when": {"values": ["today", "x"]}, "zz": {}}}])
def test_structured_input(ck, input):
    turn = ck.create("ask").ok()
    (ask,) = turn.items_of("structured_input")
    params = {"thread_id": turn.thread_id, "item_id": ask["id"], "input": input}
    more = ck.stream("threads.add_structured_input", params).ok()
    assert more.types[:2] == ["stream_options", "thread.item.replaced"]
    answered = more.events[1]["item"]
    assert answered["id"] == ask["id"] and answered["created_at"] == ask["created_at"]
    assert all("answer" in question for question in answered["inputs"])
    assert answered in ck.all_items(turn.thread_id)


def test_actions(ck):
    turn = ck.create("widget").ok()
    (widget,) = turn.items_of("widget")
    action = {"thread_id": turn.thread_id, "item_id": widget["id"], "action": {"type": "refresh"}}
    more = ck.stream("threads.custom_action", action).ok()
    assert more.types == ["stream_options", "thread.item.replaced"]
    updated = ck.call("threads.sync_custom_action", action).json(SYNC)["updated_item"]
    assert ck.all_items(turn.thread_id)[1] == updated and updated["id"] == widget["id"]
    nothing = {"thread_id": turn.thread_id, "action": {"type": "ping", "payload": [None]}}
    assert ck.call("threads.sync_custom_action", nothing).json(SYNC) == {}


def test_feedback_and_speech(ck):
    turn = ck.create("progress").ok()
    params = {"thread_id": turn.thread_id, "item_ids": ["msg_none"], "kind": "positive"}
    assert ck.call("items.feedback", params).json() == {}
    speech = {"audio_base64": "QUJD", "mime_type": "audio/webm;codecs=opus"}
    assert ck.call("input.transcribe", speech).json() == {"text": "4 characters of speech"}


def test_retry(ck):
    turn = ck.create("all").ok()
    retry = {"thread_id": turn.thread_id, "item_id": turn.user["id"]}
    more = ck.stream("threads.retry_after_item", retry).ok()
    assert ck.all_items(turn.thread_id) == [turn.user, *more.items]
