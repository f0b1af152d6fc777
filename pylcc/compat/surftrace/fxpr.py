"""Arguments of a probe in surftrace's language, turned into the kernel's.

    NAME=[S|U|X][CAST]VALUE[->MEMBER|.MEMBER]...

VALUE   %N argument N of the function, %REG, @SYMBOL, $retval, $stackN, $comm
S U X   show it signed, unsigned, in hexadecimal
CAST    !(struct x *)       take the value for that type
        @(struct iphdr *)l3 the value is a struct sk_buff *, whose data begins in that layer (l2, l3,
                            l4; default l3): take the header in it. Behind a header lie
                            cdata[], sdata[], ldata[], qdata[]: 1, 2, 4, 8 bytes, and Sdata, text
MEMBER  may have an [index], and a CAST before it"""

import difflib
import re

from pylcc.errors import ExprException
from .regSplit import isStruct, probeReserveVars, regIndex, splitExpr, transReg

__all__ = ["Cfxpr"]

_ARGUMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<format>[SUX]?)(?P<cast>(?:[!@]?\([^()]+\)(?:l[234])?)?)"
                       r"(?P<value>%\w+|@[\w.:+-]*\w|\$\w+)(?P<path>(?:(?:->|\.).+)?)$")
_MEMBER = re.compile(r"(?P<how>->|\.)(?P<cast>(?:[!@]?\([^()]+\)(?:l[234])?)?)(?P<name>[A-Za-z_]\w*)(?:\[(?P<index>\d+)\])?")
_CAST = re.compile(r"(?P<kind>[!@]?)\((?P<type>[^()]+)\)(?P<layer>(?:l[234])?)$")

_HEADERS = {"struct ethhdr": 2, "struct iphdr": 3, "struct tcphdr": 4, "struct udphdr": 4, "struct icmphdr": 4}
_BEHIND = {"cdata": (1, "unsigned char"), "sdata": (2, "unsigned short"), "ldata": (4, "unsigned int"),
           "qdata": (8, "unsigned long"), "Sdata": (1, "char")}
_CHARS = ("char", "unsigned char", "signed char")


class _Place(object):
    """What a part of an expression stands for: the text that gets its base; if it is in memory, its
    offset from there; its type, size, bits, and members in an outer one without a type name."""

    def __init__(self, base, offset=None, type="", size=8, bits="", cells=(), prefix="", array=False):
        self.base, self.offset, self.size, self.bits = base, offset, size, bits
        self.type = re.sub(r"\*(const|volatile)$", "*", type)
        self.cells, self.prefix, self.array = cells, prefix, array

    def value(self):
        return self.base if self.offset is None else "+0x%x(%s)" % (self.offset, self.base)


class Cfxpr(object):
    """Translates for a machine, arch as uname -m says it, with what parser knows of functions and types: see CdbParser."""

    def __init__(self, parser, arch):
        self._parser, self._arch = parser, arch

    def expr(self, func, inFlag, symbol, res):
        """The arguments in res (see spiltInputLine) for the kernel, each after a blank.

        func: the function's name; inFlag: the probe is inside of it, not at its beginning; symbol:
        what errors call it.
        ExprException says what is wrong."""
        prototype = None if inFlag else self._prototype(func)
        texts, names = [], set(probeReserveVars)
        for text in splitExpr(res["args"]) or []:
            match = _ARGUMENT.match(text)
            if not match:
                raise ExprException("read %r of %s: it must be NAME=VALUE, such as name=%%0->member or ret=$retval" % (text, symbol))
            if match.group("name") in names:
                raise ExprException("read %r of %s: the name %s is taken" % (text, symbol, match.group("name")))
            names.add(match.group("name"))
            texts.append(" %s=%s" % (match.group("name"), self._argument(match, prototype, res["type"])))
        return "".join(texts)

    def showTypeSize(self, sType):
        """The size of the type sType in bytes, [count] and all."""
        base, _, count = sType.partition("[")
        found = self._parser.getType(base.strip())["res"]
        if not found:
            raise ExprException("find the type %s: the kernel has none of that name" % sType)
        return found["size"] * (int(count.rstrip("]")) if count else 1)

    def showMemberOffset(self, member, structName):
        """The offset of a member of structName, or of one of an array's, in bytes."""
        return self._follow(_Place("", 0, structName.replace("*", "").strip()), _MEMBER.match("." + member)).offset

    def _prototype(self, func):
        found = self._parser.getFunc(func)["res"] if self._parser else None
        return found[0] if found else None

    def _argument(self, match, prototype, kind):
        value = match.group("value")
        if value == "$comm":
            return value
        place = self._cast(match.group("cast"), self._value(value, prototype, kind))
        path, at = match.group("path"), 0
        while at < len(path):
            member = _MEMBER.match(path, at)
            if not member:
                raise ExprException("read %r: members are ->NAME, .NAME, each with [INDEX] if need be" % path[at:])
            place = self._cast(member.group("cast"), self._follow(place, member))
            at = member.end()
        return self._shown(place, match.group("format"))

    def _value(self, value, prototype, kind):
        """The value that an expression begins with; its type is "" where nobody knows."""
        if value == "$retval":
            return _Place(value, type=prototype["ret"] if prototype else "")
        if value[0] != "%":
            return _Place(value)
        name = value[1:]
        number = int(name) if name.isdigit() else regIndex(name, self._arch)
        register = "%" + transReg(number, self._arch)
        if prototype is None or kind.lower() == "r":
            return _Place(register)
        if name.isdigit() and number >= len(prototype["args"]):
            raise ExprException("read %s: %s has %d arguments, from %%0 on" % (value, prototype["func"], len(prototype["args"])))
        return _Place(register, type=prototype["args"][number] if number < len(prototype["args"]) else "")

    def _cast(self, cast, place):
        if not cast:
            return place
        match = _CAST.match(cast)
        kind, to, layer = match.group("kind"), match.group("type").strip(), int((match.group("layer") or "l3")[1])
        if kind != "@":
            return _Place(place.base, place.offset, to, 8 if to.endswith("*") else self.showTypeSize(to))
        header = to.rstrip("* ")
        if _HEADERS.get(header, 0) < layer:
            raise ExprException("read %s: layer %d has no such header (headers: %s)" % (cast, layer, ", ".join(sorted(_HEADERS))))
        before = sum(self.showTypeSize(outer) for outer in ("struct ethhdr", "struct iphdr") if layer <= _HEADERS[outer] < _HEADERS[header])
        data, packet = self.showMemberOffset("data", "struct sk_buff"), place.value()
        if place.type.endswith("**"):
            packet = "+0x0(%s)" % packet
        return _Place("+0x%x(%s)" % (data, packet), before, header, cells=self._cells(header))

    def _cells(self, struct):
        name = isStruct(struct.replace("*", "").strip()) or struct.replace("*", "").strip()
        found = self._parser.getStruct(name)["res"] if self._parser else None
        if not found:
            raise ExprException("find %s: the kernel has no struct of that name" % (name or "the type of a value (a CAST names it)"))
        cells = list(found["cell"])
        if found["name"] in _HEADERS:
            cells += [{"type": kind, "offset": found["size"], "size": 0, "bits": "", "name": "%s[0]" % name, "step": step}
                      for name, (step, kind) in _BEHIND.items()]
        return cells

    def _follow(self, place, member):
        """The member of what place is, or of what it points to."""
        pointer = place.type.endswith("*")
        # Of a header in a packet both ways of writing are right.
        if place.cells and not place.prefix:
            base, offset, cells, name = place.base, place.offset, place.cells, member.group("name")
        elif place.prefix:
            base, offset, cells, name = place.base, place.offset, place.cells, place.prefix + member.group("name")
        else:
            if not place.type:
                raise ExprException("read %s: the type of what it is in is unknown (BTF has no such function, or not this value of it; "
                                    "a CAST names the type: !(struct x *)%%0->member)" % member.group(0))
            if pointer != (member.group("how") == "->"):
                raise ExprException("read %s: its type is %s, its members are reached by %s" % (
                    member.group(0), place.type, "->" if pointer else "."))
            base, offset = (place.value(), 0) if pointer else (place.base, place.offset)
            cells, name = self._cells(place.type), member.group("name")
        return self._member(base, offset or 0, cells, name, member.group("index"), place.type)

    def _member(self, base, offset, cells, name, index, struct):
        for cell in cells:
            own, _, counts = cell["name"].partition("[")
            if own == name:
                return self._element(base, offset, cell, counts, index)
        if any(cell["name"].startswith(name + ".") for cell in cells):
            return _Place(base, offset, "struct", cells=cells, prefix=name + ".")
        known = [cell["name"].partition("[")[0] for cell in cells]
        close = difflib.get_close_matches(name, known, 1)
        raise ExprException("find %s in %s: it has no such member%s" % (name, struct, " (closest: %s)" % close[0] if close else ""))

    def _element(self, base, offset, cell, counts, index):
        """A member, or the one of its elements that index, a text, names."""
        place = _Place(base, offset + cell["offset"], cell["type"], cell["size"], cell["bits"], array=bool(counts))
        if index is None:
            return place
        count = int(counts.split("]")[0]) if counts else 0
        if not counts or "[" in counts or 0 < count <= int(index):
            raise ExprException("read %s[%s]: it is %s[%s" % (cell["name"].partition("[")[0], index, cell["type"], counts or "no array"))
        place.size = cell.get("step") or (cell["size"] // count if count else self.showTypeSize(cell["type"]))
        place.offset += place.size * int(index)
        place.array = False
        return place

    def _shown(self, place, form):
        """The text for a value, with the type that the kernel prints it as."""
        if place.type == "" and place.offset is None:
            letter = form.lower() or "u"
            return place.value() + (":%s64" % letter if form or place.base[0] == "%" or place.base == "$retval" else "")
        if place.array and place.type in _CHARS:
            return place.value() + ":string"
        if place.array or place.prefix or isStruct(place.type) and not place.type.endswith("*"):
            raise ExprException("show a %s%s: name a member of it%s" % (
                place.type, "[]" if place.array else "", ", or an [index]" if place.array else ""))
        if place.type.replace("const ", "") in ("char *", "unsigned char *") and not form:
            return "+0x0(%s):string" % place.value()
        size = place.size if place.offset is not None else self._size(place.type)
        if size not in (1, 2, 4, 8):
            raise ExprException("show a %s: it has %d bytes" % (place.type, size))
        if place.bits:
            first, count = place.bits.split(":")
            return "%s:b%s@%s/%d" % (place.value(), count, first, 8 * size)
        return "%s:%s%d" % (place.value(), (form or "U").lower(), 8 * size)

    def _size(self, of):
        return 8 if "*" in of or of in ("", "void") else self.showTypeSize(of)
