"""functions.py <programs> - C functions as tools: Examples/functions by value, what does not fit, what cannot be loaded, what crashes, and what
`plugins check` finds."""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

from server import Server

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
LIBM, LIBC = "libm.so.6", "libc.so.6"

GOOD = [
    ('power {"x":2,"y":10}', {"result": 1024}), ('power {"x":2,"y":0.5}', {"result": 2**0.5}),
    ('hypotenuse {"a":3,"b":4}', {"length": 5}), ('split_number {"x":48}', {"fraction": 0.75, "exponent": 6}),
    ('divide {"number":17,"by":5}', {"result": {"quotient": 3, "remainder": 2}}),
    ('divide {"number":-2147483648,"by":7}', {"result": {"quotient": -306783378, "remainder": -2}}),
    ('crc32 {"text":"123456789"}', {"crc": 3421780262}), ('crc32 {"text":""}', {"crc": 0}),
    ('crc32 {"text":"a\\u0000b"}', {"crc": zlib.crc32(b"a\0b")}),
    ('parse_number {"text":"ff","base":16}', {"number": 255}),
    ('parse_number {"text":"-9223372036854775808","base":10}', {"number": -(2**63)}),
]
BAD = [
    ('power {"x":1e308,"y":10}', "result is inf, which is no number"), ('power {"x":-1,"y":0.5}', "nan, which is no number"),
    ('hypotenuse {"a":1e39,"b":4}', "a is too large for a float"),
    ('divide {"number":2147483648,"by":5}', "number must be a whole number from -2147483648 to 2147483647, not 2147483648."),
    ('divide {"number":1e3,"by":5}', "number must be a whole number"),
    ('divide {"number":99999999999999999999,"by":5}', ""),
    ('divide {"number":1.5,"by":5}', ""), ("divide {}", ""), ('power {"x":"2","y":1}', ""),
    ('uncompress {"data":"AAAA","size":100}', "The data is damaged."), ('uncompress {"data":"A","size":100}', "data must be base64."),
    ('uncompress {"data":"AA=A","size":1}', "data must be base64."), ('uncompress {"data":"AAAA","size":1048577}', "size must be from 1 to"),
    ('parse_number {"text":"99999999999999999999","base":10}', "strtol failed: Numerical result out of range."),
    ('parse_number {"text":"1\\u00002","base":10}', "text must not hold a NUL character"),
]


def function(library, symbol, arguments, returns):
    return {"library": library, "symbol": symbol, "arguments": arguments, "returns": returns}


I32, F64 = {"type": "i32"}, {"type": "f64", "name": "x"}
# What is wrong with a function, and what the log says of it.
BROKEN = [
    (function("libnone.so.9", "f", [], I32), 'tool "f": the library "libnone.so.9" cannot be loaded'),
    (function(LIBM, "no_such_function", [], I32), 'has no symbol "no_such_function"'),
    (function(LIBM, "pow", [{"type": "f65", "name": "x"}], I32), 'argument 1: the type "f65" is unknown.'),
    (function(LIBM, "pow", [F64, {"type": "f64"}], I32), "argument 2: an argument needs one of name, value"),
    (function(LIBC, "strlen", [{"type": "u64", "length_of": "y"}], I32), 'there is no string or bytes called "y".'),
    (function(LIBC, "memset", [{"type": "buffer", "name": "b"}], I32), 'the buffer "b" needs a capacity'),
    (function(LIBM, "pow", [F64] * 17, {"type": "f64"}), "at most"),
    (function(LIBC, "strdup", [{"type": "string", "name": "s"}], {"type": "string", "free": "no_free"}), '"no_free", which shall free'),
    (function(LIBC, "div", [], {"type": {"struct": []}}), "a struct needs a list of fields"),
    (function(LIBC, "abs", [], {"type": "i32", "error": {"when": "often"}}), "error.when must be"),
    ({"symbol": "pow"}, "function needs library and symbol"),
]
# More that works: other kinds of results.
MORE = {
    "owned": function(LIBC, "strdup", [{"type": "string", "name": "s"}], {"type": "string", "name": "copy", "free": "free"}),
    "returned": function(
        LIBC, "strftime",
        [{"type": "buffer", "name": "text", "capacity": 8, "length": "returned"}, {"type": "u64", "capacity_of": "text"},
         {"type": "string", "value": "%%ok"}, {"type": "bytes", "name": "tm", "encoding": "base64"}],
        {"type": "u64", "error": {"when": "zero"}}),
    "open": function(
        LIBC, "access", [{"type": "string", "name": "path"}, {"type": "i32", "value": 0}], {"type": "i32", "error": {"when": "negative"}}),
    "env": function(LIBC, "getenv", [{"type": "string", "name": "name"}], {"type": "string", "name": "value", "error": {"when": "null"}}),
    "die": function(LIBC, "abort", [], {"type": "void"}),
    "lower": function(LIBC, "tolower", [{"type": "i32", "name": "c"}], {"type": "i32", "name": "c"}),
}


def check(what, condition, seen=None):
    if not condition:
        raise AssertionError(f"{what}: {seen!r}")


class Bundles:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)

    def write(self, name, manifest):
        os.mkdir(f"{self.folder}/{name}.agentplugin")
        with open(f"{self.folder}/{name}.agentplugin/plugin.json", "w") as file:
            json.dump(manifest, file)

    def caller(self, *plugins):
        self.write("Caller", {
            "abi": 1, "id": "dev.example.caller", "name": "caller", "version": "1.0.0", "library": "libcaller.so",
            "requires": ["ap.host.turn/1", "ap.host.tools/1"],
            "agents": [{"id": "Caller", "kind": "coded", "tools": [f"{plugin}/*" for plugin in plugins]}]})
        subprocess.run(
            ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{ROOT}/Sources/PluginABI/include",
             "-o", f"{self.folder}/Caller.agentplugin/libcaller.so", f"{HERE}/caller.c"], check=True)


def manifest(name, functions):
    tools = [{"name": tool, "description": "", "input_schema": {"type": "object"}, "function": f} for tool, f in functions.items()]
    return {"abi": 1, "id": f"dev.example.{name}", "name": name, "version": "1.0.0", "tools": tools}


def call(server, text):
    turn = server.create(text, "Caller")
    status, _, answer = turn.text.partition(" ")
    return int(status), answer


def works(programs, example, folder):
    plugins = Bundles(f"{folder}/good")
    plugins.write("Functions", example)
    plugins.write("More", manifest("more", MORE))
    plugins.caller("dev.agenthost.example.functions", "dev.example.more")
    with Server(programs, plugins.folder, "*") as server:
        for text, wanted in GOOD:
            status, answer = call(server, text)
            check(text, status == 0 and json.loads(answer) == wanted, (answer, server.log[-1500:]))
        for text, sentence in BAD:
            status, answer = call(server, text)
            check(text, status < 0 and sentence in answer, (status, answer))
        check("zlib", call(server, "zlib_version {}")[1].startswith('{"version":"1.'))
        long = "All work and no play. " * 2000
        status, answer = call(server, "compress " + json.dumps({"text": long}))
        packed = json.loads(answer)["compressed"]
        check("compressed", status == 0 and len(packed) < 500, answer)
        status, answer = call(server, "uncompress " + json.dumps({"data": packed, "size": len(long)}))
        check("there and back", json.loads(answer)["text"] == long, answer[:200])
        status, answer = call(server, "uncompress " + json.dumps({"data": packed, "size": len(long) - 1}))
        check("one byte too few", status == -1 and answer == "The text is longer than size.", answer)
        status, answer = call(server, 'owned {"s":"é\\n\\"x"}')
        check("owned", status == 0 and json.loads(answer) == {"copy": 'é\n"x'}, answer)
        check("returned", call(server, 'returned {"tm":"' + "A" * 80 + '"}') == (0, '{"text":"%ok"}'))
        check("errno", call(server, 'open {"path":"/nowhere"}') == (-1, "access failed: No such file or directory."))
        check("null", call(server, 'env {"name":"NOT_SET_AT_ALL"}') == (-1, "getenv failed: it returned null."))
        check("a name", call(server, 'lower {"c":65}') == (0, '{"c":97}'))
        # The worker dies, and only the worker, although the id is trusted.
        status, answer = call(server, "die {}")
        check("a crash", status == -10 and server.runs, (status, answer))
        for _ in range(100):
            status, answer = call(server, 'lower {"c":66}')
            if status == 0:
                break
            time.sleep(0.1)
        check("it is back", json.loads(answer) == {"c": 98}, answer)


def broken(programs, folder):
    plugins = Bundles(f"{folder}/broken")
    for index, (f, _) in enumerate(BROKEN):
        plugins.write(f"B{index}", manifest(f"b{index}", {"f": f}))
    plugins.write("Library", dict(manifest("l", {"f": BROKEN[0][0]}), library="libl.so"))
    mixed = manifest("m", {"f": BROKEN[0][0]})
    mixed["tools"].append({"name": "code", "description": "", "input_schema": {"type": "object"}})
    plugins.write("Mixed", mixed)
    with Server(programs, plugins.folder) as server:
        for _, sentence in BROKEN:
            check("the log says", server.wait_for_log(sentence.replace('"', '\\"')), (sentence, server.log))
        check("library and function", server.wait_for_log("library and tools[].function exclude each other"), server.log)
        check("mixed", server.wait_for_log('tool \\"code\\" has no function'), server.log)
        check("none was loaded", "plugin loaded" not in server.log or server.log.count("refused") >= len(BROKEN) + 2, server.log)


def compared(programs, example, folder):
    def plugins_check(name, changed, status):
        plugins = Bundles(f"{folder}/{name}")
        plugins.write("Functions", changed)
        done = subprocess.run(
            [f"{programs}/host-server", "plugins", "check", f"{plugins.folder}/Functions.agentplugin"], capture_output=True, text=True)
        check(name, done.returncode == status, done)
        return done.stdout + done.stderr

    seen = plugins_check("right", example, 0)
    check("all of them", "power, hypotenuse, split_number, divide, crc32, compress, uncompress, zlib_version, parse_number" in seen, seen)
    for name, change in {
        "type": lambda tools: tools[0]["function"]["arguments"][0].update(type="f32"),
        "arity": lambda tools: tools[0]["function"]["arguments"].pop(),
        "sign": lambda tools: tools[4]["function"]["arguments"][2].update(type="i32"),
        "pointer": lambda tools: tools[2]["function"]["arguments"][1].pop("out"),
        "result": lambda tools: tools[7]["function"]["returns"].update(type="u64"),
        "struct": lambda tools: tools[3]["function"]["returns"]["type"].update(c="ldiv_t"),
    }.items():
        wrong = copy.deepcopy(example)
        change(wrong["tools"])
        check(name, "otherwise" in plugins_check(name, wrong, 1))
    injected = copy.deepcopy(example)
    injected["tools"][0]["function"]["symbol"] = "pow); int x; ("
    check("no code gets in", "must be names of C" in plugins_check("injected", injected, 1))


def main(programs):
    with open(f"{ROOT}/Examples/functions/plugin.json") as file:
        example = json.load(file)
    folder = tempfile.mkdtemp(prefix="functions-")
    try:
        works(programs, example, folder)
        broken(programs, folder)
        compared(programs, example, folder)
    finally:
        shutil.rmtree(folder)
    print("C functions: right by value, refused by sentence, wrong signatures are found")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
