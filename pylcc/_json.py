"""JSON as liblcc reads and writes it, by the C functions of Python's json.

The module json itself takes as long to load as all of pylcc, for regular expressions that find blanks
between items. liblcc writes none."""

try:
    from _json import encode_basestring_ascii as _quoted, make_scanner
except ImportError:  # another Python than CPython
    from json import dumps as _quoted, loads
else:
    class _Reader(object):
        """What a scanner asks its json.JSONDecoder for."""
        strict, encoding = True, "utf-8"
        object_hook = object_pairs_hook = parse_constant = None
        parse_float, parse_int = float, int

    def loads(text):
        return make_scanner(_Reader)(text, 0)[0]


def dumps(value):
    """The text of a dict, list, text, number or bool."""
    if isinstance(value, dict):
        return "{%s}" % ",".join("%s:%s" % (_quoted(name), dumps(item)) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join(map(dumps, value))
    if isinstance(value, (bytes, type(u""))):
        return _quoted(value)
    return str(value).lower() if isinstance(value, bool) else "%d" % value
