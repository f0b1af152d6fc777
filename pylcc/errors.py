"""What pylcc raises.

Every exception has ``str(e)``, one line "operation subject: cause (hint)"; ``e.log``, the whole
compiler output or verifier log ("" where there is none); and ``e.errno``, the operating system's
number or 0. Old scripts catch InvalidArgsException, DbException, FileNotExistException and
RootRequiredException; all that can happen to a correct call is a subclass of one of these.
"""

from pylcc._identity import VERSION as __version__  # noqa: F401

__all__ = ["LccException", "InvalidArgsException", "DbException", "CompileException",
           "FileNotExistException", "FileNotEmptyException", "RootRequiredException", "LoadException",
           "AttachException", "ClosedException", "UnknownMapException", "IncludeException", "ExprException",
           "ForkException", "SystemException", "ExecException", "InternalException"]


class LccException(Exception):
    """The base of all; never raised itself.

    message  one line: operation subject: cause (hint); the text of the exception
    log      all that the compiler or the verifier said, "" where neither did
    errno    the operating system's number of the error, or 0"""

    def __init__(self, message="", log="", errno=0):
        if str is bytes and isinstance(message, type(u"")):  # a caller's name was in it
            message = message.encode("utf-8")
        Exception.__init__(self, message)
        self.message = message
        self.log = log
        self.errno = errno

    def __str__(self):
        return self.message

    def __reduce__(self):
        return type(self), (self.message, self.log, self.errno)


class InvalidArgsException(LccException):
    """The caller's argument, source or object is wrong."""


class DbException(LccException):
    """Compiling failed (the name is of the time when a server did it)."""


class CompileException(InvalidArgsException, DbException):
    """The C source does not compile; ``log`` has the compiler's output."""


class FileNotExistException(LccException):
    """A file that should be there is not."""


class FileNotEmptyException(LccException):
    """Something is in use that should be free; kept for scripts that catch it."""


class RootRequiredException(LccException):
    """The process lacks a capability, named in the message."""


class LoadException(InvalidArgsException):
    """The kernel refused a map or a program; ``log`` has the verifier's output."""


class AttachException(InvalidArgsException):
    """A program was loaded but could not be attached; everything is undone."""


class ClosedException(InvalidArgsException):
    """The object was closed."""


class UnknownMapException(InvalidArgsException, KeyError):
    """The object has no map of that name; the message says which it has."""


class IncludeException(InvalidArgsException, ValueError):
    """A header that ClbcInclude cannot put into a source."""


class ExprException(InvalidArgsException):
    """An expression of surftrace is wrong, such as "p do_sys_open name=%1->nothing"."""


class ForkException(InvalidArgsException):
    """The object belongs to the parent process."""


class SystemException(LccException, OSError):
    """The operating system could not: disk, memory, file descriptors."""

    def __init__(self, message="", log="", errno=0):
        LccException.__init__(self, message, log, errno)
        self.errno = errno


class ExecException(SystemException):
    """Another program could not be run, or did not answer."""


class InternalException(LccException):
    """A defect of coolbpf; ``log`` has the stack."""
