import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal
from typing_extensions import Self

from pylcc._attach import Attach
from pylcc._exec import CexecCmd as CexecCmd, ON_POSIX as ON_POSIX
from pylcc._load import ClbcLoad as ClbcLoad
from pylcc._servers import (LBC_COMPILE_PORT as LBC_COMPILE_PORT, SEG_UNIT as SEG_UNIT, buffSize as buffSize,
                            segDecode as segDecode)
from pylcc.errors import *
from pylcc.lbcInclude import ClbcInclude as ClbcInclude
from pylcc.lbcMaps import Maps, _Record
from pylcc.perfEvent import *

__version__: str

class ClbcBase(Attach, ClbcLoad):
    maps: Maps
    def __init__(self, bpf: str | bytes, bpf_str: str | bytes = "", server: str = "", arch: str | bytes = "",
                 ver: str = "", env: str | bytes = "", attach: int = 1, workPath: str | bytes | None = None,
                 logLevel: int = -1, incPath: str | bytes | None = None, btf: bool | str | bytes | None = True,
                 opt: Literal["so"] = "so") -> None: ...
    def so(self) -> int: ...
    def getMap(self, name: str, data: _Record, size: int) -> Any: ...
    def waitInterrupt(self, cb: Callable[[], object] | None = None) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None, /) -> None: ...

class ClbcApp(ClbcBase):
    def loop(self) -> None: ...

class CeventThread(threading.Thread):
    def __init__(self, lbc: ClbcBase, event: str, cb: Callable[[int, Any], object],
                 lost: Callable[[int, int], object] | None = None) -> None: ...
    lost: Callable[[int, int], object] | None
    def cb(self, cpu: int, data: int, size: int) -> None: ...

def getCwd(pathStr: str) -> str: ...
