"""Upgrades under load: good, broken and crashing versions of one plugin, mixed, while 100 turns run at a time.

No turn may fail or be lost but those that were on a crashing version; each turn is answered by one version from its first word to its tool.
"""

import json
import os
import random
import re
import shutil
import socket
import tempfile
import threading
import time

import harness

PLUGIN = "dev.agenthost.fixture.version-c"
TOKEN = "the-operator"
SOURCE = os.path.join(harness.FIXTURES, "VersionC")
# What is built, and how often each is taken.
GOOD, FLAWS = ["1", "2", "3", "4", "5"], {
    "91": "FLAW_CREATE_FAILS", "92": "FLAW_CREATE_CRASHES", "93": "FLAW_SICK", "94": "FLAW_REFUSES_STATE", "99": "FLAW_CRASHES"}
ANSWER = re.compile(r'^(?:v(\d+) )+tool="(\d+)" before=\d+$')


def build(folder):
    """The library of each version, by label."""
    libraries = {}
    for label in GOOD + list(FLAWS):
        libraries[label] = os.path.join(folder, f"lib{label}.so")
        flags = [f'-DLABEL="{label}"'] + ([f"-D{FLAWS[label]}"] if label in FLAWS else [])
        harness.subprocess.run(
            ["cc", "-std=c11", "-O1", "-g", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread", f"-I{harness.HEADERS}", *flags,
             "-o", libraries[label], os.path.join(SOURCE, "plugin.c")], check=True)
    with open(os.path.join(SOURCE, "plugin.json")) as file:
        return libraries, file.read()


class Operator:
    """Installs versions and asks how it went."""

    def __init__(self, host, plugins, libraries, manifest):
        self.host, self.plugins, self.libraries, self.manifest = host, plugins, libraries, manifest
        self.count = 0

    def bundle(self, path, label):
        """A bundle of that version whose content nobody has had before."""
        os.makedirs(path)
        shutil.copyfile(self.libraries[label], os.path.join(path, "libVersionC.so"))
        with open(os.path.join(path, "plugin.json"), "w") as file:
            file.write(self.manifest.replace("LABEL", label))
        with open(os.path.join(path, "number"), "w") as file:
            file.write(str(self.count))

    def install(self, label):
        """Answers the status and what the host said."""
        self.count += 1
        staged = f".{self.count}-VersionC.agentplugin"
        self.bundle(os.path.join(self.plugins, staged), label)
        return self.request("POST", "/admin/plugins", {"staged": staged, "name": "VersionC.agentplugin"})

    def status(self):
        return self.request("GET", f"/admin/plugins/{PLUGIN}", None)[1]

    def request(self, method, path, body):
        body = b"" if body is None else json.dumps(body).encode()
        with socket.create_connection(("127.0.0.1", self.host.port), 60) as connection:
            connection.sendall(
                f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


class Load:
    """Clients that talk to the agent again and again."""

    def __init__(self, host, report, clients):
        self.host, self.report = host, report
        self.turns = self.on_crashing = 0
        self.lock = threading.Lock()
        self.crashing = []  # spans in which a crashing version may have had turns
        self.is_over = False
        self.threads = [threading.Thread(target=self.talk, args=(number,)) for number in range(clients)]

    def talk(self, number):
        client = self.host.client(f"u{number}", timeout=60)
        thread = None
        chance = random.Random(number)
        while not self.is_over:
            text, began = str(chance.randint(1, 30)), time.monotonic()
            stream = client.add(text, thread) if thread else client.create(text, "version-c")
            stream.read_to_end()
            thread = None if chance.random() < 0.1 else thread or stream.thread
            self.judge(stream, int(text), began)

    def judge(self, stream, words, began):
        shown = stream.answer or "".join(delta for deltas in stream.shown.values() for _, delta in deltas)
        with self.lock:
            self.turns += 1
            was_crashing = any(began < end and time.monotonic() > begin for begin, end in self.crashing)
            if stream.error and was_crashing and ("v99" in shown or not shown):
                self.on_crashing += 1
                return
        match = ANSWER.match(stream.answer)
        versions = set(re.findall(r"v(\d+) ", stream.answer))
        self.report.check(
            stream.status == 200 and stream.is_complete and not stream.error and match and versions == {match.group(2)}
            and stream.answer.count("v") == words,
            lambda: f"a turn failed: status {stream.status}, error {stream.error}, answer {stream.answer!r}, {words} words")


def main(products, rounds=60, clients=100, seed=1):
    report = harness.Report("upgrades")
    folder = tempfile.mkdtemp(prefix="agenthost-upgrades-")
    plugins = os.path.join(folder, "plugins")
    os.makedirs(plugins)
    host = None
    try:
        libraries, manifest = build(folder)
        host = harness.Host(products, folder, plugins, environment={"CHATKIT_ADMIN_TOKEN": TOKEN})
        operator = Operator(host, plugins, libraries, manifest)
        operator.bundle(os.path.join(plugins, "VersionC.agentplugin"), "1")
        host.start()
        figures = upgrade(host, operator, report, rounds, clients, random.Random(seed))
        return report.end(figures)
    finally:
        if host and host.process and host.is_running:
            host.stop()
        shutil.rmtree(folder, ignore_errors=True)


def upgrade(host, operator, report, rounds, clients, chance):
    load = Load(host, report, clients)
    for thread in load.threads:
        thread.start()
    counts, took = {}, []
    try:
        for _ in range(rounds):
            kind = chance.choices(["good"] + list(FLAWS), [6, 1, 1, 1, 1, 2])[0]
            label = chance.choice(GOOD) if kind == "good" else kind
            counts[FLAWS.get(label, "good")] = counts.get(FLAWS.get(label, "good"), 0) + 1
            before = operator.status().get("generation")
            if label == "99":
                with load.lock:
                    load.crashing.append([time.monotonic(), float("inf")])
            began = time.monotonic()
            status, answer = operator.install(label)
            if label in ("91", "92", "93", "94"):
                report.check(status == 422, lambda: f"{FLAWS[label]} was answered {status}: {answer}")
                report.check(
                    operator.status().get("generation") == before, lambda: f"{FLAWS[label]} changed what serves: {answer}")
                continue
            report.check(status == 200, lambda: f"installing {label} was answered {status}: {answer}")
            took.append(time.monotonic() - began)
            if label == "99":
                returned = harness.wait_for(lambda: operator.status().get("generation") == before, 20)
                report.check(returned, lambda: f"no return from a crashing version: {operator.status()}")
                time.sleep(1.0)  # its last turns
                with load.lock:
                    load.crashing[-1][1] = time.monotonic()
            report.check(host.is_running, "the host is gone")
    finally:
        load.is_over = True
        for thread in load.threads:
            thread.join()
    workers = len(host.children)
    report.check(workers <= 12, f"{workers} workers are left: one serves, one stands by, others drain for 30 s at most")
    took.sort()
    return (
        f"{sum(counts.values())} upgrades ({', '.join(f'{n} {k}' for k, n in sorted(counts.items()))}) under {clients} clients: "
        f"{load.turns} turns, {load.on_crashing} failed on a crashing version, {len(report.wrong)} others; install p50 "
        f"{took[len(took) // 2] * 1000:.0f} ms, most {took[-1] * 1000:.0f} ms; {workers} workers, "
        f"{host.descriptors} descriptors, {host.memory >> 20} MB")
