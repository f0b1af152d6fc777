"""What is left of the servers that once compiled: nothing is compiled by one."""

import os

SEG_UNIT = 4096
LBC_COMPILE_PORT = 7655
buffSize = 80 << 20  # bytes of an answer, at most

_said = []


def segDecode(stream):
    """Bytes from base64; segments that were padded each for itself are understood."""
    import base64  # of no use to most scripts
    size = 4 * SEG_UNIT
    return b"".join(base64.b64decode(stream[i:i + size]) for i in range(0, len(stream), size))


def note(server):
    """Where a server is named what is to be said of it, the first time; else ""."""
    server = os.environ.get("LBC_SERVER") or server
    if not server or _said:
        return ""
    _said.append(server)
    return "pylcc: compiling on this machine: the server %r is not asked (server=, LBC_SERVER)\n" % (server,)
