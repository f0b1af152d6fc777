from collections.abc import Callable, Iterable
from typing import Any

from pylcc._cffi import CffiTrans
from pylcc._tables import (CmapsArray, CmapsBase, CmapsBloom, CmapsHash, CmapsHolder, CmapsLruHash, CmapsLruPerHash,
                           CmapsPerArray, CmapsPerHash, CmapsQueue, CtableBase, CtypeData, CtypeTable)
from pylcc._values import Value

__version__: str

__all__ = ["CmapsBase", "CmapsEvent", "CtableBase", "CmapsHash", "CmapsArray", "CmapsLruHash", "CmapsPerHash",
           "CmapsPerArray", "CmapsLruPerHash", "CmapsHist2", "CmapsHist10", "CmapsStack", "CmapsHolder", "CmapsQueue",
           "CmapsBloom", "CeventBase", "CtypeData", "CtypeTable", "CffiValue", "CffiTrans", "CffiObj", "mapsDict"]

class CmapsEvent(CmapsBase):
    cb: Callable[[int, int, int], object] | None
    lostcb: Callable[[int, int], object]
    def __init__(self, *arguments: Any) -> None: ...
    def open_perf_buffer(self, cb: Callable[[int, int, int], object] | None,
                         lost: Callable[[int, int], object] | None = None) -> None: ...
    def perf_buffer_poll(self, timeout: float = -1, obj: Any = None) -> None: ...
    def event(self, data: int | bytes | Iterable[int]) -> Any: ...

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

class Maps(dict[str, Any]):  # each is a class of its own: CmapsHash, CmapsEvent ...
    def __init__(self, session: Any) -> None: ...
    def __missing__(self, name: str | bytes) -> Any: ...
