"""Turns of well-behaved plugins that run all the time, and how long they take: what others notice of harm."""

import threading
import time

from harness import percentile


class Load:
    """Short turns of `agents`, one after the other in each of `clients` threads; `pause` seconds between two."""

    def __init__(self, host, report, agents, clients=4, pause=0.01):
        self.host, self.report, self.agents, self.pause = host, report, agents, pause
        self.samples = []  # (when it began, seconds)
        self.is_over = False
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        client = self.host.client(f"load-{number}")
        while not self.is_over:
            number += 1
            began = time.monotonic()
            stream = client.create("hello", self.agents[number % len(self.agents)]).read_to_end()
            self.samples.append((began, time.monotonic() - began))
            self.report.check(stream.is_complete and stream.answer == "hello" and not stream.error,
                              lambda: f"a turn of another plugin ended with {stream.status} {stream.answer!r} {stream.error}")
            time.sleep(self.pause)

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()

    def between(self, begin, end):
        """Seconds that turns took which began then."""
        return [seconds for began, seconds in list(self.samples) if begin <= began < end]


def p99(values):
    return percentile(values, 0.99)
