"""A client of the compile servers of old: JSON over HTTP.

pylcc needs none: it compiles on this machine. What a server sends back is not checked, and HTTP
keeps nobody from changing it: do not run it."""

import base64
import json
import os
import platform

try:
    import http.client as http
except ImportError:  # Python 2
    import httplib as http

from pylcc._lib import native
from pylcc._servers import LBC_COMPILE_PORT, SEG_UNIT, segDecode
from pylcc.errors import CompileException, DbException, InvalidArgsException

from .baseDbParser import CbaseParser
from .prevPareser import first, previous

__all__ = ["ClbcClient", "segEncode", "segDecode", "SEG_UNIT", "LBC_COMPILE_PORT"]

_LARGEST = 256 << 20  # bytes of an answer


def segEncode(stream):
    """Bytes in base64."""
    return base64.b64encode(stream)


class ClbcClient(CbaseParser):
    """Asks a server, or a database that LBC_PREVDB names first.

    Arguments:
        server  its name or address; LBC_SERVER overrides it. There is no default
        ver     kernel release to ask about, default this one's
        arch    machine, default this one
        port    default 7655

    The calls return the server's answer, a dict. They raise DbException when it cannot be reached
    or has no answer (.log: what its compiler said)."""

    def __init__(self, server="", ver="", arch="", port=LBC_COMPILE_PORT):
        self._server = os.environ.get("LBC_SERVER") or server
        if not self._server:
            raise InvalidArgsException("use a compile server: none is named (server=, or LBC_SERVER; pylcc itself needs none, "
                                       "and setupParser(\"local\") takes the types of this kernel)")
        self._port = port
        self._ver, self._arch = ver or platform.release(), arch or platform.machine()
        self._prev = previous()

    def getFunc(self, func, ret=None, arg=None):
        """Prototypes of the function func, that return ret, or take arg: {"res": [{"func", "args", "ret", "line", "file"}]}."""
        return self._known("getFunc", func, ret, arg) or self._post({"cmd": "func", "func": func, "ret": ret, "arg": arg})

    def getStruct(self, sStruct):
        """The struct sStruct: {"res": {"name", "members", "size", "cell": [{"type", "offset", "size", "bits", "name"}]}}."""
        return self._known("getStruct", sStruct) or self._post({"cmd": "struct", "struct": sStruct})

    def getType(self, t):
        """The type t: {"res": {"name", "type", "size"}}."""
        return self._known("getType", t) or self._post({"cmd": "type", "type": "_" if "*" in t else t})

    def getBtf(self):
        """The kernel's BTF: {"btf"}, for segDecode."""
        return self._post({"cmd": "btf"}, 30)

    def getElfSo(self):
        """A library: {"so"}, for segDecode."""
        return self._post({"cmd": "elf_so"}, 30)

    def getC(self, code, env):
        """The C text code compiled, with the flags env, to a NAME.so of old: {"so", "clog"}."""
        return self._post({"cmd": "c", "code": code, "env": env}, 30)

    def getObj(self, code, env):
        """The C text code compiled, with the flags env, to an object: {"obj", "clog"}."""
        return self._post({"cmd": "obj", "code": code, "env": env}, 30)

    def koBuild(self, kos):
        """A database of the types in the kernel modules kos, {name: segEncode(bytes)}: {"db"}, for
        segDecode."""
        if not kos:
            raise ValueError("no file to send.")
        return self._post({"cmd": "ko", "kos": kos}, 30)

    def _known(self, call, *arguments):
        found = first(self._prev, call, *arguments) if self._prev else None
        return found if self._checkRes(found) else None

    def _post(self, request, seconds=5):
        request = dict((name, value) for name, value in request.items() if value is not None)
        answer = self._answer(json.dumps([dict(request, ver=self._ver, arch=self._arch)]), seconds)
        try:
            code, content = answer["code"], answer["res"][0]
            log = content["log"]
        except (KeyError, IndexError, TypeError):
            raise DbException("ask the compile server %s: no answer of the kind expected" % self._server, json.dumps(answer))
        if code == 200 and log == "ok.":
            return content
        said = content.get("clog")
        if said:
            print("compile failed.\n%s\n" % said)
        raise (CompileException if said else DbException)("ask the compile server %s: it returns %s, %s" % (self._server, code, log), said or "")

    def _answer(self, body, seconds):
        connection = http.HTTPConnection(self._server, self._port, timeout=seconds)
        try:
            connection.request("POST", "/lbc", body, {"Connection": "close", "Content-Type": "application/json"})
            text = connection.getresponse().read(_LARGEST + 1)
        except (OSError, IOError, http.HTTPException) as e:
            raise DbException("bad lbc server %s: %s" % (self._server, e), "", getattr(e, "errno", 0) or 0)
        finally:
            connection.close()
        if len(text) > _LARGEST:
            raise DbException("ask the compile server %s: its answer has more than %d MiB" % (self._server, _LARGEST >> 20))
        try:
            return json.loads(native(text))
        except ValueError:
            raise DbException("ask the compile server %s: its answer is no JSON" % self._server, native(text))
