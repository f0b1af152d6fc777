from pylcc.errors import DbException

from .baseDbParser import CbaseDbParser

__all__ = ["CprevPareser", "CbaseDbParser", "DbException"]

class CprevPareser(CbaseDbParser):
    exist: bool
    def __init__(self, dbPath: str = "prev.db") -> None: ...
