"""C types, as lcc_describe has them, written as C."""


class Printer(object):
    """Names and definitions of the types of one object. sections: those that only hold global variables."""

    def __init__(self, described, sections=()):
        self._types = described
        self._sections = [index for index in sections if index is not None]

    def name(self, index):
        """How C calls a type: "struct data_t", "u32", "char [16]"."""
        return "unknown" if index is None else self._declare(index, "").strip()

    def members(self, index):
        """The declarations of a struct's members, on a line."""
        members = (self._types[index]["members"] or ()) if index is not None else ()
        return "; ".join(self._declare(m["type"], m["name"]) for m in members) or "unknown"

    def definitions(self):
        """The definitions of all structs, unions and enums that have a name, each after those it needs."""
        texts, done = [], set()
        for index in range(len(self._types)):
            self._define(index, texts, done)
        return texts

    def _define(self, index, texts, done):
        t = self._types[index]
        if index in done:
            return
        done.add(index)
        if t["kind"] == "array":
            self._define(t["element"], texts, done)
        for member in t["members"] or ():
            self._define(member["type"], texts, done)
        if t["kind"] in ("struct", "union", "enum") and t["name"] and index not in self._sections:
            body = self._body(t, "")
            text = "typedef %s %s %s;" % (t["kind"], body, t["name"]) if t.get("typedef") else "%s %s %s;" % (t["kind"], t["name"], body)
            texts.append("%s\t/* %d bytes */" % (text, t["size"]))

    def _body(self, t, indent):
        inner = indent + "\t"
        if t["kind"] == "enum":
            items = sorted(t["values"].items(), key=lambda item: item[1])
            body = ["%s%s = %d,\n" % (inner, name, value) for name, value in items]
        else:
            body = [inner + self._declare(m["type"], m["name"], inner) + (" : %d" % m["bit_size"] if m["bit_size"] else "") + ";\n"
                    for m in t["members"] or ()]
        return "{\n%s%s}" % ("".join(body), indent)

    def _declare(self, index, name, indent=""):
        """A declaration of name, without the semicolon."""
        t = self._types[index]
        if t["kind"] == "array" and not t["name"]:
            return self._declare(t["element"], "%s[%d]" % (name, t["count"]), indent)
        if t["kind"] == "pointer":
            return t["name"] + name
        if t["kind"] in ("struct", "union", "enum") and not t.get("typedef"):
            return "%s %s %s" % (t["kind"], t["name"], name) if t["name"] else ("%s %s %s" % (t["kind"], self._body(t, indent), name)).rstrip()
        return "%s %s" % (t["name"], name)
