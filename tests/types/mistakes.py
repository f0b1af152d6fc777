"""Mistakes, and what mypy says of each: "# error: CODE" at the end of its line."""

from pylcc.lbcBase import CeventThread, ClbcBase
from pylcc.lbcMaps import CmapsStack
from pylcc.lbcStack import ClbcUstack
from pylcc.perfEvent import PerfType
from surftrace import CexecCmd, surftrace
from surftrace.surfElf import CelfSym

ClbcBase("a", bpf_source="")  # error: call-arg
ClbcBase("a", opt="combine")  # error: arg-type
lbc = ClbcBase("a", bpf_str=b"")
lbc.attachKprobe("f")  # error: call-arg
lbc.attachUprobe("f", "1", "bash")  # error: arg-type
lbc.attachPerfEvent("f", [PerfType.SOFTWARE])  # error: arg-type
lbc.attachKretprobes("f", "g")  # error: attr-defined
lbc.waitInterrupt(3)  # error: arg-type
PerfType.SOFTWAER  # error: attr-defined
CeventThread(lbc, "e", print, 3)  # error: arg-type
ClbcUstack("1", [1])  # error: arg-type


def names(m: CmapsStack) -> list[str]:
    return m.getArr(3)  # error: return-value


CexecCmd.cmd(["ls"])  # error: arg-type
surftrace("p f", None, trace=1)  # error: call-arg
CelfSym(3).symAddr("f")  # error: arg-type
