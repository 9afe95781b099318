"""What each of the three parsers makes of the same bytes, in one form."""

import struct
import subprocess
from dataclasses import dataclass, field

import h11
import httptools


@dataclass
class Message:
    method: bytes = b""
    target: bytes = b""
    version: str = ""
    keep: bool = True
    fields: list = field(default_factory=list)
    body: bytes = b""
    complete: bool = False


@dataclass
class Reading:
    """`end` is how it ended: idle, pending, closed (the connection ends here), upgrade, or refused with a reason."""
    messages: list
    end: str
    reason: str = ""


def normal(fields):
    """Names do not differ by case; neither do transfer codings, which h11 writes in lower case."""
    fields = [(bytes(name).lower(), bytes(value).strip(b" \t")) for name, value in fields]
    return [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in fields]


def ours(program, requests):
    """Readings of our own parser for all of `requests`."""
    stream = b"".join(struct.pack("<I", len(request)) + request for request in requests)
    output = subprocess.run([program], input=stream, stdout=subprocess.PIPE, check=True).stdout.decode()
    blocks = output.split("\n\n")[:-1]
    assert len(blocks) == len(requests), "http-verdicts answered another number of requests"
    return [reading(block.split("\n")) for block in blocks]


def reading(lines):
    result = Reading([], "")
    for line in lines:
        word, *rest = line.split(" ")
        if word == "head":
            result.messages.append(Message(bytes.fromhex(rest[0]), bytes.fromhex(rest[1]), rest[2], rest[3] == "1"))
        elif word == "field":
            result.messages[-1].fields.append((bytes.fromhex(rest[0]), bytes.fromhex(rest[1])))
        elif word == "body":
            result.messages[-1].body = bytes.fromhex(rest[0])
        elif word == "end":
            result.messages[-1].complete = True
            if not result.messages[-1].keep:
                result.end = "closed"
                break
        else:
            result.end, result.reason = word, " ".join(rest)
    for message in result.messages:
        message.fields = normal(message.fields)
    return result


class Collector:
    """The callbacks of httptools."""

    def __init__(self):
        self.messages = []
        self.parser = httptools.HttpRequestParser(self)
        self.begin()

    def begin(self):
        self.target = b""
        self.fields = []
        self.in_head = True

    def on_message_begin(self):
        self.begin()

    def on_url(self, piece):
        self.target += piece

    def on_header(self, name, value):
        if self.in_head:
            self.fields.append((name, value))

    def on_headers_complete(self):
        self.in_head = False
        parser = self.parser
        self.messages.append(Message(
            parser.get_method(), self.target, parser.get_http_version(), parser.should_keep_alive(), normal(self.fields)))

    def on_body(self, piece):
        self.messages[-1].body += piece

    def on_message_complete(self):
        self.messages[-1].complete = True


def llhttp(request):
    collector = Collector()
    try:
        collector.parser.feed_data(request)
    except httptools.HttpParserUpgrade:
        return Reading(collector.messages, "upgrade")
    except httptools.HttpParserError as error:
        return Reading(collector.messages, "refused", str(error))
    return Reading(collector.messages, "open")


def h11_(request):
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(request)
    messages = []
    try:
        while True:
            event = connection.next_event()
            kind = type(event)
            if kind is h11.Request:
                messages.append(Message(
                    event.method, event.target, event.http_version.decode(), True, normal(event.headers.raw_items())))
            elif kind is h11.Data:
                messages[-1].body += bytes(event.data)
            elif kind is h11.EndOfMessage:
                messages[-1].complete = True
                connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is h11.MUST_CLOSE or connection.our_state is h11.CLOSED:
                    messages[-1].keep = False
                    return Reading(messages, "closed")
                connection.start_next_cycle()
            else:
                return Reading(messages, "open" if event is h11.NEED_DATA else "paused")
    except h11.RemoteProtocolError as error:
        return Reading(messages, "refused", str(error))
