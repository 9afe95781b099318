"""A host-server process and a ChatKit client for it; Python's standard library alone."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time


class Server:
    """`host-server serve` with a database and a cache of its own."""

    def __init__(self, programs, plugins, trusted="", environment=None, arguments=()):
        self.folder = tempfile.mkdtemp(prefix="examples-")
        self.log_path = os.path.join(self.folder, "log")
        values = {k: v for k, v in os.environ.items() if not k.startswith(("CHATKIT_", "AGENTHOST_"))}
        values.update(
            CHATKIT_DB_URL=f"sqlite:///{self.folder}/chatkit.db", AGENTHOST_CACHE=f"{self.folder}/cache",
            AGENTHOST_TRUSTED=trusted, AGENTHOST_PLUGINS=plugins, SWIFT_BACKTRACE="enable=no", **(environment or {}))
        command = [os.path.join(programs, "host-server"), "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command, env=values, cwd=self.folder, stdout=subprocess.PIPE, stderr=open(self.log_path, "wb"))
        line = self.process.stdout.readline().decode()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if not found:
            self.process.wait()
            raise RuntimeError(f"the server did not start: {line}\n{self.log}")
        self.port = int(found.group(1))

    @property
    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for_log(self, text, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if text in self.log:
                return True
            time.sleep(0.02)
        return False

    @property
    def runs(self):
        return self.process.poll() is None

    def stop(self):
        if self.runs:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.runs:
            self.process.kill()
        self.stop()

    def stream(self, op, params, agent=None, enough=None):
        """The events of one request; ends early, and leaves, when `enough(events)` says so."""
        body = {"type": op, "params": params}
        if agent:
            body["metadata"] = {"agent": agent}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/chatkit", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        events = []
        if answer.status != 200:
            raise RuntimeError(f"{op}: {answer.status} {answer.read().decode()}")
        for line in answer:
            if line.startswith(b"data: "):
                events.append(json.loads(line[6:]))
                if enough and enough(events):
                    break
        connection.close()
        return Events(events)

    def call(self, op, params):
        """What a request without a stream answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/chatkit", json.dumps({"type": op, "params": params}), {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def create(self, text, agent, enough=None):
        return self.stream("threads.create", {"input": message(text)}, agent, enough)

    def say(self, thread, text):
        return self.stream("threads.add_user_message", {"thread_id": thread, "input": message(text)})

    def items(self, thread):
        return self.call("items.list", {"thread_id": thread, "limit": 100, "order": "asc"})["data"]


def message(text):
    return {"content": [{"type": "input_text", "text": text}], "attachments": [], "inference_options": {}}


class Events(list):
    """What a stream said."""

    @property
    def thread(self):
        return next(e["thread"]["id"] for e in self if e["type"] == "thread.created")

    @property
    def text(self):
        return text_of(self.items("assistant_message"))

    @property
    def deltas(self):
        updates = [e["update"] for e in self if e["type"] == "thread.item.updated"]
        return [u["delta"] for u in updates if u["type"] == "assistant_message.content_part.text_delta"]

    @property
    def errors(self):
        return [e for e in self if e["type"] == "error"]

    def items(self, kind):
        done = [e["item"] for e in self if e["type"] in ("thread.item.done", "thread.item.replaced")]
        return [item for item in done if item["type"] == kind]


def text_of(messages):
    return "".join(part["text"] for item in messages for part in item["content"])
