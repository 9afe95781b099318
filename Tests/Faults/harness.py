"""What the fault tests share: the server as a process, a client that remembers what it has seen, a list of what went wrong.

Only the standard library of Python 3.9 is used. A client is one blocking socket; what is concurrent runs in threads.
"""

import json
import os
import resource
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIXTURES = os.path.join(REPOSITORY, "Tests", "Fixtures")
HEADERS = os.path.join(REPOSITORY, "Sources", "PluginABI", "include")


class Report:
    """Counts what was looked at and keeps what was wrong; any number of threads may write."""

    def __init__(self, name):
        self.name = name
        self.wrong = []
        self.lock = threading.Lock()
        self.began = time.monotonic()

    def check(self, holds, sentence):
        """Notes `sentence` (a string or a function that makes one) unless `holds`."""
        if not holds:
            with self.lock:
                self.wrong.append(sentence() if callable(sentence) else sentence)
        return bool(holds)

    def end(self, figures):
        """Prints the one line of a part, and what was wrong. Answers whether nothing was."""
        seconds = time.monotonic() - self.began
        verdict = "ok" if not self.wrong else f"{len(self.wrong)} FAULTS"
        print(f"faults {self.name}: {verdict}; {figures}; {seconds:.0f} s", flush=True)
        for sentence in self.wrong[:40]:
            print(f"    {sentence}", flush=True)
        return not self.wrong


def echo_plugins(folder):
    """Builds EchoC for a worker (agent echo-c), and once more for in process (agent echo-in). Answers the ids to trust."""
    source, identity = os.path.join(FIXTURES, "EchoC", "plugin.c"), "dev.agenthost.fixture.echo-in"
    bundle(folder, "EchoC", source)
    bundle(folder, "EchoIn", source, identity, "echo-in")
    return [identity]


def bundle(folder, name, source, identity=None, agent=None, flags=()):
    """Builds a fixture plugin into `folder`; with another id and another agent than its manifest says, if given."""
    flags = list(flags)
    path = os.path.join(folder, f"{name}.agentplugin")
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(os.path.dirname(source), "plugin.json")) as file:
        manifest = json.load(file)
    manifest["library"] = f"lib{name}.so"
    if identity:
        manifest["id"] = identity
        manifest["name"] = name.lower()
        flags.append(f'-DFIXTURE_ID="{identity}"')
    if agent:
        manifest["agents"][0]["id"] = agent
    with open(os.path.join(path, "plugin.json"), "w") as file:
        json.dump(manifest, file)
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
         "-fvisibility=hidden", "-pthread", f"-I{HEADERS}", *flags, "-o", os.path.join(path, f"lib{name}.so"), source], check=True)
    return path


class Host:
    """A `host-server` on a database of its own, which may be killed and started again."""

    def __init__(self, products, folder, plugins, trusted=(), environment=None, limit=None):
        self.products = os.path.abspath(products)
        self.folder = folder
        self.database = os.path.join(folder, "data", "chatkit.db")
        self.plugins = plugins
        self.trusted = trusted
        self.environment = environment or {}
        self.limit = limit
        self.process = None
        self.port = 0
        self.log_path = os.path.join(folder, "log")
        os.makedirs(os.path.dirname(self.database), exist_ok=True)

    def start(self):
        """Starts it and waits until it listens."""
        with open(self.log_path, "ab") as log:
            self.process = self.spawn(log)
        line = self.process.stdout.readline().decode()
        if "http://127.0.0.1:" not in line:
            raise RuntimeError(f"the server did not start: {line}{self.log[-2000:]}")
        self.port = int(line.split("http://127.0.0.1:")[1].split()[0].rstrip("/"))
        return self

    def spawn(self, errors):
        """Starts it without waiting, with standard error going to `errors`."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("CHATKIT_", "AGENTHOST_"))}
        environment.update(
            CHATKIT_DB_URL=f"sqlite:///{self.database}", AGENTHOST_CACHE=os.path.join(self.folder, "cache"),
            AGENTHOST_PLUGINS=self.plugins, AGENTHOST_TRUSTED=",".join(self.trusted), SWIFT_BACKTRACE="enable=no")
        environment.update(self.environment)

        def limits():
            if self.limit:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.limit, self.limit))

        return subprocess.Popen(
            [os.path.join(self.products, "host-server"), "serve", "--port", "0"], cwd=self.folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, preexec_fn=limits)

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        """SIGKILL; answers once the process is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self, seconds=40):
        """SIGTERM; the exit status, or None after that time, when it is killed."""
        self.process.terminate()
        try:
            status = self.process.wait(seconds)
            self.process.stdout.close()
            return status
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    @property
    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    # ---- what the process uses ----

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    @property
    def memory(self):
        """Resident bytes that are no file."""
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))

    @property
    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def children(self):
        """Process id to state letter; Z is a zombie."""
        found = {}
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/children") as file:
                    pids = file.read().split()
            except OSError:
                continue
            for pid in pids:
                try:
                    with open(f"/proc/{pid}/stat") as file:
                        found[int(pid)] = file.read().rsplit(")", 1)[1].split()[0]
                except OSError:
                    pass
        return found

    def copy_of_database(self):
        """Opens a copy, so that the log of writes stays for the server to recover."""
        folder = tempfile.mkdtemp(dir=self.folder)
        try:
            for suffix in ("", "-wal"):
                if os.path.exists(self.database + suffix):
                    shutil.copyfile(self.database + suffix, os.path.join(folder, "copy.db" + suffix))
            connection = sqlite3.connect(os.path.join(folder, "copy.db"))
            return connection, connection.execute("PRAGMA integrity_check").fetchone()[0]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # ---- requests ----

    def client(self, user="u", timeout=30, receive_buffer=None):
        return Client(self.port, user, timeout, receive_buffer)

    def open_turns(self):
        """Rows of turns that run, read beside the running server."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5) as connection:
            return connection.execute("SELECT count(*) FROM turns").fetchone()[0]


class Client:
    """Makes requests for one user, each on a connection of its own."""

    def __init__(self, port, user, timeout, receive_buffer=None):
        """`receive_buffer`: bytes that the kernel takes for it while it does not read; None: some megabytes."""
        self.port, self.user, self.timeout, self.receive_buffer = port, user, timeout, receive_buffer

    def open(self, op, params, agent=None):
        body = {"type": op, "params": params}
        if agent:
            body["metadata"] = {"agent": agent}
        return Stream(self, "POST", "/chatkit", json.dumps(body).encode())

    def get(self, path):
        return Stream(self, "GET", path, b"").read_to_end()

    def create(self, text, agent):
        return self.open("threads.create", {"input": message(text)}, agent)

    def add(self, text, thread):
        return self.open("threads.add_user_message", {"thread_id": thread, "input": message(text)})

    def items(self, thread):
        """Every item of the thread, page by page, or None when it is not there."""
        found, after = [], None
        while True:
            params = {"thread_id": thread, "limit": 100, "order": "asc"}
            if after:
                params["after"] = after
            page = self.open("items.list", params).read_to_end()
            if page.status != 200:
                return None
            data = page.json
            found += data["data"]
            if not data["has_more"]:
                return found
            after = data["data"][-1]["id"]


def message(text):
    return {"content": [{"type": "input_text", "text": text}], "attachments": [], "inference_options": {}}


def text_of(item):
    return "".join(part.get("text", "") for part in item.get("content", []) if isinstance(part, dict))


class Stream:
    """A request and what has come of its answer so far."""

    def __init__(self, client, method, path, body):
        self.raw = b""
        self.head = None
        self.status = 0
        self.body = b""
        self.events = []
        self.is_complete = False
        self.is_over = False
        self.left = 0  # of the chunk that is coming, with the line end behind it
        self.unread = b""  # of the body, no whole event yet
        self.socket = socket.socket()
        self.socket.settimeout(client.timeout)
        if client.receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, client.receive_buffer)
        self.socket.connect(("127.0.0.1", client.port))
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-User-ID: {client.user}\r\n"
        if method == "POST":
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        try:
            self.socket.sendall(head.encode() + b"\r\n" + body)
        except OSError:
            pass  # what the server said before it closed can be read still

    def close(self):
        self.is_over = True
        self.socket.close()

    def pump(self):
        """Reads what has come; False at the end, however it ended."""
        if self.is_over:
            return False
        try:
            piece = self.socket.recv(65536)
        except (socket.timeout, OSError):
            piece = b""
        if not piece:
            self.close()
            return False
        self.raw += piece
        if self.head is None:
            end = self.raw.find(b"\r\n\r\n")
            if end < 0:
                return True
            lines = self.raw[:end].decode().split("\r\n")
            self.status = int(lines[0].split()[1])
            self.head = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
            self.raw = self.raw[end + 4:]
        self._take()
        return True

    def _take(self):
        if self.head.get("transfer-encoding") != "chunked":
            self.body += self.raw
            self.raw = b""
            self.is_complete = len(self.body) == int(self.head.get("content-length", 0))
            return
        while True:
            if self.left == 0:
                end = self.raw.find(b"\r\n")
                if end < 0:
                    return
                size = int(self.raw[:end], 16)
                self.raw = self.raw[end + 2:]
                if size == 0:
                    self.is_complete = True
                    return
                self.left = size + 2
            taken = min(len(self.raw), max(self.left - 2, 0))
            self.unread += self.raw[:taken]
            self.raw = self.raw[taken:]
            self.left -= taken
            self._take_events()
            if self.left > 2 or len(self.raw) < 2:
                return
            self.raw = self.raw[2:]
            self.left = 0

    def _take_events(self):
        blocks = self.unread.split(b"\n\n")
        self.unread = blocks.pop()
        now = time.monotonic()
        for block in blocks:
            if block.startswith(b"data: "):
                event = json.loads(block[6:])
                event["seen_at"] = now
                self.events.append(event)

    @property
    def is_readable(self):
        """Whether `pump` would return at once."""
        if self.is_over:
            return False
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(0))

    def read_to_end(self):
        while self.pump():
            pass
        return self

    def read_until(self, condition):
        """Reads until the condition on the events holds; False when the answer ends before."""
        while not condition(self.events):
            if not self.pump():
                return condition(self.events)
        return True

    def read_deltas(self, count):
        return self.read_until(lambda events: sum(e["type"] == "thread.item.updated" for e in events) >= count)

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def thread(self):
        return next((event["thread"]["id"] for event in self.events if event["type"] == "thread.created"), None)

    @property
    def error(self):
        return next((event for event in self.events if event["type"] == "error"), None)

    @property
    def done(self):
        """Items that were seen complete, in order."""
        return [event["item"] for event in self.events if event["type"] == "thread.item.done"]

    @property
    def shown(self):
        """Text seen of messages that were not seen complete: id to a list of (time, delta)."""
        texts = {}
        for event in self.events:
            if event["type"] == "thread.item.added" and event["item"]["type"] == "assistant_message":
                texts[event["item"]["id"]] = []
            elif event["type"] == "thread.item.updated" and event["item_id"] in texts and "delta" in event["update"]:
                texts[event["item_id"]].append((event["seen_at"], event["update"]["delta"]))
            elif event["type"] == "thread.item.done":
                texts.pop(event["item"]["id"], None)
            elif event["type"] == "thread.item.removed":
                texts.pop(event["item_id"], None)
        return texts

    @property
    def answer(self):
        return "".join(text_of(item) for item in self.done if item["type"] == "assistant_message")


def wait_for(condition, seconds, pause=0.02):
    """Whether the condition came to hold in that time."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return True
        except OSError:
            pass
        if time.monotonic() > end:
            return False
        time.sleep(pause)


def is_healthy(host):
    try:
        return host.client(timeout=5).get("/healthz").status == 200
    except OSError:
        return False


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(element in rest for element in part)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0
