from pylcc._exec import ON_POSIX, CasyncCmdQue, CasyncPipe, CexecCmd

__all__ = ["CexecCmd", "CasyncPipe", "CasyncCmdQue", "ON_POSIX"]
