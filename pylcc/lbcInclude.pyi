__version__: str

__all__ = ["ClbcInclude", "INCLUDE_MAX"]

INCLUDE_MAX: int

class ClbcInclude:
    def __init__(self, workPath: str | bytes | None = None, incPath: str | bytes | None = None) -> None: ...
    def parse(self, src: str | bytes) -> str: ...
