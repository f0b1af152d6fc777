"""ClbcLoad: C text compiled, or found to be compiled already."""

import os
import sys

from pylcc import _servers
from pylcc._lib import text, utf8
from pylcc._session import make
from pylcc._values import Text
from pylcc.errors import FileNotExistException, InvalidArgsException
from pylcc.lbcInclude import directories


class ClbcLoad(object):
    """C text compiled to NAME.so, and nothing loaded. Needs no privilege.

    Arguments: bpf, bpf_str, server, arch, env, workPath, incPath, logLevel and btf as ClbcBase has
    them, and
        ver       release of the kernel to compile for; without a file of its types those of this one are
                  used, and it is said
        opt       "so"; "obj": make NAME.bpf.o, always, and leave NAME.so alone; "combine": nothing

    Raises, all from pylcc.errors: CompileException (its text is the first error, .log the compiler's
    output), FileNotExistException, InvalidArgsException, SystemException."""

    def __init__(self, bpf, bpf_str="", server="", arch="", ver="", env="", workPath=None, incPath=None,
                 logLevel=-1, btf=True, opt="so"):
        if opt not in ("so", "obj", "combine"):
            raise InvalidArgsException("compile %s: opt %r is none of so, obj, combine" % (bpf, opt))
        complain(_servers.note(server))
        shown = level(logLevel)
        if opt != "combine":
            build(bpf, bpf_str, arch, env, workPath, incPath, shown, types(btf), opt == "obj", ver)

    @staticmethod
    def c2str(data):
        """A char array as str, up to its NUL: what it is already when it comes from a map.

        data: that, text, bytes, or numbers; else InvalidArgsException."""
        if isinstance(data, Text):
            return data
        data = getattr(data, "raw", data)
        try:
            return Text(utf8(data) if isinstance(data, (bytes, type(u""))) else bytes(bytearray(data if isinstance(data, memoryview) else iter(data))))
        except (TypeError, ValueError):
            raise InvalidArgsException("read %r as text: it is no char array" % (data,))

    @staticmethod
    def c2list(data):
        """An array, data, as a list."""
        return list(data)


def level(given):
    """What logLevel and LBC_LOGLEVEL ask for; 0: silence."""
    said = os.environ.get("LBC_LOGLEVEL")
    try:
        return max(0, int(said or given))
    except (TypeError, ValueError):
        raise ValueError("use %r as %s: it must be a number" % (said or given, "LBC_LOGLEVEL" if said else "logLevel"))


def types(btf):
    """The file that btf names, or None."""
    return None if isinstance(btf, (bool, int, type(None))) else text(btf, "btf")


def build(bpf, source, arch, env, work, include, shown, btf, bare=None, ver=""):
    """The bytes of NAME.so, or of NAME.bpf.o (bare); says how they came about."""
    pieces, name = os.path.split(text(bpf, "bpf"))
    searched = [path if os.path.isabs(path) else os.path.join(text(_current(), "current directory"), path) for path in directories(include)]
    artefact, report = make(
        name=name, source=text(source, "bpf_str", "replace", nul=True) or None, env=text(env, "env"), arch=text(arch, "arch"),
        work=os.path.join(text(work or _current(), "workPath"), pieces).rstrip("/") or "/", include=searched,
        btf=btf, bare=bare, release=text(ver, "ver"))
    tell(report)
    if shown:
        complain("pylcc: %s %s, kernel types: %s, compiler: %s\n" % (
            report["path"], report["action"], report["header"], report["compiler"]))
    return artefact


def tell(report, who="pylcc"):
    """Print what the user is to know of a report of lcc_make."""
    if report["action"] == "compiled":
        complain(report["warnings"])
        print("local compile success.")
    for note in report["notes"]:
        complain("%s: %s\n" % (who, note))


def complain(lines):
    """Write to stderr; what cannot be written (a daemon has closed it, its reader has ended) is dropped."""
    try:
        if sys.stderr is not None and lines:
            sys.stderr.write(lines)
    except (EnvironmentError, ValueError):
        pass  # there is no other place


def _current():
    try:
        return os.getcwd()
    except OSError as e:
        raise FileNotExistException("find the current directory: %s (give workPath)" % e.strerror, "", e.errno)
