"""Names that scripts import: where they are, and that none exists twice."""

import importlib
import os
import pkgutil
import subprocess
import sys

import pytest

import coolbpf
import pylcc
import surftrace
from programs import counters, load
from pylcc import errors, perfEvent

PUBLISHED = {
    "pylcc": "ClbcBase CexecCmd CeventThread ClbcLoad ClbcApp InvalidArgsException mapsDict CmapsHash PerfType LBC_COMPILE_PORT",
    "pylcc.lbcBase": "ClbcBase CexecCmd CeventThread ClbcLoad ClbcApp ClbcInclude getCwd LBC_COMPILE_PORT SEG_UNIT buffSize segDecode ON_POSIX PerfType PerfSwIds PERF_ATTR_SIZE_VER5 "
                     "InvalidArgsException RootRequiredException FileNotExistException DbException",
    "pylcc.perfEvent": " ".join(perfEvent.__all__),
    "pylcc.lbcMaps": "CmapsEvent CmapsHash CmapsArray CmapsHist2 CmapsHist10 CmapsLruHash CmapsPerHash CmapsPerArray CmapsLruPerHash CmapsStack CeventBase "
                     "CtableBase CtypeData CtypeTable CffiValue CffiTrans CffiObj mapsDict paserMaps",
    "pylcc.lbcInclude": "ClbcInclude INCLUDE_MAX",
    "pylcc.localExceptions": "FileNotExistException FileNotEmptyException InvalidArgsException RootRequiredException",
    "surftrace": "CexecCmd CasyncPipe CasyncCmdQue ON_POSIX getValueFromStr headTrans invHeadTrans spiltInputLine ClbcClient CuprobeParser BaseException "
                 "RootRequiredException FileNotExistException FileNotEmptyException InvalidArgsException DbException ExprException ExecException "
                 "surftrace setupParser main ftrace CdbParser CgdbParser CuprobeParser Cfxpr save2File cmdStrings examples re sys os argparse traceback",
    "surftrace.surftrace": "surftrace setupParser main",
    "surftrace.ftrace": "ftrace save2File cmdStrings",
    "surftrace.fxpr": "Cfxpr",
    "surftrace.dbParser": "CdbParser",
    "surftrace.gdbParser": "CgdbParser",
    "surftrace.surfGraph": "surfGraph main",
    "surftrace.surfThread": "CsurfThread",
    "surftrace.execCmd": "CexecCmd CasyncPipe CasyncCmdQue ON_POSIX",
    "surftrace.surfException": "BaseException RootRequiredException FileNotExistException FileNotEmptyException InvalidArgsException DbException "
                               "ExprException ExecException",
    "surftrace.surfCommon": "CsurfList transProbeLine taskList HIST2_MAX HIST10_MAX HIST_UNIT",
    "pylcc.lbcStack": "getKStacks ClbcUstack",
    "surftrace.surfElf": "CelfBase CelfKsym CelfSym CksymFast CstructKsym SYMNAME getCwd",
    "surftrace.uprobeParser": "CuprobeParser",
    "surftrace.lbcClient": "ClbcClient segEncode segDecode SEG_UNIT LBC_COMPILE_PORT",
    "surftrace.headTrans": "headTrans invHeadTrans getValueFromStr",
    "surftrace.regSplit": "splitExpr spiltInputLine unpackRes isStruct stripPoint regIndex transReg maxNameString probeReserveVars archRegd",
    "surftrace.baseDbParser": "CbaseDbParser",
    "surftrace.prevPareser": "CprevPareser",
    "surftrace.kobuild": "CkoBuilder main",
}


def modules():
    for package in (coolbpf, pylcc, surftrace):
        for _, name, _ in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not name.endswith("__main__") and not (name.endswith("._asyncio") and sys.version_info < (3,)):
                yield importlib.import_module(name)


@pytest.mark.parametrize("module", sorted(PUBLISHED))
def test_names_are_there(module):
    found = {}
    exec("from %s import *" % module, found)
    missing = [name for name in PUBLISHED[module].split() if name not in found]
    assert not missing


def test_no_name_exists_twice():
    seen, kinds = {}, 0
    for module in modules():
        assert module.__name__.split(".")[0] in ("coolbpf", "pylcc", "surftrace") and ".compat" not in module.__name__
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if isinstance(value, type):
                kinds += 1
                assert seen.setdefault(name, value) is value, "%s of %s" % (name, module.__name__)
    assert kinds > 40 and seen["CexecCmd"] is pylcc.lbcBase.CexecCmd is surftrace.CexecCmd


def test_what_is_left_of_servers():
    """None is needed, or loaded, for these."""
    script = ("import sys, pylcc.lbcBase as l\nassert 'surftrace' not in sys.modules\n"
              "import surftrace.lbcClient as c\nprint(l.segDecode is c.segDecode and (l.SEG_UNIT, l.segDecode(c.segEncode(b'abc' * 9999)) == b'abc' * 9999))")
    assert subprocess.check_output([sys.executable, "-B", "-c", script], cwd="/").split() == [b"(4096,", b"True)"]


def test_the_type_of_a_record(tmpdir):
    source = ("struct pair_t { u32 a; };\ntypedef struct { u32 x; } td;\ntypedef u32 many[4];\nLBC_PERF_OUTPUT(a, struct pair_t, 8);\nLBC_PERF_OUTPUT(b, u32, 8);\n"
              "LBC_PERF_OUTPUT(c, td, 8);\nLBC_PERF_OUTPUT(d, many, 8);\nstruct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } e SEC(\".maps\");\n")
    with load(tmpdir, counters("LBC_HASH(m, u32, u32, 8);\n" + source)) as lbc:
        assert [lbc.maps[name].ffiType for name in "abcde"] == ["struct pair_t *", "u32 *", "td *", "many *", ""]


def test_exceptions_are_those_of_errors():
    from pylcc import localExceptions
    from surftrace import surfException
    for module in (surfException, localExceptions, surftrace):
        for name in getattr(module, "__all__", surfException.__all__):
            assert getattr(module, name) is getattr(errors, "LccException" if name == "BaseException" else name), name
    assert surfException.BaseException is not getattr(__import__("builtins" if str is not bytes else "__builtin__"), "BaseException")


@pytest.mark.parametrize("name", errors.__all__)
def test_what_an_exception_carries(name):
    kind = getattr(errors, name)
    e = kind("do a thing: it broke", "the log", 2)
    assert (str(e), e.message, e.log, e.errno) == ("do a thing: it broke", "do a thing: it broke", "the log", 2)
    assert issubclass(kind, errors.LccException) and kind("only text").log == ""
    caught = [old for old in (errors.InvalidArgsException, errors.DbException, errors.FileNotExistException, errors.RootRequiredException, OSError)
              if issubclass(kind, old)]
    assert caught or name in ("LccException", "FileNotEmptyException", "InternalException")
    if name == "CompileException":
        assert caught == [errors.InvalidArgsException, errors.DbException]


def test_an_upstream_script_catches_as_it_did(tmpdir):
    from surftrace.surfException import BaseException as Base, DbException, InvalidArgsException
    for kind in (Base, DbException, InvalidArgsException):
        with pytest.raises(kind) as e:
            load(tmpdir, "int f( {")
        assert e.value.message == str(e.value) and "error" in e.value.log


def test_perf_constants_are_the_kernels(tmpdir):
    """The enums are declared as values of maps: their numbers come from this kernel's BTF."""
    enums = {"perf_type_id": ("PERF_TYPE_", perfEvent.PerfType), "perf_hw_id": ("PERF_COUNT_HW_", perfEvent.PerfHWConfig),
             "perf_hw_cache_id": ("PERF_COUNT_HW_CACHE_", perfEvent.PerfHWCacheId),
             "perf_hw_cache_op_id": ("PERF_COUNT_HW_CACHE_OP_", perfEvent.PerfHWCacheOpId),
             "perf_hw_cache_op_result_id": ("PERF_COUNT_HW_CACHE_RESULT_", perfEvent.PerfHWCacheOpResultId),
             "perf_sw_ids": ("PERF_COUNT_SW_", perfEvent.PerfSwIds),
             "perf_event_sample_format": ("PERF_SAMPLE_", perfEvent.PerfEventSampleFormat),
             "perf_branch_sample_type": ("PERF_SAMPLE_BRANCH_", perfEvent.PerfBranchSampleType),
             "perf_event_read_format": ("PERF_FORMAT_", perfEvent.PerfEventReadFormat)}
    declarations = "".join("LBC_HASH(m_%d, u32, enum %s, 1);\n" % (i, name) for i, name in enumerate(sorted(enums)))
    with load(tmpdir, counters("LBC_HASH(m, u32, u32, 8);\n" + declarations)) as lbc:
        described = lbc._ClbcBase__session.description
        compared = 0
        for kind in described["types"]:
            if kind["kind"] == "enum" and kind["name"] in enums:
                prefix, constants = enums[kind["name"]]
                for name, number in kind["values"].items():
                    short = name[len(prefix):]
                    if name.startswith(prefix) and hasattr(constants, short) and short != "MAX":
                        assert getattr(constants, short) == number, name
                        compared += 1
        assert compared > 80
    e = perfEvent
    assert (e.PerfFlag.FD_CLOEXEC, e.PerfBreakPointType.X, e.PerfBreakPointLen.LEN_8) == (8, 4, 8)
    assert [getattr(e, "PERF_ATTR_SIZE_VER%d" % n) for n in range(9)] == [64, 72, 80, 96, 104, 112, 120, 128, 136]
    assert e.PERF_SAMPLE_WEIGHT_TYPE == 1 << 14 | 1 << 24 and e.PERF_SAMPLE_BRANCH_PLM_ALL == 7


def test_two_imports_of_old(tmpdir):
    """In a process of their own, in the order in which scripts have them."""
    script = ("from surftrace import CexecCmd\nfrom pylcc import ClbcBase\nfrom pylcc.perfEvent import *\nimport pylcc.lbcBase, surftrace.execCmd\n"
              "assert CexecCmd is pylcc.lbcBase.CexecCmd is surftrace.execCmd.CexecCmd and ClbcBase is pylcc.lbcBase.ClbcBase\n"
              "assert BaseException.__module__ != 'pylcc.errors'\nprint(PerfType.BREAKPOINT)")
    assert subprocess.check_output([sys.executable, "-B", "-c", script], cwd=str(tmpdir), env=dict(os.environ, PYTHONPATH="")).split() == [b"5"]
