from typing import Any, Literal

from .ftrace import ftrace

__all__ = ["surfGraph", "main"]

class surfGraph(ftrace):
    def __init__(self, symbol: str, mode: Literal["raw", "tree", "walk"] = "raw", output: Any = True, step: Any = True) -> None: ...

def main() -> None: ...
