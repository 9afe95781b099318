#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets into Tests/Fuzz/Corpus. Run it again after adding a seed here.

Files in those folders that this script does not write are findings that were mended: they stay as regression tests.
"""

import json
import pathlib
import struct

corpus = pathlib.Path(__file__).parent / "Corpus"


def write(target, name, content):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


# HTTP: the last four bytes of each say how the rest is sliced.
CUTS = b"\x00\x07\x1e\x3c"
REQUESTS = {
    "get": "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "query": "GET /chatkit?a=b&c HTTP/1.1\r\nHost: h:8000\r\nAccept: text/event-stream\r\nX-Request-ID: r-1\r\n\r\n",
    "absolute": "GET http://h:80/x?y HTTP/1.1\r\nHost: other\r\nConnection: close, x\r\n\r\n",
    "options": "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
    "http10": "POST /chatkit HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
    "length": 'POST /chatkit HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"type":"x"}',
    "expect": "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "chunked": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n",
    "pipelined": "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\nHost: h\r\n\r\n",
    "both-lengths": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "folded": "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    "bare-lf": "GET / HTTP/1.1\nHost: h\n\n",
    "bad-trailer": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n",
    "tls": "\x16\x03\x01\x02\x00\x01",
}
for name, text in REQUESTS.items():
    write("http", name, text.encode("latin-1") + CUTS)

# JSON: each operation of the protocol once, some items, some numbers and texts at the edge.
INPUT = {
    "content": [
        {"type": "input_text", "text": "hi"},
        {"type": "input_tag", "id": "t", "text": "@t", "data": {"k": [1]}, "group": None, "interactive": "yes"},
    ],
    "attachments": ["atc_1"],
    "quoted_text": "q",
    "inference_options": {"tool_choice": {"id": "x"}, "model": "m"},
}
OPERATIONS = {
    "threads.create": {"input": INPUT},
    "threads.add_user_message": {"thread_id": "thr_1", "input": INPUT},
    "threads.add_client_tool_output": {"thread_id": "thr_1", "result": {"a": None}},
    "threads.add_structured_input": {
        "thread_id": "thr_1", "item_id": "i",
        "input": {"status": "answered", "answers": {"q": {"values": ["v"], "skipped": False}}},
    },
    "threads.retry_after_item": {"thread_id": "thr_1", "item_id": "i"},
    "threads.custom_action": {"thread_id": "thr_1", "item_id": "i", "action": {"type": "a", "payload": {"x": 1.5}}},
    "threads.sync_custom_action": {"thread_id": "thr_1", "item_id": None, "action": {"type": "a"}},
    "threads.get_by_id": {"thread_id": "thr_1"},
    "threads.list": {"limit": "20", "order": "asc", "after": None},
    "items.list": {"thread_id": "thr_1", "limit": 5.0, "order": "desc", "after": "i"},
    "items.feedback": {"thread_id": "thr_1", "item_ids": ["i"], "kind": "positive"},
    "threads.update": {"thread_id": "thr_1", "title": "t"},
    "threads.delete": {"thread_id": "thr_1"},
    "attachments.create": {"name": "n", "size": 3, "mime_type": "text/plain"},
    "attachments.delete": {"attachment_id": "atc_1"},
    "input.transcribe": {"audio_base64": "AAAA", "mime_type": "audio/webm"},
}
for name, params in OPERATIONS.items():
    write("json", name, json.dumps({"type": name, "params": params, "metadata": {}}))
ITEM = {"id": "i", "thread_id": "thr_1", "created_at": "2026-11-21T07:54:56.914981Z"}
ITEMS = {
    "user_message": {"content": INPUT["content"], "attachments": [], "quoted_text": "q", "inference_options": {}},
    "assistant_message": {"content": [{"type": "output_text", "text": "t", "annotations": []}]},
    "client_tool_call": {"status": "pending", "call_id": "c", "name": "n", "arguments": {}, "output": None},
    "widget": {"widget": {"type": "Card", "children": [{"type": "Text", "value": "v", "size": None}]}, "copy_text": "c"},
    "workflow": {"workflow": {"type": "custom", "tasks": [{"type": "custom", "title": "t"}], "expanded": True, "summary": {"duration": 3}}},
    "task": {"task": {"type": "web_search", "title": "t", "queries": ["q"], "sources": []}},
    "structured_input": {"status": "pending", "inputs": [{"id": "q", "type": "text"}]},
    "generated_image": {"image": {"id": "g", "url": "https://h/x.png"}},
    "hidden_context_item": {"content": [1, "x"]},
    "end_of_turn": {},
}
for name, members in ITEMS.items():
    write("json", "item-" + name, json.dumps({**ITEM, "type": name, **members}))
write("json", "numbers", "[0,-0,-0.0,1e308,5e-324,9223372036854775807,-9223372036854775808,9223372036854775808,1.0,123456789012345680.0]")
write("json", "texts", r'["\u0000\u001f\"\\\/\b\f\n\r\t","\ud83d\ude00","e\u0301","\u00e9","\u212a"]')
write("json", "duplicates", '{"a":1,"a":2}')
write("json", "equivalent-keys", '{"e\u0301":1,"\u00e9":2}')
write("json", "deep", "[" * 130 + "]" * 130)
write("json", "surrogate", r'["\ud800"]')


# Frames: length, then op, status, item, token, number, count and strings (Sources/PluginRuntime/frames.c).
def frame(op, strings=(), status=0, item=0, token=1, number=0):
    body = struct.pack("<HhIQqB", op, status, item, token, number, len(strings))
    for text in strings:
        body += struct.pack("<I", len(text)) + text
    return struct.pack("<I", len(body)) + body


header = (pathlib.Path(__file__).parents[2] / "Sources/PluginRuntime/include/plugin_runtime.h").read_text()
SHAPES = {
    "LOADED": [b""], "TURN_TEXT": [b"delta"], "TURN_EMIT": [b"item", b'{"a":1}'], "TURN_ITEM_DONE": [],
    "TURN_FINISH": [b"message"], "CALL_PROGRESS": [b"{}"], "CALL_FINISH": [b'{"ok":true}'],
    "SERVICE_REQUEST": [b"kv", b"get", b"{}", b"body"], "SERVICE_CANCEL": [], "LOG": [b"text", b"{}"],
    "CONFIG_DONE": [], "DESTROYED": [], "STALL": [], "MISBEHAVED": [b"sentence"],
}
number = {line.split()[1]: int(line.split()[2]) for line in header.splitlines() if line.startswith("#define APR_") and len(line.split()) > 2 and line.split()[2].isdigit()}
everything = b""
for name, strings in SHAPES.items():
    made = frame(number["APR_" + name], strings, item=1)
    everything += made
    write("frames", name.lower(), made + CUTS)
write("frames", "several", everything + CUTS)
write("frames", "six-strings", frame(65535, [b"a", b"", b"c", b"", b"", b"f"], -1) + CUTS)
write("frames", "too-many-strings", frame(1, [b""] * 7) + CUTS)
write("frames", "too-long", struct.pack("<I", 0xFFFFFFFF) + b"x" * 40 + CUTS)
write("frames", "not-utf8", frame(number["APR_TURN_TEXT"], [b"\xff\xc0\x80"]) + CUTS)
write("frames", "text-beyond-end", frame(number["APR_TURN_TEXT"], [b"abc"])[:-3] + b"\xff\xff\xff" + CUTS)

# Manifests: everything that has a meaning, the least that is one, and wrong ones.
FULL = {
    "abi": 1, "id": "dev.example.full", "name": "full", "version": "1.2.3-beta.1", "library": "libfull.so",
    "requires": ["ap.host.turn/1"], "uses": ["ap.host.kv/1"],
    "permissions": {"kv": ["plugin", "user", "thread"], "http": ["h:443"], "memory_mb": 64, "threads": 4},
    "agents": [{"id": "a", "kind": "coded", "mode": "event", "title": "A", "instructions": "i", "model": "m",
                "offline_model": "rules", "tools": ["t", "dev.other/*"], "max_steps": 3},
               {"id": "b", "kind": "declarative"}],
    "tools": [{"name": "t", "title": "T", "description": "d", "input_schema": {"type": "object"}, "output_schema": True,
               "mode": "blocking", "timeout_ms": 5, "read_only": True, "idempotent": True, "destructive": False,
               "needs_approval": False}],
    "models": [{"id": "rules", "mode": "event"}],
    "config_schema": {"type": "object"}, "serial": True, "drain_seconds": 0,
}
LEAST = {"abi": 1, "id": "dev.x", "name": "x", "version": "1"}
MANIFESTS = {
    "full": FULL, "least": LEAST, "other-abi": {**LEAST, "abi": 2}, "bad-id": {**LEAST, "id": "X"},
    "two-tools": {**LEAST, "tools": [{"name": "t"}, {"name": "t"}]},
    "missing-tool": {**LEAST, "agents": [{"id": "a", "kind": "declarative", "tools": ["t"]}]},
    "folder": {**LEAST, "library": "../x.so"}, "nulls": {**LEAST, "library": None, "tools": None},
}
for name, manifest in MANIFESTS.items():
    write("manifest", name, json.dumps(manifest))
write("manifest", "no-json", "{")


def elf(manifest, machine=62, segment_size=None, section_size=None):
    """The least ELF64 shared library: one segment, and the sections null, .agent_plugin and .shstrtab."""
    names = b"\0.agent_plugin\0.shstrtab\0"
    text = json.dumps(manifest).encode()
    at_text = 64 + 56
    at_names = at_text + len(text)
    at_sections = at_names + len(names)
    total = at_sections + 3 * 64
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, at_sections, 0, 64, 56, 1, 64, 3, 2)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, total if segment_size is None else segment_size, total, 4096)

    def section(name, kind, offset, size):
        return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 1, 0)

    sections = section(0, 0, 0, 0)
    sections += section(1, 1, at_text, len(text) if section_size is None else section_size)
    sections += section(15, 3, at_names, len(names))
    return head + segment + text + names + sections


write("elf", "library", elf(LEAST))
write("elf", "full", elf(FULL))
write("elf", "other-machine", elf(LEAST, machine=183))
write("elf", "segment-beyond-end", elf(LEAST, segment_size=1 << 63))
write("elf", "section-beyond-end", elf(LEAST, section_size=(1 << 64) - 1))
write("elf", "header-only", elf(LEAST)[:64])

# Schemas: [schema, value].
SCHEMAS = {
    "object": [{"type": "object", "properties": {"a": {"type": "string", "minLength": 1, "maxLength": 3}},
                "required": ["a", "b"], "additionalProperties": False, "minProperties": 1, "maxProperties": 2}, {"a": "", "c": 1}],
    "numbers": [{"type": ["integer", "number"], "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 0.5}, 9.3],
    "array": [{"items": {"enum": [1, "x", None]}, "uniqueItems": True, "minItems": 1, "maxItems": 2}, [1, 1.0, "y"]],
    "forms": [{"anyOf": [{"const": 1}, {"type": "string"}], "oneOf": [True, True], "allOf": [{}], "not": {}}, 2],
    "loop": [{"$ref": "#"}, 1],
    "reference": [{"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null", "nullable": True}}}, 0],
    "two-loops": [{"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1],
}
for name, pair in SCHEMAS.items():
    write("schema", name, json.dumps(pair))

# Answers of model servers, sliced as above.
def chat(delta, reason=None):
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}) + "\n\n"


def call(index, **more):
    return chat({"tool_calls": [{"index": index, **more}]})


def event(kind, **more):
    return f"event: {kind}\ndata: " + json.dumps({"type": kind, **more}) + "\n\n"


DONE = "data: [DONE]\n\n"
ITEM = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
COMPLETIONS = {
    "text": chat({"role": "assistant", "content": ""}) + chat({"content": "hi"}) + chat({}, "stop") + DONE,
    "usage": chat({"content": "hi"}, "stop") + 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n' + DONE,
    "reasoning": chat({"reasoning_content": "a"}) + chat({"reasoning": "b"}) + chat({"refusal": "c"}, "stop"),
    "calls": call(0, id="a", function={"name": "f", "arguments": "{"}) + call(1007, function={"name": "g"}) +
             call(0, function={"arguments": "}"}) + chat({}, "tool_calls") + DONE,
    "framing": "\ufeff: ping\r\n\r\nid: 1\rretry: 2\r\revent: x\ndata: {\ndata: }\n\ndata\n\n",
    "error": 'data: {"error":{"code":"insufficient_quota","type":"x"}}\n\n',
    "whole": 'data: {"choices":[{"message":{"content":"a","tool_calls":[{"id":"i","function":{"name":"f","arguments":{}}}]}}]}\n\n',
    "responses": event("response.output_text.delta", delta="a") + event("response.reasoning_summary_text.delta", delta="b") +
                 event("response.output_item.added", output_index=1, item=ITEM) +
                 event("response.function_call_arguments.delta", output_index=1, delta="{}") +
                 event("response.output_item.done", output_index=1, item=ITEM) +
                 event("response.completed", response={"usage": {"input_tokens": 1, "output_tokens": 2}}),
    "incomplete": event("response.incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}, "output": [ITEM]}),
}
for name, text in COMPLETIONS.items():
    write("completion", name, text.encode() + CUTS)
