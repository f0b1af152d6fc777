from collections.abc import Iterable
from typing import Literal, TypeVar

from pylcc._values import Text

_T = TypeVar("_T")

class ClbcLoad:
    def __init__(self, bpf: str | bytes, bpf_str: str | bytes = "", server: str = "", arch: str | bytes = "",
                 ver: str | bytes = "", env: str | bytes = "", workPath: str | bytes | None = None,
                 incPath: str | bytes | None = None, logLevel: int = -1, btf: bool | str | bytes | None = True,
                 opt: Literal["so", "obj", "combine"] = "so") -> None: ...
    @staticmethod
    def c2str(data: str | bytes | Iterable[int]) -> Text: ...
    @staticmethod
    def c2list(data: Iterable[_T]) -> list[_T]: ...
