"""Clients that harm: they never read, drip a byte a second, or leave in mid-stream; the others do not notice and nothing is left behind
(reliability.md, promises 10, 11 and 13)."""

import os
import resource
import select
import socket
import struct
import tempfile
import threading
import time

from harness import FIXTURES, Host, Report, bundle, echo_plugins, is_healthy, message, percentile, wait_for

MEGABYTE = 1 << 20
FLOODED = 16
# Above the memory before, of the server and its workers, for each client that never reads. `flood` rests when it is told to. `deaf` is
# ended when it is 4 MiB ahead: then its text is on the way to the client and to the disk at once, in several copies.
FLOOD_LIMITS = {"flood": 4 * MEGABYTE, "deaf": 20 * MEGABYTE}
STREAMS = 1_000
DRIPPING = 20
# HTTPServerConfiguration: `headDeadline`; `bodyDeadline` and the size at 16 KiB a second.
HEAD_SECONDS, BODY_SECONDS = 10, 30


def main(products):
    report = Report("clients")
    said = []
    # 1,000 clients in this process, and the server's side of them.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins = os.path.join(folder, "plugins")
        source, inside = os.path.join(FIXTURES, "Mortal", "plugin.c"), "dev.agenthost.fixture.mortal-in"
        trusted = echo_plugins(plugins) + [inside]
        bundle(plugins, "Mortal", source)
        bundle(plugins, "MortalIn", source, inside, "mortal-in")
        host = Host(products, folder, plugins, trusted, {"AGENTHOST_LOG_LEVEL": "warn"})
        try:
            for part in (*floods(), leave, drip):
                host.start()
                report.check(wait_for(lambda: is_healthy(host), 10), "the server is not healthy")
                said.append(part(host, report))
                report.check(host.is_running, f"{said[-1]}: the server has ended")
                report.check(host.stop() == 0, f"{said[-1]}: the server did not stop as asked")
        finally:
            if host.process and host.is_running:
                host.kill()
    return report.end("; ".join(said))


def turn_seconds(host):
    """How long a short turn takes, start to end, in a worker and in process."""
    began = time.monotonic()
    for agent in ("echo-c", "echo-in"):
        if host.client().create("hello", agent).read_to_end().answer != "hello":
            return float("inf")
    return (time.monotonic() - began) / 2


def memory_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))


def floods():
    """Each on a fresh server: memory that one has left behind would hide what the next one takes."""
    return [lambda host, report, word=word, agent=agent: flood(host, report, word, agent)
            for agent in ("mortal", "mortal-in") for word in FLOOD_LIMITS]


def flood(host, report, word, agent):
    """Agents that write without end for clients that never read."""
    name = f"{word} {agent}"
    for _ in range(5):
        turn_seconds(host)
    before, descriptors = host.memory + sum(map(memory_of, host.children)), host.descriptors
    # What the client's kernel takes in has left the server, but the agent was allowed to say so much more.
    streams = [host.client(receive_buffer=4096).create(word, agent) for _ in range(FLOODED)]
    most, slow = 0, 0.0
    end = time.monotonic() + 5
    while time.monotonic() < end:
        most = max(most, host.memory + sum(map(memory_of, host.children)))
        slow = max(slow, turn_seconds(host))
    each = max(0, most - before) / FLOODED
    limit = FLOOD_LIMITS[word]
    report.check(each <= limit, f"{name}: a client that never reads costs {each / MEGABYTE:.1f} MiB, more than {limit / MEGABYTE:.0f}")
    report.check(slow < 2, f"{name}: meanwhile a turn of another client took {slow:.1f} s")
    if word == "deaf":
        for stream in streams:
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MEGABYTE)
            stream.read_to_end()
            report.check(stream.is_complete and stream.error and stream.error["code"] == "output_limit" and not stream.shown,
                         lambda: f"{name}: ended with {stream.error}, complete {stream.is_complete}")
    for stream in streams:
        stream.close()
    report.check(wait_for(lambda: host.open_turns() == 0 and host.descriptors <= descriptors + 5, 8),
                 lambda: f"{name}: {host.open_turns()} turns stay open, {host.descriptors} descriptors instead of {descriptors}")
    return f"{FLOODED} clients that never read {name}: {each / MEGABYTE:.2f} MiB each"


def leave(host, report):
    """1,000 that disconnect in mid-stream, and once more."""
    fill_caches(host)
    storm(host, report, "warm-up", 50)
    before = (host.descriptors, host.threads)
    after = []
    for number in range(2):
        kept = storm(host, report, f"storm {number}", STREAMS)
        gone = lambda: host.descriptors <= before[0] + 5 and host.threads <= before[1] + 4 and host.open_turns() == 0
        report.check(wait_for(gone, 10), lambda: (
            f"storm {number}: descriptors and threads were {before}, are {(host.descriptors, host.threads)}; "
            f"{host.open_turns()} turns open"))
        time.sleep(2)  # what the last clients leave is freed a moment later
        after.append(host.memory)
    grown = (after[1] - after[0]) / MEGABYTE
    report.check(grown <= 4, f"the second storm added {grown:.1f} MiB")
    return f"2 × {STREAMS} left in mid-stream: the second added {grown:.1f} MiB, {kept} of 20 texts looked for are kept"


def fill_caches(host):
    """SQLite keeps up to 16 MB of pages for the writer and 4 MB for each reader; their growth is not to count as a leak."""
    threads = [host.client().create("big", "echo-in").read_to_end().thread for _ in range(20)]
    read = lambda: [host.client().items(thread) for thread in threads]
    readers = [threading.Thread(target=read, daemon=True) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()


def storm(host, report, tag, count):
    streams = []
    for number in range(count):
        streams.append(host.client().create("slow 3000", ("echo-c", "echo-in")[number % 2]))
    poll = select.poll()
    waiting = {stream.socket.fileno(): stream for stream in streams}
    for number in waiting:
        poll.register(number, select.POLLIN)
    end = time.monotonic() + 60
    while waiting and time.monotonic() < end:
        for number, _ in poll.poll(1000):
            stream = waiting.get(number)
            if stream and (not stream.pump() or stream.shown and all(stream.shown.values())):
                poll.unregister(number)
                del waiting[number]
    report.check(not waiting, f"{tag}: {len(waiting)} streams said nothing in 60 s")
    report.check(all(not stream.is_over for stream in streams), f"{tag}: a stream ended by itself")
    sample = [(stream.thread, *stream.shown) for stream in streams[:: max(1, count // 20)][:20]]
    for number, stream in enumerate(streams):
        if number % 3 == 0:  # a reset instead of an end
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
    client = host.client()
    is_kept = lambda pair: wait_for(lambda: pair[1] in [item["id"] for item in client.items(pair[0])], 10)
    kept = sum(map(is_kept, sample))
    report.check(kept == len(sample), f"{tag}: {len(sample) - kept} of {len(sample)} texts that were shown are not kept")
    return kept


def drip(host, report):
    """A byte a second, in the head and in the body: cut at the deadline, with an answer, while others are served as before."""
    quiet = [turn_seconds(host) for _ in range(30)]
    head = b"POST /chatkit HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 400\r\n"
    body = message("x" * 300)
    results, meanwhile = [], []
    what = [("head", b"", head), ("body", head + b"\r\n", repr(body).encode())] * DRIPPING
    clients = [threading.Thread(target=drip_one, args=(host, results, *bytes_), daemon=True) for bytes_ in what]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        meanwhile.append(turn_seconds(host))
        time.sleep(0.2)
    for part, seconds, answer in results:
        deadline = HEAD_SECONDS if part == "head" else BODY_SECONDS + 400 / (16 << 10)
        report.check(deadline - 0.5 <= seconds <= deadline + 2.5, f"a client that drips its {part} was cut after {seconds:.1f} s")
        report.check(b" 408 " in answer and f"{part}_timeout".encode() in answer,
                     f"a client that drips its {part} was told {answer[:200]!r}")
    slow, usual = percentile(meanwhile, 0.5), percentile(quiet, 0.5)
    report.check(slow <= 2 * usual + 0.02, f"a turn takes {slow * 1e3:.0f} ms while others drip, {usual * 1e3:.0f} ms before")
    times = {part: max(seconds for name, seconds, _ in results if name == part) for part in ("head", "body")}
    return (f"2 × {DRIPPING} that drip: cut after {times['head']:.1f} s (head) and {times['body']:.1f} s (body), a turn takes "
            f"{slow * 1e3:.0f} ms meanwhile, {usual * 1e3:.0f} ms before")


def drip_one(host, results, part, at_once, slowly):
    connection = socket.create_connection(("127.0.0.1", host.port), 10)
    connection.sendall(at_once)
    began, answer = time.monotonic(), b""
    for byte in slowly:
        try:
            connection.send(bytes([byte]))
        except OSError:
            break
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        if poll.poll(1000):
            break
    seconds = time.monotonic() - began
    try:
        while piece := connection.recv(4096):
            answer += piece
    except OSError:
        pass
    connection.close()
    results.append((part, seconds, answer))
