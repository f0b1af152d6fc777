"""The words of an expression of surftrace, such as

    p FUNCTION name=%0->member f:FILTER"""

from pylcc.errors import ExprException

__all__ = ["splitExpr", "spiltInputLine", "unpackRes", "isStruct", "stripPoint", "regIndex", "transReg", "maxNameString",
           "probeReserveVars", "archRegd"]

probeReserveVars = ("common_pid", "common_preempt_count", "common_flags", "common_type")

_X86 = ("di", "si", "dx", "cx", "r8", "r9", "ax", "bx", "sp", "bp", "r10", "r11", "r12", "r13", "r14", "r15")
archRegd = {
    "x86_64": _X86,
    "x86": _X86[:4],
    "aarch64": tuple("x%d" % number for number in range(32)),
}  # the first ones have the arguments of a function

_TYPES = ("p", "r", "e", "P", "R")


def splitExpr(text):
    """The words of a text; blanks in parentheses do not end one. None: a ) has no (."""
    words, word, depth = [], "", 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return None
        if c.isspace() and depth == 0:
            words.append(word)
            word = ""
        else:
            word += c
    return [word for word in words + [word] if word]


def spiltInputLine(line):
    """The expression line as a dict of texts: type (p, r, P, R: kprobe, kretprobe, uprobe, uretprobe; e:
    event), symbol, args, filter."""
    words = splitExpr(line)
    if words is None:
        raise ExprException("read %r: a ) has no (" % line)
    if len(words) < 2:
        raise ExprException("read %r: it must be TYPE SYMBOL [NAME=VALUE...] [f:FILTER]" % line)
    if words[0] not in _TYPES:
        raise ExprException("read %r: its type %r is none of %s" % (line, words[0], ", ".join(_TYPES)))
    end = next((i for i, word in enumerate(words) if word.startswith("f:")), len(words))
    return {"type": words[0], "symbol": words[1], "args": " ".join(words[2:end]), "filter": " ".join(words[end:])[2:]}


def unpackRes(res):
    """The expression that spiltInputLine reads as res."""
    return " ".join(word for word in (res["type"], res["symbol"], res["args"], res["filter"] and "f:" + res["filter"]) if word)


def isStruct(text):
    """"struct x ..." or "union x ..." without const and volatile; None for another type."""
    text = text.replace("const ", "").replace("volatile ", "").strip()
    return text if text.startswith(("struct ", "union ")) else None


def stripPoint(sStruct):
    """The type sStruct without its *."""
    return sStruct.strip("*").strip()


def regIndex(reg, arch="x86"):
    """The place of the register reg among those of the machine arch. ExprException: it has none such."""
    try:
        return archRegd[arch].index(reg)
    except (KeyError, ValueError):
        raise ExprException("find the register %s: %s has none of that name" % (reg, arch))


def transReg(i, arch="x86"):
    """The register that has argument i, from 0 on, on the machine arch. ExprException: there is none."""
    try:
        return archRegd[arch][i]
    except (KeyError, IndexError):
        raise ExprException("find the register of argument %s: %s has no such" % (i, arch))


def maxNameString(cells, t):
    """The beginning that the texts cell[t] of all cells share."""
    texts = [cell[t] for cell in cells]
    shared = min(texts) if texts else ""
    while not max(texts or [""]).startswith(shared):
        shared = shared[:-1]
    return shared
