"""The database that is asked before all others."""

import os

from pylcc.errors import DbException
from .baseDbParser import CbaseDbParser

__all__ = ["CprevPareser", "CbaseDbParser", "DbException"]


class CprevPareser(CbaseDbParser):
    """The database in file dbPath, or in the one that LBC_PREVDB names; .exist says whether it is
    there: each call raises DbException where it is not."""

    def __init__(self, dbPath="prev.db"):
        try:
            super(CprevPareser, self).__init__(os.environ.get("LBC_PREVDB") or dbPath)
            self.exist = True
        except DbException as e:
            self.exist, self._missing = False, str(e)

    def _rows(self, query, *values):
        if not self.exist:
            raise DbException(self._missing)
        return super(CprevPareser, self)._rows(query, *values)


def previous():
    """The database that LBC_PREVDB names, in a list; else none."""
    found = CprevPareser() if os.environ.get("LBC_PREVDB") else None
    return [found] if found and found.exist else []


def first(parsers, call, *arguments):
    """What the first of the parsers says that knows something; else what the last one says."""
    for parser in parsers:
        answer = getattr(parser, call)(*arguments)
        if parser._checkRes(answer):
            break
    return answer
