"""coolbpf dump: what is in a NAME.so or an object."""

import argparse
import json

from pylcc import errors
from pylcc._session import inspect
from pylcc.commands._types import Printer

_MOST = 64 << 20  # as of a NAME.so that is used
ORIGINS = {"coolbpf": "made by coolbpf", "object": "a plain BPF object", "server": "made by a compile server of old"}


def main(argv):
    parser = argparse.ArgumentParser(prog="coolbpf dump", description="Show what is in a NAME.so or in a plain BPF object. "
                                     "Nothing of it is loaded or executed; no privilege is needed.")
    parser.add_argument("file", help="NAME.so, of coolbpf or of a compile server of old, or NAME.bpf.o")
    parser.add_argument("--json", action="store_true", help="print it as lcc_inspect of lcc.h documents it")
    args = parser.parse_args(argv)
    described = read(args.file)
    if args.json:
        print(json.dumps(described, indent=1, sort_keys=True))
    else:
        print("\n".join(lines(args.file, described)))


def read(path):
    """The description of the file, as a dict."""
    try:
        with open(path, "rb") as f:
            content = f.read(_MOST + 1)
    except EnvironmentError as e:
        raise errors.SystemException("read %s: %s" % (path, e.strerror), "", e.errno)
    if len(content) > _MOST:
        raise errors.InvalidArgsException("read %s: larger than %d MiB" % (path, _MOST >> 20))
    try:
        return inspect(content)
    except errors.InvalidArgsException as e:
        raise errors.InvalidArgsException("%s: %s" % (path, e), e.log)


def lines(path, described):
    """The description as text."""
    made, types = described["made"], Printer(described["types"], [m["value"] for m in described["maps"] if m["name"].startswith(".")])
    yield "%s: %s, %d bytes, license %s" % (path, ORIGINS[described["origin"]], described["size"], described["license"] or "none")
    if made["key"]:
        yield "  for %s, types of kernel %s (%s), by %s" % (made["arch"], made["release"], made["header"], made["compiler"])
    yield "\nprograms"
    for section, name, kind, plan in columns([
            ('SEC("%s")' % p["section"], p["name"], p["type"], plan_of(p)) for p in described["programs"]]):
        yield "  %s  %s  %s  %s" % (section, name, kind, plan)
    if described["maps"]:
        yield "\nmaps"
    for name, kind, entries, content in columns([
            (m["name"], m["type"], str(m["max_entries"] or "one a CPU"), content_of(m, types)) for m in described["maps"]]):
        yield "  %s  %s  %s  %s" % (name, kind, entries, content)
    definitions = types.definitions()
    if definitions:
        yield "\ntypes"
    for text in definitions:
        yield text


def plan_of(program):
    """Where a program goes, in words."""
    if program["section"].startswith("?"):
        return "is not loaded"
    if program["hook"]:
        return "attaches to %s %s" % (program["hook"], program["target"])
    return "waits for an attach call"


def content_of(described, types):
    if described["name"].startswith("."):
        return types.members(described["value"])
    if described["type"] in ("perf_event_array", "ringbuf"):
        return "records: %s" % types.name(described["value"])
    key, value = ("%d bytes" % described[of + "_size"] if described[of] is None else types.name(described[of]) for of in ("key", "value"))
    return "%s -> %s%s" % (key, value, ", one for each CPU" if described["per_cpu"] else "")


def columns(rows):
    """The rows, all cells but the last of a row padded to the width of their column."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [[cell.ljust(width) for cell, width in zip(row[:-1], widths)] + [row[-1]] for row in rows]
