"""The disk of the database is full, or fails: clients are told, nothing that was acknowledged is lost, and all works again by itself
(reliability.md, promise 6)."""

import errno
import mmap
import os
import random
import struct
import subprocess
import tempfile
import threading
import time

from harness import Host, Report, echo_plugins, is_healthy, wait_for
from ledger import Ledger, check_thread

WRITE, SYNC, READ, OPEN, TRUNCATE = 1, 2, 4, 8, 16
MAIN, WAL, SHM = 1, 2, 4
ALL = MAIN | WAL | SHM
ROUNDS = 3
FAULT_SECONDS = 1.2
RECOVERY_SECONDS = 5

# Name, calls, errno, files, each or each third call, writes half first, whether no write can succeed meanwhile
FAULTS = [
    ("no space", WRITE, errno.ENOSPC, ALL, 1, 0, True),
    ("no space in mid-write", WRITE, errno.ENOSPC, ALL, 1, 1, True),
    ("write errors", WRITE, errno.EIO, ALL, 1, 0, True),
    ("each third write fails", WRITE, errno.EIO, ALL, 3, 0, False),
    ("checkpoints fail", WRITE | SYNC | TRUNCATE, errno.EIO, MAIN, 1, 0, False),
    ("fsync fails", SYNC, errno.EIO, ALL, 1, 0, True),
    ("each third fsync fails", SYNC, errno.EIO, ALL, 3, 0, False),
    ("read errors", READ, errno.EIO, ALL, 1, 0, False),
    ("read errors in the log", READ, errno.EIO, WAL, 1, 0, False),
    ("no descriptors to open it again", WRITE | READ | OPEN, errno.EMFILE, ALL, 1, 0, True),
]


class Switch:
    """The page that the shim in the server looks at."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "control")
        with open(self.path, "wb") as file:
            file.write(bytes(4096))
        with open(self.path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)

    def set(self, calls=0, error=0, files=0, every=1, part=0):
        self.page[4:20] = struct.pack("4i", error, files, every, part)
        self.page[20:28] = struct.pack("2i", 0, 0)
        self.page[0:4] = struct.pack("i", calls)

    def clear(self):
        """Ends the fault; answers how many calls have failed."""
        self.page[0:4] = struct.pack("i", 0)
        return struct.unpack("i", self.page[24:28])[0]


class Load:
    """Clients that say something again and again, each in threads of its own, and judge how they are answered."""

    def __init__(self, host, ledger, report, counts, tag, words):
        self.host, self.ledger, self.report, self.counts, self.tag = host, ledger, report, counts, tag
        self.words = words
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.talk, args=(index,), daemon=True) for index in range(4)]
        self.threads += [threading.Thread(target=self.read, daemon=True), threading.Thread(target=self.probe, daemon=True)]
        self.refused_threads = []
        self.unhealthy = 0
        self.accepted = 0
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def talk(self, index):
        client, thread, number = self.host.client(timeout=20), None, 0
        agent = ("echo-c", "echo-in")[index % 2]
        while not self.stopped.is_set():
            number += 1
            said = f"{random.choice(self.words)} {self.tag}c{index}n{number}"
            stream = client.add(said, thread) if thread else client.create(said, agent)
            if self.judge(stream.read_to_end(), said):
                self.accepted += 1
            elif stream.status == 200:
                self.refused_threads.append((thread or stream.thread))
            if stream.status == 200:
                self.ledger.note(thread, agent, said, stream)
                thread = (thread or stream.thread) if random.random() < 0.7 else None
            time.sleep(0.01)

    def judge(self, stream, said):
        """Whether the turn went well; a fault is to be told in one of two ways."""
        check = self.report.check
        if stream.status != 200:
            self.counts["refused"] += 1
            check(stream.status == 503 and stream.json.get("code") == "storage_error" and stream.is_complete,
                  lambda: f"{self.tag}: {said!r} was answered {stream.status} {stream.body[:300]!r}")
            return False
        check(stream.is_complete, lambda: f"{self.tag}: the stream of {said!r} was cut after {len(stream.events)} events")
        if stream.error:
            self.counts["error events"] += 1
            check(stream.error["code"] == "storage_error" and stream.error["allow_retry"],
                  lambda: f"{self.tag}: {said!r} ended with {stream.error}")
            return False
        self.counts["went well"] += 1
        check(not stream.shown, lambda: f"{self.tag}: {said!r} ended without an error and with an open message")
        return True

    def read(self):
        client = self.host.client(timeout=20)
        while not self.stopped.is_set():
            thread = self.ledger.some_thread(random)
            params = {"thread_id": thread, "limit": 20, "order": "asc"} if thread else {"limit": 20}
            answer = client.open("items.list" if thread else "threads.list", params).read_to_end()
            self.report.check(
                answer.status == 200 or (answer.status == 503 and answer.json.get("code") == "storage_error"),
                lambda: f"{self.tag}: a list was answered {answer.status} {answer.body[:300]!r}")
            time.sleep(0.01)

    def probe(self):
        client = self.host.client(timeout=20)
        while not self.stopped.is_set():
            began = time.monotonic()
            health, live = client.get("/healthz"), client.get("/live")
            self.report.check(live.status == 200, f"{self.tag}: /live answers {live.status}")
            self.report.check(health.status in (200, 503) and health.json.get("status") in ("ok", "unavailable"),
                              lambda: f"{self.tag}: /healthz answers {health.status} {health.body!r}")
            self.report.check(time.monotonic() - began < 3, f"{self.tag}: the probes took over 3 s")
            self.unhealthy += health.status == 503
            time.sleep(0.03)


def main(products):
    report = Report("disk")
    counts = dict.fromkeys(["went well", "refused", "error events", "rounds", "calls failed"], 0)
    recoveries = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins, shim = os.path.join(folder, "plugins"), os.path.join(folder, "shim.so")
        trusted = echo_plugins(plugins)
        subprocess.run(
            [os.environ.get("CC", "cc"), "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", shim,
             os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim.c"), "-ldl"], check=True)
        switch = Switch(folder)
        host = Host(products, folder, plugins, trusted)
        host.environment = {
            "LD_PRELOAD": shim, "FAULTS_CONTROL": switch.path, "FAULTS_DATABASE": host.database, "AGENTHOST_LOG_LEVEL": "warn"}
        ledger = Ledger()
        host.start()
        try:
            for name, calls, error, files, every, part, stops_writes in FAULTS:
                # Checkpoints come after 16 MB of log.
                words = ["big"] if files == MAIN else ["hello", "slow 8", "wf", "kv"]
                for number in range(ROUNDS):
                    fault = lambda: switch.set(calls, error, files, every, part)
                    failed = one_round(host, ledger, report, counts, recoveries, f"{name} {number}", words, stops_writes,
                                       fault, switch.clear)
                    counts["calls failed"] += failed
                    # Each third call may spare the few that a round makes.
                    report.check(failed > 0 or every > 1, f"{name} {number}: no call has failed, so nothing was tested")
                restart(host, ledger, report, name)
            report.check(host.stop() == 0, "the server did not stop as asked")
            stop_while_failing(host, switch, report)
            full_disk(products, folder, plugins, trusted, report, counts, recoveries)
        finally:
            if host.is_running:
                host.kill()
    return report.end(
        f"{len(FAULTS)} kinds and a full tmpfs, {counts['rounds']} rounds, {counts['calls failed']} calls failed; turns "
        f"{counts['went well']} well, {counts['refused']} refused with 503, {counts['error events']} ended by an error event; "
        f"works again after {max(recoveries) * 1e3:.0f} ms at most")


def one_round(host, ledger, report, counts, recoveries, tag, words, stops_writes, fault, mend):
    """The fault comes while turns run, stays a while and goes. Answers what `mend` does."""
    counts["rounds"] += 1
    load = Load(host, ledger, report, counts, tag, words)
    # Runs when the fault comes and when it has gone: at the end it is told, or stored.
    long = [host.client().create(f"slow {count} {tag}", agent) for count in (40, 110) for agent in ("echo-c", "echo-in")]
    time.sleep(0.3)
    fault()
    time.sleep(FAULT_SECONDS / 4)
    settled = load.accepted
    time.sleep(FAULT_SECONDS * 3 / 4)
    during = load.accepted - settled
    result = mend()
    began = time.monotonic()
    if stops_writes:
        report.check(during == 0, f"{tag}: {during} turns were acknowledged while nothing could be written")
        report.check(load.unhealthy > 0, f"{tag}: /healthz never said that nothing could be written")
    load.stop()
    report.check(host.is_running, f"{tag}: the server has ended: {host.process.poll()}")
    works = lambda: is_healthy(host) and host.client().create("hello", "echo-c").read_to_end().answer == "hello"
    report.check(wait_for(works, RECOVERY_SECONDS), f"{tag}: does not work {RECOVERY_SECONDS} s after the fault")
    recoveries.append(time.monotonic() - began)
    for thread in set(load.refused_threads[-3:]):
        stream = host.client().add("once more", thread).read_to_end()
        report.check("once more" in stream.answer and not stream.error,
                     lambda: f"{tag}: a thread whose turn failed answers {stream.status} {stream.body[:200]!r} {stream.error}")
        ledger.note(thread, None, "once more", stream)
    for stream in long:
        stream.read_to_end()
        report.check(stream.status in (200, 503), f"{tag}: a long turn was answered {stream.status}")
        if stream.status == 200:
            ledger.note(None, "echo-c", "long", stream)
            if not load.judge(stream, "a long turn"):
                retry(host, ledger, report, tag, stream)
    report.check(wait_for(lambda: host.open_turns() == 0, RECOVERY_SECONDS), f"{tag}: turns stay open in the database")
    return result


def retry(host, ledger, report, tag, stream):
    """The error event allowed it, and the fault is over."""
    client, user = host.client(), next(item for item in stream.done if item["type"] == "user_message")
    again = client.open("threads.retry_after_item", {"thread_id": stream.thread, "item_id": user["id"]}).read_to_end()
    report.check(again.status == 200 and again.is_complete and not again.error and again.answer,
                 lambda: f"{tag}: a retry was answered {again.status} {again.body[:200]!r} {again.error}")
    ledger.note(stream.thread, None, "retry", again)


def stop_while_failing(host, switch, report):
    """SIGTERM while nothing can be written: what runs is ended with an error event, and the server ends in time."""
    host.environment["AGENTHOST_DRAIN_SECONDS"] = "1"
    for name, calls, error, files, every, part, stops_writes in FAULTS:
        if not stops_writes:
            continue
        host.start()
        streams = [host.client().create("slow 500", agent) for agent in ("echo-c", "echo-in")]
        for stream in streams:
            report.check(stream.read_deltas(2), f"stop, {name}: a stream said nothing")
        switch.set(calls, error, files, every, part)
        time.sleep(0.3)
        began = time.monotonic()
        status = host.stop()
        switch.clear()
        # One second to drain, two for turns to store what they said, and one to end.
        report.check(status == 0 and time.monotonic() - began < 4,
                     f"stop, {name}: ended with {status} after {time.monotonic() - began:.1f} s")
        for stream in streams:
            stream.read_to_end()
            report.check(stream.is_complete and stream.error and stream.error["allow_retry"],
                         lambda: f"stop, {name}: a stream ended with {stream.error}, complete {stream.is_complete}")


def restart(host, ledger, report, tag):
    """After kill -9 everything that was acknowledged is there."""
    host.kill()
    database, verdict = host.copy_of_database()
    database.close()
    report.check(verdict == "ok", f"{tag}: integrity_check: {verdict}")
    host.start()
    report.check(wait_for(lambda: is_healthy(host), 10), f"{tag}: not healthy after the restart")
    figures = dict.fromkeys(["lost", "doubled", "shown", "kept", "must"], 0)
    client = host.client()
    ledger.shown.clear()
    for thread in ledger.touched:
        check_thread(client, ledger, report, figures, thread, {})
    ledger.touched = set()


def start_on_full_disk(host, report, fill):
    """After a power cut the log of writes has to be recovered, and there is no room for its index: the server says so and ends."""
    host.kill()
    os.remove(host.database + "-shm")
    fill()
    process = host.spawn(subprocess.PIPE)
    try:
        errors = process.communicate(timeout=20)[1].decode()
    except subprocess.TimeoutExpired:
        process.kill()
        errors = "it did not end in 20 s" + process.communicate()[1].decode()
    report.check(process.returncode == 1 and host.database in errors,
                 lambda: f"a start on a full disk ends with {process.returncode} and says {errors[-500:]!r}")


def full_disk(products, folder, plugins, trusted, report, counts, recoveries):
    """A file system of 32 MB that is really full, with the server's log on it, too."""
    home = os.path.join(folder, "full")
    host = Host(products, home, plugins, trusted, {"AGENTHOST_LOG_LEVEL": "info"})
    data = os.path.dirname(host.database)
    host.log_path = os.path.join(data, "log")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", data], stderr=subprocess.DEVNULL)
    if mounted.returncode:
        print("faults disk: no right to mount a tmpfs here, so the full disk was left out", flush=True)
        return
    filler, ledger = os.path.join(data, "filler"), Ledger()

    def fill():
        with open(filler, "ab", buffering=0) as file:
            for size in (1 << 16, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    try:
        host.start()
        for number in range(ROUNDS):
            before = counts["refused"] + counts["error events"]
            one_round(host, ledger, report, counts, recoveries, f"full disk {number}", ["hello", "slow 8", "wf"], False, fill,
                      lambda: os.remove(filler))
            report.check(counts["refused"] + counts["error events"] > before, f"full disk {number}: nothing was refused")
        start_on_full_disk(host, report, fill)
        os.remove(filler)
        host.start()
        restart(host, ledger, report, "full disk")
    finally:
        if host.process and host.is_running:
            host.kill()
        subprocess.run(["umount", "-l", data], check=True)
