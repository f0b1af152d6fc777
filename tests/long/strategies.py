"""Strategies of hypothesis for the cases that tests/api/structs.py describes."""

import itertools
import random

from hypothesis import strategies as st

from structs import ENUMS

INTEGERS = [("signed char", 1, True), ("unsigned char", 1, False), ("u8", 1, False), ("short", 2, True), ("u16", 2, False),
            ("int", 4, True), ("const volatile unsigned int", 4, False), ("long", 8, True), ("u64", 8, False),
            ("s64", 8, True), ("__int128", 16, True), ("unsigned __int128", 16, False)]
POINTERS = ["void *", "char *", "struct task_struct *", "u64 *"]

integers = st.sampled_from([{"kind": "int", "c": c, "size": size, "signed": signed} for c, size, signed in INTEGERS])
scalars = st.one_of(
    integers, integers,
    st.just({"kind": "bool", "c": "_Bool"}), st.just({"kind": "char", "c": "char"}),
    st.sampled_from([{"kind": "enum", "c": c} for c in sorted(ENUMS)]),
    st.sampled_from([{"kind": "real", "c": c} for c in ("float", "double", "long double")]),
    st.sampled_from([{"kind": "pointer", "c": c} for c in POINTERS]),
    st.integers(1, 20).map(lambda size: {"kind": "text", "size": size}))


def _bits(choice):
    (c, size, signed), width = choice
    return {"kind": "bits", "c": c, "width": 1 + width % (8 * size), "signed": signed}


bitfields = st.one_of(
    st.tuples(st.sampled_from([i for i in INTEGERS if i[1] < 16]), st.integers(0, 63)).map(_bits),
    st.just({"kind": "bits", "c": "_Bool", "width": 1, "signed": False}))
ALIGNMENTS = [""] * 6 + [" __attribute__((aligned(%d)))" % n for n in (2, 4, 8, 16, 32)] + [" __attribute__((packed))"] * 2


@st.composite
def compounds(draw, depth=0):
    """A struct or union of up to six members, some of which are compounds."""
    kind = draw(st.sampled_from(["struct"] * 4 + ["union"]))
    members = []
    for _ in range(draw(st.integers(1, 6 - depth))):
        t, anonymous, attributes = draw(bitfields if draw(st.integers(0, 3)) == 0 else scalars), False, ""
        if depth < 3 and draw(st.integers(0, 4)) == 0:
            t = draw(compounds(depth + 1))
            anonymous = draw(st.booleans())
        if t["kind"] not in ("bits",) and not anonymous:
            attributes = draw(st.sampled_from(ALIGNMENTS))
            for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2])) if t["kind"] != "char" else 0):
                t = {"kind": "array", "of": t, "count": draw(st.integers(1, 4))}
        members.append([None, anonymous, attributes, t])
    return {"kind": kind, "name": "", "members": members, "attributes": draw(st.sampled_from(ALIGNMENTS))}


def named(t, numbers):
    """The type with a name for each member, none of them twice: those of anonymous ones are the outer one's."""
    if t["kind"] == "array":
        return dict(t, of=named(t["of"], numbers))
    if t["kind"] not in ("struct", "union"):
        return t
    return dict(t, members=[["m%d" % next(numbers), anonymous, attributes, named(inner, numbers)]
                            for _, anonymous, attributes, inner in t["members"]])


def filled(t, chance):
    """A value of the type."""
    kind = t["kind"]
    if kind == "struct":
        return dict((name, filled(inner, chance)) for name, _, _, inner in t["members"])
    if kind == "union":
        name, _, _, inner = chance.choice(t["members"])
        return {name: filled(inner, chance)}
    if kind == "array":
        return [filled(t["of"], chance) for _ in range(t["count"])]
    if kind == "text":
        return "".join("%02x" % chance.choice((0, 65, 97, 195, 169, 255, chance.randrange(256))) for _ in range(t["size"]))
    if t["c"] == "_Bool":
        return chance.random() < 0.5
    if kind == "char":
        return chance.randrange(256)
    if kind == "enum":
        return chance.choice(sorted(ENUMS[t["c"]]) + [3])
    if kind == "real":
        return chance.randrange(-2 ** 15, 2 ** 15) / 256.0
    if kind == "pointer":
        return chance.randrange(1 << 64)
    width = t["width"] if kind == "bits" else 8 * t["size"]
    number = chance.choice((chance.getrandbits(width), (1 << width) - 1, 1 << width - 1, 0))
    return number - (1 << width) if t["signed"] and number >> width - 1 else number


def _case(t, seed):
    t = named(t, itertools.count())
    return {"type": t, "value": filled(t, random.Random(seed))}


cases = st.builds(_case, compounds(), st.integers(0, 1 << 32))
