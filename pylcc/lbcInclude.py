"""ClbcInclude: the text of local headers in the place of the lines that include them.

Compiling does not need it: the compiler finds the same headers itself, and uses none that another
user could have written, which this does not check."""

import os
import re

from pylcc import _lib
from pylcc._identity import VERSION as __version__  # noqa: F401
from pylcc.errors import IncludeException, InvalidArgsException

__all__ = ["ClbcInclude", "INCLUDE_MAX"]

INCLUDE_MAX = 64  # files in one source

_INCLUDE = re.compile(r'[ \t]*#[ \t]*include[ \t]*(?:"([^"\r\n]+)"|<([^>\r\n]+)>)')
_ONCE = re.compile(r"[ \t]*#[ \t]*pragma[ \t]+once\b")


def directories(incPath):
    """The directories of a ";"-separated list, then those of LBC_INCLUDE."""
    lists = (_lib.text(searched, "incPath") for searched in (incPath or "", os.environ.get("LBC_INCLUDE", "")))
    return [path for paths in lists for path in paths.split(";") if path]


class ClbcInclude(object):
    """Puts local headers into a source.

    Arguments:
        workPath  directory that is searched first; default the current one
        incPath   ";"-separated directories that come next; those of LBC_INCLUDE are the last

    The first directory that has a header wins; one in quotes may also lie beside the file that
    includes it. Left to the compiler are the headers that come with this package (lbc.h,
    vmlinux.h, bpf/...) and those in <> that are in none of the directories."""

    def __init__(self, workPath=None, incPath=None):
        self._directories = [_lib.text(workPath or ".", "workPath")] + directories(incPath)
        self._open, self._once, self._count = [], set(), 0
        for path in self._directories[1:]:
            if not os.path.isdir(path):
                print("warning: path %s is not exist, skip." % path)

    def parse(self, src):
        """The source src with its headers, as str.

        IncludeException, which is a ValueError, for a header in quotes that is nowhere, and for
        more than INCLUDE_MAX files."""
        if not isinstance(src, (bytes, type(u""))):
            raise InvalidArgsException("include headers: the source is no text: %r" % (src,))
        self._open, self._once, self._count = [], set(), 0
        return self._expand(_lib.native(_lib.utf8(_lib.text(src, "src", "replace", nul=True))), self._directories[0])

    def _expand(self, source, directory):
        lines = []
        for line in source.splitlines(True):
            match = _INCLUDE.match(line)
            path = match and self._find(match.group(1), match.group(2), directory)
            lines.append(self._load(path) if path else line)
        return "".join(lines)

    def _load(self, path):
        # A file within itself is empty: by its guard, or it would have no end.
        if path in self._open or path in self._once:
            return ""
        self._count += 1
        if self._count > INCLUDE_MAX:
            raise IncludeException("include %s: there are more than %d files" % (path, INCLUDE_MAX))
        with open(path, "rb") as f:
            lines = _lib.native(f.read()).splitlines(True)
        if any(_ONCE.match(line) for line in lines):
            self._once.add(path)
        self._open.append(path)
        text = self._expand("".join(line for line in lines if not _ONCE.match(line)), os.path.dirname(path))
        self._open.pop()
        return text if text.endswith("\n") else text + "\n"

    def _find(self, quoted, bracketed, directory):
        name = quoted or bracketed
        if name in ("lbc.h", "vmlinux.h") or os.path.isfile(os.path.join(_lib.NATIVE, "include", name)):
            return None
        searched = ([directory] if quoted else []) + self._directories
        for place in searched:
            path = os.path.abspath(os.path.join(place, name))
            if os.path.isfile(path):
                return path
        if bracketed:
            return None
        raise IncludeException("include %s: it is in none of %s" % (name, ", ".join(map(os.path.abspath, searched))))
