"""A database of the types in kernel modules, made by a server of old."""

import os
import sys

from .lbcClient import ClbcClient, segDecode, segEncode

__all__ = ["CkoBuilder", "main", "MAX_FILES", "MAX_LENS"]

MAX_FILES = 32
MAX_LENS = 16 * 1024 * 1024  # bytes of all files


class CkoBuilder(object):
    """Asks the server that LBC_SERVER names: see ClbcClient."""

    def __init__(self):
        self._client = ClbcClient()

    def build(self, iPath, out="prev.db"):
        """Write the database of all *.ko and *.ko.debug below the directory iPath to file out.
        ValueError: it is no directory, or has too much, or two files of one name."""
        if not os.path.isdir(iPath):
            raise ValueError("%s is not a dir." % iPath)
        modules, total = {}, 0
        for path, _, names in os.walk(iPath):
            for name in names:
                if not name.endswith((".ko", ".ko.debug")):
                    continue
                total += os.path.getsize(os.path.join(path, name))
                if total > MAX_LENS:
                    raise ValueError("file sizes is over than %d" % MAX_LENS)
                if len(modules) == MAX_FILES:
                    raise ValueError("file counts is over than %d" % MAX_FILES)
                if name in modules:
                    raise ValueError("file: %s is duplicated." % name)
                with open(os.path.join(path, name), "rb") as f:
                    modules[name] = segEncode(f.read()).decode("ascii")
        database = segDecode(self._client.koBuild(modules)["db"])
        with open(out, "wb") as f:
            f.write(database)


def main():
    """The command kobuild."""
    if len(sys.argv) != 2:
        sys.exit("usage: kobuild DIRECTORY (writes prev.db; LBC_SERVER names the server)")
    CkoBuilder().build(sys.argv[1])
