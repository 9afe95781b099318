"""What clients have seen, kept beside the server, and the comparison with what the server has kept."""

import threading

from harness import is_subsequence, text_of

# A checkpoint is made once a second and rides along with the next commit; the rest is for a busy machine.
CHECKPOINT_SECONDS = 2.0


class Ledger:
    """What clients have seen of each thread, in all rounds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.agents = {}  # thread to agent
        self.items = {}  # thread to item id to item, as it was shown when done
        self.orders = {}  # thread to lists of ids, each in the order in which one client saw them
        self.said = {}  # thread to texts that were sent
        self.touched = set()
        self.shown = {}  # thread to message id to deltas: begun, and cut
        self.interrupted = set()
        self.turns = self.finished = 0
        self.killed_at = 0.0  # of the monotonic clock

    def note(self, thread, agent, said, stream):
        with self.lock:
            self.turns += 1
            self.finished += stream.is_complete
            thread = thread or stream.thread
            if thread is None:
                return  # nothing was seen
            self.agents.setdefault(thread, agent)
            self.touched.add(thread)
            self.said.setdefault(thread, []).append(said)
            items = self.items.setdefault(thread, {})
            for item in stream.done:
                items[item["id"]] = item
            self.orders.setdefault(thread, []).append([item["id"] for item in stream.done])
            if not stream.is_complete:
                self.interrupted.add(thread)
                self.shown.setdefault(thread, {}).update(stream.shown)

    def some_thread(self, chance):
        with self.lock:
            return chance.choice(list(self.agents)) if self.agents else None


def check_thread(client, ledger, report, figures, thread, checkpoints):
    """Compares the thread with what was seen of it; what it holds now counts as seen from here on."""
    items = client.items(thread)
    if not report.check(items is not None, f"thread {thread} is lost"):
        figures["lost"] += len(ledger.items[thread])
        return
    ids = [item["id"] for item in items]
    by_id = {item["id"]: item for item in items}
    doubled = len(ids) - len(by_id)
    users = [text_of(item) for item in items if item["type"] == "user_message"]
    doubled += len(users) - len(set(users))
    figures["doubled"] += doubled
    report.check(doubled == 0, f"{thread}: {doubled} items are doubled")
    for identity, item in ledger.items[thread].items():
        if not report.check(identity in by_id, f"{thread}: item {identity} was seen and is lost"):
            figures["lost"] += 1
        else:
            report.check(by_id[identity] == item, lambda: f"{thread}: {item} has become {by_id[identity]}")
    for order in ledger.orders[thread]:
        report.check(is_subsequence(order, ids), f"{thread}: {order} was seen, {ids} is stored")
    for identity, deltas in ledger.shown.pop(thread, {}).items():
        check_partial(ledger, report, figures, thread, identity, deltas, by_id.get(identity), checkpoints.get(identity))
    ledger.items[thread] = by_id
    ledger.orders[thread] = [ids]


def check_partial(ledger, report, figures, thread, identity, deltas, kept, checkpoint):
    """A message that was cut: its text up to the last checkpoint is there, under the same id."""
    text = "".join(delta for _, delta in deltas)
    must = "".join(delta for at, delta in deltas if at < ledger.killed_at - CHECKPOINT_SECONDS)
    figures["shown"] += bool(text)
    figures["kept"] += kept is not None
    figures["must"] += bool(must.strip())
    kept = "" if kept is None else text_of(kept)
    report.check(kept.startswith(must), lambda: f"{thread}: {identity} showed {must!r} long before, {kept!r} is kept")
    report.check(
        kept.startswith(text) or text.startswith(kept), lambda: f"{thread}: {identity} showed {text!r}, {kept!r} is kept")
    # A turn may have been completed between the last byte that its client got and the kill.
    report.check(checkpoint is None or kept.startswith(checkpoint),
                 lambda: f"{thread}: {identity} was checkpointed as {checkpoint!r}, {kept!r} is kept")
