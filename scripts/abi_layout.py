"""abi_layout.py <clang> <include folder> - prints the binary interface of agent_plugin.h as deterministic text.

Types and signatures come from clang's syntax tree, sizes and offsets from a program that the compiler lays out, constants from its
preprocessor: nothing is written down by hand. LP64 little-endian; the lock is the same on x86_64 and aarch64."""

import json
import os
import re
import subprocess
import sys
import tempfile

clang, include = sys.argv[1], os.path.abspath(sys.argv[2])
HEADER = '#include "agent_plugin.h"\n'
NULLABILITY = re.compile(r"\s*_(Nonnull|Nullable|Null_unspecified)\b")


def run(arguments, text, **more):
    command = [clang, "-x", "c", "-std=c11", f"-I{include}", *arguments, "-"]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True, **more).stdout


def plain(type_text):
    """A type without what only readers and linters see."""
    text = NULLABILITY.sub("", type_text)
    return re.sub(r"\s+", " ", text).replace("( *", "(*").strip()


def declarations():
    tree = json.loads(run(["-fsyntax-only", "-Xclang", "-ast-dump=json"], HEADER))
    structs, typedefs, functions = {}, {}, []
    for node in tree["inner"]:
        name = node.get("name", "")
        if node["kind"] == "RecordDecl" and name.startswith("ap_") and node.get("completeDefinition"):
            structs[name] = [(f["name"], plain(f["type"]["qualType"])) for f in node["inner"] if f["kind"] == "FieldDecl"]
        elif node["kind"] == "TypedefDecl" and name.startswith("ap_"):
            typedefs[name] = plain(node["type"]["qualType"])
        elif node["kind"] == "FunctionDecl" and name.startswith("ap_"):
            functions.append(f"{name} {plain(node['type']['qualType'])}")
    return structs, typedefs, sorted(functions)


def layouts(structs):
    lines = ["#include <stdio.h>", HEADER, "int main(void) {"]
    for name, fields in structs.items():
        lines.append(f'printf("{name} %zu %zu\\n", sizeof({name}), _Alignof({name}));')
        for field, _ in fields:
            lines.append(f'printf("{name}.{field} %zu %zu\\n", __builtin_offsetof({name}, {field}), sizeof((({name} *)0)->{field}));')
    lines.append("}")
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "layout")
        run(["-o", program], "\n".join(lines))
        out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {line.split()[0]: tuple(map(int, line.split()[1:])) for line in out.splitlines()}


def constants():
    out = []
    for line in run(["-E", "-dM"], HEADER).splitlines():
        found = re.match(r"#define (AP_[A-Z0-9_]+) (.+)$", line)
        # Those without arguments that stand for a value; not the words of the language.
        if found and re.match(r'[-("0-9]', found[2]) and not found[2].startswith("(("):
            out.append(f"define {found[1]} {found[2]}")
    return sorted(out)


structs, typedefs, functions = declarations()
places = layouts(structs)
print("# Written by scripts/check-abi.sh --update. What may change and how: docs/abi-compatibility.md.")
for line in constants():
    print(line)
for name in sorted(typedefs):
    if name not in structs:
        print(f"typedef {name} = {typedefs[name]}")
for line in functions:
    print(f"function {line}")
for name in sorted(structs):
    size, alignment = places[name]
    print(f"struct {name} size {size} align {alignment}")
    for field, type_text in structs[name]:
        offset, field_size = places[f"{name}.{field}"]
        print(f"  {offset:4} +{field_size:<3} {field}: {type_text}")
