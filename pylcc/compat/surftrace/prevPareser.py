"""The database that is asked before all others."""

import os

from pylcc.errors import DbException
from surftrace.baseDbParser import CbaseDbParser

__all__ = ["CprevPareser", "CbaseDbParser", "DbException"]


class CprevPareser(CbaseDbParser):
    """The database in file dbPath, or in the one that LBC_PREVDB names; .exist says whether it is there."""

    def __init__(self, dbPath="prev.db"):
        try:
            super(CprevPareser, self).__init__(os.environ.get("LBC_PREVDB") or dbPath)
            self.exist = True
        except DbException:
            self.exist = False
