"""Cases of C types with a value each, as plain trees: what C they are, and whether Python reads the same.

The compiler lays the values out: they are initial values of global variables. A type is a dict:
kind, and for an int, bits, enum, real or pointer its C name c; width of bits; of and count of an
array; size of a text; name, members and attributes of a struct or union, whose members are
[name, anonymous, attributes, type]. The value of a struct is a dict by name, of a union one with the
member that is set, of a text its bytes in hexadecimal."""

from programs import load

PRELUDE = r"""
#include "lbc.h"
enum case_plain { CASE_ZERO, CASE_MINUS = -7, CASE_MUCH = 0x7fffffff };
enum case_small { CASE_A = 1, CASE_B = 200 } __attribute__((packed));
enum case_large { CASE_L = 5, CASE_LARGE = 0xfedcba9876543210ULL };
SEC("raw_tracepoint/sched_process_fork") int nothing(void *ctx) { return 0; }
char _license[] SEC("license") = "GPL";
"""
ENUMS = {"enum case_plain": {0: "CASE_ZERO", -7: "CASE_MINUS", 0x7fffffff: "CASE_MUCH"},
         "enum case_small": {1: "CASE_A", 200: "CASE_B"},
         "enum case_large": {5: "CASE_L", 0xfedcba9876543210: "CASE_LARGE"}}


def declared(t, name):
    """A C declaration of name."""
    kind = t["kind"]
    if kind == "array":
        return declared(t["of"], "%s[%d]" % (name, t["count"]))
    if kind == "text":
        return "char %s[%d]" % (name, t["size"])
    if kind == "bits":
        return "%s %s : %d" % (t["c"], name, t["width"])
    if kind in ("struct", "union"):
        members = ["%s%s;" % (declared(inner, "" if anonymous else member), attributes)
                   for member, anonymous, attributes, inner in t["members"]]
        return "%s %s { %s } %s %s" % (kind, t["name"], " ".join(members), t["attributes"], name)
    return "%s %s" % (t["c"], name)


def initial(t, value):
    """The C initializer of a value."""
    kind = t["kind"]
    if kind == "array":
        return "{ %s }" % ", ".join(initial(t["of"], item) for item in value)
    if kind == "text":
        return "{ %s }" % ", ".join("(char)%d" % byte for byte in bytearray.fromhex(value))
    if kind in ("struct", "union"):
        return "{ %s }" % ", ".join(fields(t, value))
    if kind == "real":
        return float(value).hex()
    if kind == "bool":
        return "%d" % value
    number = value & (1 << 128) - 1
    wide = "((unsigned __int128)%#xULL << 64 | %#xULL)" % (number >> 64, number & (1 << 64) - 1)
    return "(%s)%s" % (t["c"], wide if t.get("size") == 16 else "%#xULL" % (value & (1 << 64) - 1))


def fields(t, value):
    for name, anonymous, _, inner in t["members"]:
        if name in value and anonymous:
            for field in fields(inner, value[name]):
                yield field
        elif name in value:
            yield ".%s = %s" % (name, initial(inner, value[name]))


def source(cases):
    """A C program of which each case is a global variable."""
    text = [PRELUDE]
    for i, case in enumerate(cases):
        text.append('%s __attribute__((section(".data"), used)) = %s;' % (
            declared(case["type"], "case%d" % i), initial(case["type"], case["value"])))
    return "\n".join(text) + "\n"


def differences(t, value, got, path):
    """Where got is not the value."""
    kind = t["kind"]
    if kind == "array":
        if len(got) != t["count"]:
            yield "%s has %d items" % (path, len(got))
        for i, item in enumerate(value):
            for difference in differences(t["of"], item, got[i], "%s[%d]" % (path, i)):
                yield difference
    elif kind in ("struct", "union"):
        for name, anonymous, _, inner in t["members"]:
            if name in value:
                for difference in differences(inner, value[name], got if anonymous else got[name], path if anonymous else path + "." + name):
                    yield difference
    elif not _same(t, value, got):
        yield "%s is %r, not %r (%s)" % (path, got, value, t)


def _same(t, value, got):
    kind = t["kind"]
    if kind == "text":
        raw = bytes(bytearray.fromhex(value))
        return got.raw == raw and got == raw.split(b"\0")[0] and isinstance(got, str)
    if kind == "char":
        return int(got) == value and len(got) == (value != 0)
    if kind == "bool":
        return got is value
    if kind == "enum":
        return got == value and got.name == ENUMS[t["c"]].get(value)
    if kind == "pointer":
        return got == value and got == "point:" + t["c"]
    return got == value and isinstance(got, float) == (kind == "real")


def check(path, cases):
    """The differences of all cases, read from the kernel, and read again after they were written."""
    found = []
    with load(path, source(cases), attach=0) as lbc:
        data = lbc.maps[".data"]
        for when in ("read", "written"):
            content = data[0]
            for i, case in enumerate(cases):
                found.extend("%s: %s" % (when, d) for d in differences(case["type"], case["value"], content["case%d" % i], "case%d" % i))
            data[0] = content
    return found
