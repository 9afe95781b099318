"""A worker dies in every phase of a turn: its turn ends with an error event that allows a retry, what was shown is kept, others go on,
the next turn works, and nothing is left behind (reliability.md, promise 15)."""

import glob
import os
import signal
import socket
import struct
import tempfile
import threading
import time

from harness import FIXTURES, Host, Report, bundle, echo_plugins, is_healthy, text_of, wait_for

# Phases and the text that was shown before it. None: the client leaves, and cannot be told.
PHASES = {
    "begin": "", "first": "shown ", "between": "shown 0 1 2 3 4 ", "done": "all of it", "kv": "shown ", "tool": "shown ",
    "half": "", "cancel": None,
}


def main(products, copies=20):
    report = Report("workers")
    figures = {"deaths": 0, "slowest": 0.0}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins, marks = os.path.join(folder, "plugins"), os.path.join(folder, "marks")
        os.makedirs(marks)
        trusted = echo_plugins(plugins)
        bundle(plugins, "ToolsC", os.path.join(FIXTURES, "ToolsC", "plugin.c"))
        # Many plugins die once each: one that dies again and again is started again later and later.
        identities = [f"dev.agenthost.fixture.mortal-{number}" for number in range(copies)]
        for number, identity in enumerate(identities):
            bundle(plugins, f"Mortal{number}", os.path.join(FIXTURES, "Mortal", "plugin.c"), identity, f"mortal-{number}",
                   [f'-DFIXTURE_MARKS="{marks}"'])
        # What tells them to die lies outside of their sandbox.
        host = Host(products, folder, plugins, trusted, {"AGENTHOST_SANDBOX_READ": marks})
        try:
            for word, shown in PHASES.items():
                with_host(host, report, word, lambda: all_at_once(
                    copies, lambda number: die(host, report, figures, word, shown, f"mortal-{number}")))
            with_host(host, report, "idle", lambda: kill_idle(host, report, figures, copies))
            for how in ("create", "load"):
                with_host(host, report, how, lambda: die_starting(host, report, figures, how, marks, identities))
            with_host(host, report, "tool of another", lambda: kill_tool(host, report, figures))
        finally:
            if host.process and host.is_running:
                host.kill()
    return report.end(
        f"{len(PHASES) + 4} phases with {copies} plugins, {figures['deaths']} deaths; slowest error event "
        f"{figures['slowest'] * 1e3:.0f} ms after the last that was heard")


def all_at_once(count, body):
    threads = [threading.Thread(target=body, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def with_host(host, report, phase, body):
    """Runs `body` beside turns of plugins that do not die, and looks for what it leaves behind."""
    host.start()
    report.check(wait_for(lambda: is_healthy(host), 10), f"{phase}: the server is not healthy")
    # Opens what is opened at first use: connections of the store's readers, too.
    all_at_once(12, lambda number: host.client().items(
        host.client().create("hello", ("echo-c", "echo-in")[number % 2]).read_to_end().thread))
    wait_for(lambda: host.open_turns() == 0, 2)
    before = (host.descriptors, host.threads, len(host.children))
    witnesses = [host.client().create("slow 60", agent) for agent in ("echo-c", "echo-in")]
    body()
    words = "".join(f"{number} " for number in range(60))
    for witness in witnesses:
        witness.read_to_end()
        report.check(witness.is_complete and witness.answer == words,
                     lambda: f"{phase}: a turn of another plugin ended with {witness.error}")

    def is_clean():
        children = host.children
        return (host.descriptors <= before[0] + 2 and host.threads <= before[1] + 2 and len(children) == before[2]
                and "Z" not in children.values() and host.open_turns() == 0)
    report.check(wait_for(is_clean, 8), lambda: (
        f"{phase}: descriptors, threads, workers were {before}, are {(host.descriptors, host.threads, host.children)}; "
        f"{host.open_turns()} turns open"))
    report.check(host.is_running, f"{phase}: the server has ended")
    report.check(host.stop() == 0, f"{phase}: the server did not stop as asked")


def die(host, report, figures, word, shown, agent):
    """One death, what comes of it, and the turn after it."""
    client = host.client()
    figures["deaths"] += 1
    if shown is None:
        return leave(host, client, report, agent)
    stream = client.create(word, agent).read_to_end()
    check_failed(report, figures, f"{word} {agent}", stream)
    report.check(stream.answer == shown, f"{word} {agent}: {stream.answer!r} was shown complete instead of {shown!r}")
    stored = client.items(stream.thread) or []
    report.check(stored == stream.done, f"{word} {agent}: {stream.done} was shown, {stored} is stored")
    works(client, report, f"{word} {agent}", stream.thread)


def check_failed(report, figures, name, stream):
    report.check(stream.status == 200 and stream.is_complete, f"{name}: answered {stream.status}, complete {stream.is_complete}")
    errors = [event for event in stream.events if event["type"] == "error"]
    report.check(len(errors) == 1 and errors[0]["code"] == "agent_crashed" and errors[0]["allow_retry"] is True,
                 f"{name}: ended with {errors}")
    report.check(not stream.shown, f"{name}: a message is left open")
    if len(stream.events) > 1:
        figures["slowest"] = max(figures["slowest"], stream.events[-1]["seen_at"] - stream.events[-2]["seen_at"])


def works(client, report, name, thread, patience=0.0):
    """The next message is answered at once (or, with patience, soon)."""
    end = time.monotonic() + patience
    while True:
        stream = client.add("and now", thread).read_to_end()
        if stream.answer == "and now" and not stream.error:
            return
        if time.monotonic() > end:
            return report.check(False, f"{name}: the next message was answered {stream.status} {stream.body[:200]} {stream.error}")
        time.sleep(0.1)


def deaths(host, agent):
    """How often its worker has died, as the log tells."""
    return sum(f'"plugin":"dev.agenthost.fixture.{agent}"' in line and "started again" in line for line in host.log.splitlines())


def leave(host, client, report, agent):
    before = deaths(host, agent)
    stream = client.create("cancel", agent)
    report.check(stream.read_deltas(5), f"cancel {agent}: said nothing")
    thread, shown = stream.thread, {name: "".join(text for _, text in deltas) for name, deltas in stream.shown.items()}
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()
    is_kept = lambda: any(text_of(item).startswith(shown.get(item["id"], "?")) for item in client.items(thread))
    report.check(wait_for(is_kept, 5), f"cancel {agent}: {shown} was shown and is not kept")
    # The worker dies when it is told of the cancel. A client cannot see that; the log does.
    report.check(wait_for(lambda: deaths(host, agent) > before, 5), f"cancel {agent}: its worker did not die")
    works(client, report, f"cancel {agent}", thread)


def kill_idle(host, report, figures, copies):
    """Between turns, from outside."""
    threads = [host.client().create("hello", f"mortal-{number}").read_to_end().thread for number in range(copies)]
    mortals = [pid for pid in host.children if is_mortal(pid)]
    report.check(len(mortals) == copies, f"idle: {len(mortals)} workers of {copies} found")
    for pid in mortals:
        os.kill(pid, signal.SIGKILL)
        figures["deaths"] += 1
    # A message that goes out before the death is noticed meets a worker that is gone.
    all_at_once(copies, lambda number: works(host.client(), report, f"idle mortal-{number}", threads[number], patience=3))


def is_mortal(pid):
    """Whether the library in that worker is a copy of Mortal: it was told the folder of its plugin."""
    with open(f"/proc/{pid}/cmdline") as file:
        folder = next(word.removeprefix("--folder=") for word in file.read().split("\0") if word.startswith("--folder="))
    for library in glob.glob(f"{glob.escape(folder)}/*.so"):
        with open(library, "rb") as file:
            if b"fixture.mortal-" in file.read():
                return True
    return False


def die_starting(host, report, figures, how, marks, identities):
    """After a death in a turn it dies in the next starts, too, until it is mended."""
    paths = [os.path.join(marks, identity) for identity in identities]
    for path in paths:
        with open(path, "w") as file:
            file.write(how)

    def one(number):
        name, client = f"{how} mortal-{number}", host.client()
        figures["deaths"] += 2
        stream = client.create("begin", f"mortal-{number}").read_to_end()
        check_failed(report, figures, name, stream)
        again = client.add("and now", stream.thread).read_to_end()
        error = again.error if again.status == 200 else again.json
        report.check(error and error.get("code") in ("agent_unavailable", "agent_crashed") and again.is_complete
                     and error.get("allow_retry", True), f"{name}: while it cannot start, a message is answered {error}")
        time.sleep(0.5)
        os.remove(paths[number])
        works(client, report, name, stream.thread, patience=5)

    all_at_once(len(identities), one)


def kill_tool(host, report, figures):
    """The worker of a tool dies during the call: that is a result for the model, and the turn goes on."""
    for _ in range(3):
        figures["deaths"] += 1
        stream = host.client().create("call crash_tool {}", "tools-c").read_to_end()
        # The same plugin brings the model, so the turn may end with it.
        report.check(stream.is_complete and (stream.error is None or stream.error["allow_retry"]),
                     f"tool of another: ended with {stream.error}")
        end = time.monotonic() + 4
        while host.client().create("hello", "tools-c").read_to_end().error and time.monotonic() < end:
            time.sleep(0.1)
        stream = host.client().create("tool crash_tool {}", "echo-c").read_to_end()
        figures["deaths"] += 1
        report.check(stream.is_complete and not stream.error and "error" in stream.answer,
                     f"tool of another: the caller ended with {stream.error}, {stream.answer!r}")
        end = time.monotonic() + 4
        while host.client().create("hello", "tools-c").read_to_end().error and time.monotonic() < end:
            time.sleep(0.1)
    stream = host.client().create('tool add {"a": 1, "b": 2}', "echo-c").read_to_end()
    report.check("3" in stream.answer, f"tool of another: the tool does not work again: {stream.answer!r} {stream.error}")
