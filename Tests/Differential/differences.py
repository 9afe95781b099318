"""The differences that are meant: where ours takes what another parser refuses, or goes on where another stops.

Each has a reason, which docs/testing.md repeats, and a test as narrow as can be. What is not here fails the run.
"""

import re

# The methods llhttp knows (RFC 9110, WebDAV, UPnP and its own); it refuses every other token.
LLHTTP_METHODS = frozenset(
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT "
    b"MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE QUERY".split())

METHOD = "llhttp has a list of methods, a method may be any token (RFC 9110, 9.1); unknown ones are answered with 405"
EMPTY_LINE = "one empty line before a request is skipped (RFC 9112, 2.2)"
EXTENSION = "chunk extensions are skipped unread; nothing in them can end their line (RFC 9112, 7.1.1)"
PROXY = "Proxy-Connection is no field of HTTP; llhttp heeds it"
UPGRADE = "no upgrade is offered here, so the field is ignored (RFC 9110, 7.8); llhttp stops there"
BLANK = "white space around a value, tabs too, is no part of it (RFC 9110, 5.5); llhttp stumbles over a tab behind `chunked`"
TRAILER = "a Connection field behind the body says nothing (RFC 9110, 6.5.1); llhttp heeds it"


def explain(name, kind, detail, request, us):
    """The reason for a difference, or None when there is none."""
    names = {field for message in us.messages for field, _ in message.fields}
    if name == "llhttp":
        if kind == "head taken, refused there" and any(message.method not in LLHTTP_METHODS for message in us.messages):
            if detail in ("Invalid method encountered", "Expected HTTP/2 Connection Preface", "Expected space after method"):
                return METHOD
        if kind == "body taken, refused there" and detail.startswith("Invalid character in chunk extensions") and b";" in request:
            return EXTENSION
        if kind == "kept open, closed there" and b"proxy-connection" in names:
            return PROXY
        if kind == "head taken, refused there" and detail == "Data after `Connection: close`":
            if re.search(rb"(?i)\r\n0+(;[^\r]*)?\r\n([^\r\n]+\r\n)*connection:", request):
                return TRAILER
        if kind == "body taken, refused there" and detail == "Request has invalid `Transfer-Encoding`":
            if re.search(rb"(?i)transfer-encoding:[ \t]*chunked *\t[ \t]*\r\n", request):
                return BLANK
        if kind in ("upgrade there", "body differs", "message open, complete there") and b"upgrade" in names and b"connection" in names:
            return UPGRADE
    if name == "h11":
        # Its words for an empty line where a request should begin, the first or a later one.
        if kind == "head taken, refused there" and detail == "no request line received":
            return EMPTY_LINE
    return None
