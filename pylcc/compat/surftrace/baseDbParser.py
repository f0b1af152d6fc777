"""Functions and types of a kernel from an SQLite database, as the server of old made them."""

import contextlib
import json
import os

from pylcc.errors import DbException

__all__ = ["CbaseDbParser", "CbaseParser", "DbException"]

_FUNCTIONS = "SELECT func, args, ret, line, files.file FROM funs, files WHERE files.id = funs.fid AND "


class CbaseParser(object):
    """Who knows the functions and types of a kernel. Each call returns {"log": "ok.", "res": ...}."""

    @staticmethod
    def _checkRes(res):
        return bool(res) and res.get("log") == "ok." and bool(res.get("res"))


class CbaseDbParser(CbaseParser):
    """Reads the database in file dbPath. DbException when it is not there, or is none."""

    def __init__(self, dbPath):
        if not os.path.exists(dbPath):
            raise DbException("db %s is not exist." % dbPath)
        self._path = dbPath

    def _rows(self, query, *values):
        try:
            import sqlite3
        except ImportError as e:
            raise DbException("read db %s: %s (this Python was built without SQLite)" % (self._path, e))
        try:
            with contextlib.closing(sqlite3.connect(self._path)) as db:  # a connection belongs to its thread
                return db.execute(query, values).fetchall()
        except sqlite3.Error as e:
            raise DbException("read db %s: %s" % (self._path, e))

    def getFunc(self, func, ret=None, arg=None):
        """Prototypes of the function func, or of those that a pattern with % matches: [{"func", "args",
        "ret", "line", "file"}]; ret, arg: those that return, or take, a type."""
        wanted, values = [], []
        if func:
            wanted, values = ["func LIKE ?" if "%" in func else "func = ?"], [func]
        if ret is not None:
            wanted.append("ret IN (?, ?)")
            values += [ret, "static " + ret]
        if arg is not None:
            wanted.append("EXISTS (SELECT 1 FROM json_each(funs.args) WHERE json_each.value = ?)")
            values.append(arg)
        rows = self._rows(_FUNCTIONS + " AND ".join(wanted or ["1"]) + " LIMIT 100", *values)
        return _ok([{"func": r[0], "args": json.loads(r[1]), "ret": r[2], "line": r[3], "file": r[4]} for r in rows])

    def getStruct(self, sStruct):
        """The struct sStruct: {"name", "members", "size", "cell": [{"type", "offset", "size", "bits",
        "name"}]}; a list without cells for a pattern with %; None when there is none."""
        rows = self._rows("SELECT id, name, members, bytes FROM structs WHERE name %s ? LIMIT 10" % ("LIKE" if "%" in sStruct else "="), sStruct)
        found = [{"name": r[1], "members": r[2], "size": r[3]} for r in rows]
        if "%" in sStruct:
            return _ok(found)
        if not found:
            return _ok(None)
        cells = self._rows("SELECT types, offset, bytes, bits, name FROM members WHERE fid = ?", rows[0][0])
        return _ok(dict(found[0], cell=[dict(zip(("type", "offset", "size", "bits", "name"), cell)) for cell in cells]))

    def getType(self, t):
        """The type t: {"name", "type", "size"}; None when there is none."""
        # The first row is for all pointers.
        pointer = "*" in t
        rows = self._rows("SELECT name, alias, bytes FROM types WHERE %s = ?" % ("id" if pointer else "name"), 1 if pointer else t)
        return _ok(dict(zip(("name", "type", "size"), rows[0])) if rows else None)


def _ok(found):
    return {"log": "ok.", "res": found}
