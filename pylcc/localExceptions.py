"""The exceptions under the name that they had first."""

from pylcc.errors import FileNotEmptyException, FileNotExistException, InvalidArgsException, RootRequiredException

__all__ = ["FileNotExistException", "FileNotEmptyException", "InvalidArgsException", "RootRequiredException"]
