from collections.abc import Iterable
from typing import Protocol

from pylcc.lbcMaps import CmapsStack

__version__: str

__all__ = ["getKStacks", "ClbcUstack"]

class _Kernel(Protocol):
    def ksymSearch(self, addr: int, /) -> tuple[str, int]: ...

def getKStacks(maps: CmapsStack, stack_id: int, elfSym: _Kernel, sLen: int = -1) -> list[str]: ...

class ClbcUstack:
    def __init__(self, pid: int, addrs: Iterable[int] | None) -> None: ...
    def dumpStacks(self) -> list[str]: ...
