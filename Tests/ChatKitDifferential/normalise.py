"""Makes answers of two servers comparable: ids become their order of appearance, times go after their form was checked."""

import re

ID = re.compile(r"^(thr|msg|tc|call|wf|tsk|shcx|atc)_([0-9a-f]+)$")
TIMES = {
    "reference": re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$"),
    # UTC (`chatkit-protocol.md` 2), at most six digits.
    "ours": re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"),
}


def digits(side, prefix):
    """How many an id has: ours are 96 random bits, those of threads with 48 bits of time before them."""
    if side == "reference":
        return 8
    return 36 if prefix == "thr" else 24


class Normaliser:
    """For the answers of one side to one conversation, in their order."""

    def __init__(self, side):
        self.side = side
        self.names = {}
        self.faults = []

    def value(self, value, key=None):
        if isinstance(value, dict):
            return {k: self.value(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(v) for v in value]
        if key == "created_at":
            if not TIMES[self.side].match(str(value)):
                self.faults.append(f"{value!r} has not the form of a time")
            return "<time>"
        if key == "duration" and isinstance(value, int):
            return "<seconds>"
        if isinstance(value, str) and (match := ID.match(value)):
            if len(match[2]) != digits(self.side, match[1]):
                self.faults.append(f"the digits of {value!r} are not {digits(self.side, match[1])}")
            return self.names.setdefault(value, f"<{match[1]} {len(self.names) + 1}>")
        return value
