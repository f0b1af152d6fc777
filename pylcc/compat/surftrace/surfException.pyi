from pylcc.errors import (DbException, ExecException, ExprException, FileNotEmptyException, FileNotExistException,
                          InvalidArgsException, LccException, RootRequiredException)

BaseException = LccException

__all__ = ["BaseException", "RootRequiredException", "FileNotExistException", "FileNotEmptyException",
           "InvalidArgsException", "DbException", "ExprException", "ExecException"]
