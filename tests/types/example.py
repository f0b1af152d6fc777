"""A script with types, as its author would check it: mypy --strict example.py."""

import argparse
from typing import Any

from pylcc import CompileException
from pylcc.lbcBase import CeventThread, ClbcBase, InvalidArgsException
from pylcc.lbcMaps import CmapsEvent, CmapsHash, CmapsHist2, CmapsStack
from pylcc.lbcStack import ClbcUstack, getKStacks
from pylcc.perfEvent import *
from surftrace import CexecCmd, DbException, setupParser, surftrace
from surftrace.surfElf import CelfKsym
from surftrace.surfThread import CsurfThread


class Opened(ClbcBase):
    def __init__(self, flags: str) -> None:
        super(Opened, self).__init__("opened", attach=0, env=flags)
        self.names: set[str] = set()
        self.attachKprobe("entered", "do_sys_openat2")
        self.attachUprobe(b"read", -1, "/bin/bash", offset=0x1000)
        self.traceUprobes("read", -1, "bash:readline")
        self.attachPerfEvent("tick", {"type": PerfType.SOFTWARE, "config": PerfSwIds.CPU_CLOCK, "sample_freq": "99", "freq": 1})

    def _cb(self, cpu: int, data: int, size: int) -> None:
        e = self.getMap("out", data, size)
        self.names.add(e.comm)
        print(cpu, e.comm, e["pid"], e.inner.deep[2])

    def _lost(self, cpu: int, count: int) -> None:
        print("CPU %d: %d lost" % (cpu, count))

    def loop(self) -> None:
        self.maps["out"].open_perf_buffer(self._cb, self._lost)
        self.maps["out"].perf_buffer_poll(timeout=1000)


    def wide(self) -> int:
        return sum(len(batch) + batch.lost + len(batch["pid"]) + batch[0].pid + len(batch[1:]) for batch in self.maps["out"].batches(100))

    async def each(self, out: CmapsEvent) -> None:
        async for e in out:
            print(e.comm)
        async for batch in out.batches():
            print(batch.cpu, batch.array, out.dtype, out.fileno())


def show(counts: CmapsHash, sizes: CmapsHist2, stacks: CmapsStack) -> list[str]:
    counts[3] = {"calls": 1}
    counts.update({4: (1,)})
    del counts[3]
    for key, value in counts.items():
        print(key, value.calls, key in counts, len(counts))
    sizes.showHist("sizes", [1, None, 3])
    addresses = stacks.getArr(7) or []
    return stacks.getStacks(7, 3) + getKStacks(stacks, 7, CelfKsym()) + ClbcUstack(1, addresses).dumpStacks()


def event(cpu: int, e: Any) -> None:
    print(cpu, e.comm)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--flags", default="")
    try:
        with Opened(parser.parse_args().flags) as opened:
            CeventThread(opened, "more", event)
            opened.loop()
            print(show(opened.maps["counts"], opened.maps["sizes"], opened.maps["stacks"]), opened.maps["counts"].get())
    except CompileException as e:
        print(e.log)
        return 1
    except (InvalidArgsException, DbException) as e:
        print(e.message, e.errno)
        return 1
    surf = surftrace(["e sched/sched_process_fork"], setupParser("local"), cb=print)
    surf.start()
    surf.stop()
    CsurfThread(["e sched/sched_process_fork"], cb=print).start()
    return len(CexecCmd.cmd("uname -r"))
