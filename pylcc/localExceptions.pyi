from pylcc.errors import FileNotEmptyException, FileNotExistException, InvalidArgsException, RootRequiredException

__all__ = ["FileNotExistException", "FileNotEmptyException", "InvalidArgsException", "RootRequiredException"]
