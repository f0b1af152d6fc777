"""The exceptions of pylcc.errors, under the names that surftrace had for them.

BaseException is the base of all of them, not Python's: "except BaseException" after a star import
catches these alone, as it always did."""

from pylcc.errors import (DbException, ExecException, ExprException, FileNotEmptyException, FileNotExistException,
                          InvalidArgsException, LccException, RootRequiredException)

BaseException = LccException

__all__ = ["BaseException", "RootRequiredException", "FileNotExistException", "FileNotEmptyException",
           "InvalidArgsException", "DbException", "ExprException", "ExecException"]
