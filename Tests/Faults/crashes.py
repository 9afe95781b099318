"""A worker crashes many times in a row, with quarantine and pauses switched off: afterwards the server's memory, descriptors and threads are
as before (reliability.md, promise 15)."""

import os
import tempfile
import time

from containment import answers_again, rogue
from harness import Host, Report, echo_plugins, is_healthy, percentile, wait_for

WAYS = ["crash", "abort", "exit 3", "overflow", "_exit", "kill"]
# What a server takes once, for good: caches of the store, buffers that have grown.
WARM_UP = 200
MEGABYTE = 1 << 20
MOST_MEMORY = 4 * MEGABYTE


def main(products, count=1_000):
    report = Report("crashes")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins = os.path.join(folder, "plugins")
        trusted = echo_plugins(plugins)
        rogue(plugins)
        host = Host(products, folder, plugins, trusted, {
            "AGENTHOST_QUARANTINE_CRASHES": "0", "AGENTHOST_RESTART_PAUSE_SECONDS": "0", "AGENTHOST_LOG_LEVEL": "error"})
        host.start()
        try:
            report.check(wait_for(lambda: is_healthy(host), 10), "the server is not healthy")
            figures = crash(host, report, count)
            report.check(host.is_running, "the server has ended")
            report.check(host.stop() == 0, "the server did not stop as asked")
        finally:
            if host.process and host.is_running:
                host.kill()
    return report.end(figures)


def used(host):
    wait_for(lambda: host.open_turns() == 0, 5)
    time.sleep(0.5)
    return host.memory, host.descriptors, host.threads, len(host.children)


def crash(host, report, count):
    pid, ends, returns = host.pid, [], []
    before = None
    for number in range(WARM_UP + count):
        if number == WARM_UP:
            before = used(host)
            ends, returns = [], []
        way = WAYS[number % len(WAYS)]
        began = time.monotonic()
        stream = host.client().create(way, "rogue").read_to_end()
        ends.append(time.monotonic() - began)
        report.check(stream.is_complete and stream.error and stream.error["code"] == "agent_crashed" and stream.error["allow_retry"],
                     lambda: f"crash {number}, {way}: ended with {stream.error}, answered {stream.answer!r}")
        returns.append(answers_again(host, report, f"crash {number}, {way}", "rogue"))
        if not host.is_running:
            break
    after = used(host)
    report.check(host.pid == pid and host.is_running, "the server has ended")
    report.check(after[0] <= before[0] + MOST_MEMORY, f"memory was {before[0] >> 10} KiB, is {after[0] >> 10} KiB")
    report.check(after[1:] == before[1:], f"descriptors, threads, workers were {before[1:]}, are {after[1:]}")
    report.check("Z" not in host.children.values(), f"zombies: {host.children}")
    return (f"{count} crashes after {WARM_UP}: memory {before[0] / MEGABYTE:.1f} and {after[0] / MEGABYTE:.1f} MiB, descriptors {before[1]} and "
            f"{after[1]}, threads {before[2]} and {after[2]}; a turn that crashes took ms p50 {percentile(ends, 0.5) * 1e3:.1f}, p99 "
            f"{percentile(ends, 0.99) * 1e3:.1f}; answered again after ms p50 {percentile(returns, 0.5) * 1e3:.1f}, p99 "
            f"{percentile(returns, 0.99) * 1e3:.1f}, most {max(returns) * 1e3:.1f}")
