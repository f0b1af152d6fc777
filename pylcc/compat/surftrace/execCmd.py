"""Running other programs: see pylcc.lbcBase.CexecCmd."""

from pylcc._exec import CasyncCmdQue, CasyncPipe, CexecCmd, ON_POSIX

__all__ = ["CexecCmd", "CasyncPipe", "CasyncCmdQue", "ON_POSIX"]
