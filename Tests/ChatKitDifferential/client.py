"""Talks to one server and records what it answers."""

import json
import socket
import time


class Record:
    """One answer: `kind` is "stream", "json", "refused" (4xx and 5xx with our form) or "failed" (anything else)."""

    def __init__(self, step, kind, content, refused=None):
        self.step, self.kind, self.content, self.refused = step, kind, content, refused

    @property
    def events(self):
        return self.content if self.kind == "stream" else []

    @property
    def thread(self):
        return next((e["thread"]["id"] for e in self.events if e["type"] == "thread.created"), None)

    def item(self, type_):
        """Id of the last item of that type that the stream showed as done."""
        ids = [
            e["item"]["id"]
            for e in self.events
            if e["type"] == "thread.item.done" and e["item"]["type"] == type_
        ]
        return ids[-1] if ids else None


def script(*steps):
    """A text that makes the agent do these steps."""
    return "@script " + json.dumps(steps, ensure_ascii=False)


def message(text, **more):
    content = [{"type": "input_text", "text": text}] if isinstance(text, str) else text
    return {"content": content, "attachments": [], "inference_options": {}, **more}


class Client:
    def __init__(self, port, agent, user):
        self.port, self.agent, self.user = port, agent, user
        self.records = []

    # Operations

    def call(self, op, params=None, *, step=None, refused=None, user=None, until=None):
        """Sends a request. `refused`: the status and code with which ours answers where the reference fails; a third element
        names the difference that explains why, where the reference does not fail. `until`: a number of events after which
        the client leaves."""
        body = {"type": op, "params": params or {}}
        if op == "threads.create":
            body["metadata"] = {"agent": self.agent}
        return self.raw(json.dumps(body, ensure_ascii=False), step=step or op, refused=refused, user=user, until=until)

    def raw(self, body, *, step, refused=None, user=None, until=None):
        body = body if isinstance(body, bytes) else body.encode()
        head = (
            "POST /chatkit HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"X-User-ID: {user or self.user}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(head.encode() + body)
            kind, content = read(connection.makefile("rb"), until)
        record = Record(step, kind, content, refused)
        self.records.append(record)
        return record

    def pages(self, op, params):
        """Reads a list page by page; recorded are the pages, each as the ids of its elements."""
        pages, after = [], {}
        while True:
            page = self.call(op, {**params, **after}).content
            self.records.pop()
            pages.append([element["id"] for element in page["data"]])
            if not page["has_more"]:
                break
            after = {"after": page["after"]}
        self.records.append(Record(f"pages of {op}", "json", {"limit": params["limit"], "pages": pages}))

    def create(self, *steps, **options):
        return self.call("threads.create", {"input": message(script(*steps))}, **options)

    def say(self, thread, *steps, **options):
        return self.call("threads.add_user_message", {"thread_id": thread, "input": message(script(*steps))}, **options)

    def items(self, thread, **options):
        params = {"thread_id": thread, "limit": 100, "order": "asc"}
        return self.call("items.list", params, **options)

    def settle(self, thread):
        """Waits until the items of a thread do not change any more."""
        before = None
        for _ in range(100):
            self.items(thread)
            now = self.records.pop().content
            if now == before:
                return
            before = now
            time.sleep(0.2)
        raise AssertionError("the thread never came to rest")


def read(response, until):
    """The kind and the content of an answer."""
    status = int(response.readline().split()[1])
    fields = {}
    while (line := response.readline().strip()) != b"":
        name, value = line.decode().split(":", 1)
        fields[name.lower()] = value.strip()
    if fields.get("content-type", "").startswith("text/event-stream"):
        return read_stream(response, until)
    body = response.read(int(fields["content-length"]))
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if status == 200:
        return "json", content
    if isinstance(content, dict) and set(content) == {"error", "code"} and content["error"].strip():
        return "refused", [status, content["code"]]
    return "failed", status


def chunks(response):
    """The chunks of a body; the last is empty, unless the body was cut."""
    while line := response.readline():
        size = int(line, 16)
        yield response.read(size)
        response.readline()
        if size == 0:
            return


def read_stream(response, until):
    """Reads event after event; "failed" when the body was cut."""
    events, rest = [], b""
    for chunk in chunks(response):
        if not chunk:
            assert not rest, f"the stream ends inside an event: {rest!r}"
            return "stream", events
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            if block == b": ping":
                continue
            assert block.startswith(b"data: ") and b"\n" not in block, f"no event: {block!r}"
            events.append(json.loads(block[6:]))
            if len(events) == until:
                return "stream", events
    return "failed", events
