import ctypes
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, NoReturn

from pylcc._batch import Batches
from pylcc._cffi import CffiTrans
from pylcc._tables import (CmapsArray, CmapsBase, CmapsBloom, CmapsHash, CmapsHolder, CmapsLruHash, CmapsLruPerHash,
                           CmapsPerArray, CmapsPerHash, CmapsQueue, CtableBase, CtypeData, CtypeTable)
from pylcc._values import Value

_Record = (int | bytes | bytearray | memoryview | Sequence[int] | ctypes.Array[Any] | ctypes.Structure | ctypes.Union | ctypes.c_void_p
           | ctypes.c_char_p | ctypes._Pointer[Any])

__version__: str

__all__ = ["CmapsBase", "CmapsEvent", "CtableBase", "CmapsHash", "CmapsArray", "CmapsLruHash", "CmapsPerHash",
           "CmapsPerArray", "CmapsLruPerHash", "CmapsHist2", "CmapsHist10", "CmapsStack", "CmapsHolder", "CmapsQueue",
           "CmapsBloom", "CeventBase", "CtypeData", "CtypeTable", "CffiValue", "CffiTrans", "CffiObj", "mapsDict",
           "paserMaps"]

class CmapsEvent(CmapsBase):
    cb: Callable[[int, int, int], object] | None
    lostcb: Callable[[int, int], object]
    @property
    def ffiType(self) -> str: ...
    def __init__(self, session: Any, types: Any, index: int) -> None: ...
    def open_perf_buffer(self, cb: Callable[[int, int, int], object] | None,
                         lost: Callable[[int, int], object] | None = None) -> None: ...
    def perf_buffer_poll(self, timeout: float = -1, obj: Any = None) -> None: ...
    def batches(self, timeout: float = -1) -> Batches: ...
    def __aiter__(self) -> AsyncIterator[Any]: ...
    @property
    def dtype(self) -> Any: ...  # numpy.dtype
    def event(self, data: _Record) -> Any: ...

CeventBase = CmapsEvent
CffiValue = Value
CffiObj = CffiTrans

class CmapsHist(CmapsArray):
    buckets: int
    base: int
    def get(self, size: int | None = None) -> list[Any]: ...
    @staticmethod
    def limit(bucket: int) -> int: ...
    def showHist(self, head: str = "dummy", array: Iterable[int | None] | None = None) -> None: ...

class CmapsHist2(CmapsHist): ...
class CmapsHist10(CmapsHist): ...

class CmapsStack(CtableBase):
    def getStacks(self, stack_id: int, sLen: int = -1) -> list[str]: ...
    def getArr(self, stack_id: int) -> list[int] | None: ...

mapsDict: dict[str, type[CmapsBase]]

def paserMaps(so: Any, name: str, dTypes: Any) -> NoReturn: ...

class Maps(dict[str, Any]):  # each is a class of its own: CmapsHash, CmapsEvent ...
    def __init__(self, session: Any) -> None: ...
    def __missing__(self, name: str | bytes) -> Any: ...
