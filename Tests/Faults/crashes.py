"""A worker dies a thousand times in a row, with quarantine and back-off off: the host's memory, descriptors and threads are as before,
each turn ends with one error event soon after the death, the worker is back at once, and others notice nothing (reliability.md, promise 15)."""

import os
import tempfile
import time

from harness import FIXTURES, Host, Report, bundle, echo_plugins, is_healthy, percentile, wait_for
from load import Load, p99

DEEDS = ["segv", "abort", "exit", "overflow", "_exit0", "kill"]
WARM_UP = 60
MOST_GROWTH = 4 << 20


def main(products, crashes=1000):
    report = Report("crashes")
    figures = {"again": [], "error": []}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins = os.path.join(folder, "plugins")
        trusted = echo_plugins(plugins)
        bundle(plugins, "Villain", os.path.join(FIXTURES, "Villain", "plugin.c"))
        host = Host(products, folder, plugins, trusted, environment={
            "AGENTHOST_QUARANTINE_CRASHES": "0", "AGENTHOST_RESTART_PAUSE_SECONDS": "0"}).start()
        try:
            report.check(wait_for(lambda: is_healthy(host), 10), "the server is not healthy")
            pid = host.pid
            quiet = busy(host, report, lambda: time.sleep(4))
            die(host, report, {"again": [], "error": []}, WARM_UP)
            before = usage(host)
            meanwhile = busy(host, report, lambda: die(host, report, figures, crashes))
            # Threads without work end after 10 s.
            wait_for(lambda: usage(host)["threads"] <= before["threads"], 15)
            after = usage(host)
            report.check(host.is_running and host.pid == pid, "the server has ended")
            report.check(abs(after["descriptors"] - before["descriptors"]) <= 2, f"descriptors were {before}, are {after}")
            report.check(abs(after["threads"] - before["threads"]) <= 2, f"threads were {before}, are {after}")
            report.check(after["memory"] - before["memory"] <= MOST_GROWTH, f"memory was {before}, is {after}")
            report.check(len(host.children) == 2 and "Z" not in host.children.values(), f"children: {host.children}")
            report.check(host.stop() == 0, "the server did not stop as asked")
        finally:
            if host.process and host.is_running:
                host.kill()
    again, error = ([seconds * 1e3 for seconds in figures[key]] for key in ("again", "error"))
    return report.end(
        f"{crashes} crashes; memory {before['memory'] / 2**20:.1f} → {after['memory'] / 2**20:.1f} MiB, descriptors {before['descriptors']} → "
        f"{after['descriptors']}, threads {before['threads']} → {after['threads']}; error event {percentile(error, 0.5):.1f} ms (p50), "
        f"{percentile(error, 0.99):.1f} ms (p99) after the message; death to the next answer {percentile(again, 0.5):.1f} ms (p50), "
        f"{percentile(again, 0.99):.1f} ms (p99), {max(again):.1f} ms (most); others' p99 {quiet * 1e3:.1f} ms before, {meanwhile * 1e3:.1f} ms meanwhile")


def usage(host):
    """What the host uses while nothing runs."""
    time.sleep(1)
    return {"memory": host.memory, "descriptors": host.descriptors, "threads": host.threads}


def busy(host, report, body):
    """Runs `body` beside turns of other plugins; answers their p99 in seconds."""
    load = Load(host, report, ("echo-c", "echo-in"), clients=2)
    body()
    load.stop()
    return p99([seconds for _, seconds in load.samples])


def die(host, report, figures, count):
    """Deaths one after the other, each followed by a message that is answered."""
    client = host.client()
    for number in range(count):
        deed = DEEDS[number % len(DEEDS)]
        began = time.monotonic()
        stream = client.create(deed, "villain").read_to_end()
        errors = [event for event in stream.events if event["type"] == "error"]
        report.check(stream.is_complete and len(errors) == 1 and errors[0]["code"] == "agent_crashed" and errors[0]["allow_retry"] is True,
                     lambda: f"{number} {deed}: ended with {stream.status} {errors}")
        died = time.monotonic()
        figures["error"].append(died - began)
        after = client.add("and now", stream.thread).read_to_end()
        figures["again"].append(time.monotonic() - died)
        report.check(after.answer == "and now" and not after.error, lambda: f"{number} {deed}: the next message ended with {after.error}")
