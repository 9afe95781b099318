"""The server runs out of descriptors: streams that are open go on, new connections are closed or wait, no processor time is burnt,
a worker that dies meanwhile comes back afterwards (reliability.md, promise 6 and section 3 A)."""

import os
import signal
import socket
import tempfile
import time

from harness import FIXTURES, Host, Report, bundle, echo_plugins, is_healthy, wait_for

LIMIT = 160
STREAMS = 24
ROUNDS = 3
AGENTS = ("echo-c", "echo-in", "mortal")
# Of one core: 24 streams of 50 deltas a second go on.
MOST_CPU = 0.25
RECOVERY_SECONDS = 5


def main(products):
    report = Report("descriptors")
    figures = {"cut": 0, "held": 0, "told": 0, "streams": 0, "cpu": 0.0, "recovery": 0.0}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins = f"{folder}/plugins"
        trusted = echo_plugins(plugins) + ["dev.agenthost.fixture.mortal"]
        bundle(plugins, "Mortal", os.path.join(FIXTURES, "Mortal", "plugin.c"))
        host = Host(products, folder, plugins, trusted, limit=LIMIT).start()
        try:
            for agent in AGENTS * 4:
                host.client().create("hello", agent).read_to_end()
            for idle in (True, False):
                for number in range(ROUNDS):
                    # The last time long enough for many vain attempts to start the worker again.
                    seconds = 14 if number == ROUNDS - 1 and not idle else 2
                    one_round(host, report, figures, idle, seconds, f"{'idle' if idle else 'busy'} {number}")
            lines = host.log.count("no descriptors left")
            report.check(0 < lines <= 60, f"the log says {lines} times that descriptors were missing")
            report.check(host.stop() == 0, "the server did not stop as asked")
        finally:
            if host.is_running:
                host.kill()
    return report.end(
        f"limit {LIMIT}, {2 * ROUNDS} rounds, {figures['streams']} streams went on; of the crowd {figures['held']} were served, "
        f"{figures['told']} told, {figures['cut']} closed; at most {figures['cpu'] * 100:.0f} % of a core meanwhile, works again after "
        f"{figures['recovery'] * 1e3:.0f} ms at most")


def one_round(host, report, figures, idle, seconds, tag):
    """Fills the table with connections that say nothing, or with turns; then lets go of them."""
    before = host.descriptors
    streams = [host.client().create("slow 2000", ("echo-c", "echo-in")[number % 2]) for number in range(STREAMS)]
    for stream in streams:
        report.check(stream.read_deltas(1), f"{tag}: a stream before the crowd was answered {stream.status}")
    crowd = []
    for _ in range(LIMIT):
        try:
            crowd.append(socket.create_connection(("127.0.0.1", host.port), 5) if idle else host.client().create("still", "mortal"))
        except OSError:
            figures["cut"] += 1
    report.check(wait_for(lambda: host.descriptors >= LIMIT - 8, 3), f"{tag}: only {host.descriptors} descriptors are in use")
    if seconds > 2:
        for pid in host.children:
            os.kill(pid, signal.SIGKILL)
    follow(host, report, figures, streams, crowd, seconds, tag)
    if seconds > 2:
        report.check(not host.children, f"{tag}: the worker has found descriptors, so nothing was tested")
    for stream in streams:
        stream.close()
    for connection in crowd:
        if not idle:
            look_at(report, figures, tag, connection)
        connection.close()
    began = time.monotonic()
    works = lambda: is_healthy(host) and all(
        host.client().create("hello", agent).read_to_end().answer == "hello" for agent in AGENTS)
    report.check(wait_for(works, RECOVERY_SECONDS), f"{tag}: does not work {RECOVERY_SECONDS} s after the crowd has left")
    figures["recovery"] = max(figures["recovery"], time.monotonic() - began)
    wait_for(works, 30)
    report.check(wait_for(lambda: host.descriptors <= before + 5, 8), lambda: f"{tag}: {host.descriptors} descriptors instead of {before}")
    report.check(wait_for(lambda: host.open_turns() == 0, 5), f"{tag}: turns stay open")
    report.check(host.is_running, f"{tag}: the server has ended")


def follow(host, report, figures, streams, crowd, seconds, tag):
    """Reads along; the streams that were there before lose nothing, and nothing spins."""
    used, began = host.cpu_seconds, time.monotonic()
    heard = [len(stream.events) for stream in streams]
    while time.monotonic() - began < seconds:
        if seconds > 2:
            # What the dead leave is taken by others at once.
            crowd += [host.client().create("still", "mortal") for _ in range(4)]
        for stream in streams:
            if stream.is_readable:
                stream.pump()
        time.sleep(0.05)
    cpu = (host.cpu_seconds - used) / (time.monotonic() - began)
    figures["cpu"] = max(figures["cpu"], cpu)
    report.check(cpu < MOST_CPU, f"{tag}: {cpu * 100:.0f} % of a core are used while nothing can be accepted")
    for index, stream in enumerate(streams[:STREAMS]):
        died = seconds > 2 and index % 2 == 0
        figures["streams"] += not died
        report.check((stream.error and stream.error["code"] == "agent_crashed" and stream.is_complete) if died
                     else not stream.is_over and not stream.error and len(stream.events) > heard[index] + 30 * seconds,
                     lambda: f"{tag}: a stream stopped: {len(stream.events) - heard[index]} events in {seconds} s, {stream.error}")


def look_at(report, figures, tag, stream):
    """One of the crowd was served, told to come back, or closed without a word; never cut in the middle."""
    while stream.is_readable:
        stream.pump()
    if stream.status == 0:
        figures["cut"] += 1
    elif stream.status == 200:
        figures["held"] += 1
        report.check(not stream.is_over, f"{tag}: one of the crowd was cut: {stream.error}")
    else:
        figures["told"] += 1
        report.check(stream.status == 503 and stream.json.get("code") in ("storage_error", "agent_unavailable"),
                     lambda: f"{tag}: one of the crowd was answered {stream.status} {stream.body[:200]!r}")
