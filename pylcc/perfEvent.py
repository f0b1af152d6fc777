"""The constants of perf_event_open(2), for the attach calls that take a perf_event_attr.

    attr = {"type": PerfType.SOFTWARE, "config": PerfSwIds.PAGE_FAULTS, "sample_period": 1}

MAX is the number after the last one here; an older kernel knows fewer."""

from pylcc._identity import VERSION as __version__  # noqa: F401

__all__ = ["PerfType", "PerfHWConfig", "PerfHWCacheId", "PerfHWCacheOpId", "PerfHWCacheOpResultId", "PerfSwIds",
           "PerfEventSampleFormat", "PerfBranchSampleType", "PerfBranch", "PerfEventReadFormat", "PerfBreakPointLen",
           "PerfBreakPointType", "PerfFlag", "PERF_SAMPLE_WEIGHT_TYPE", "PERF_SAMPLE_BRANCH_PLM_ALL",
           "PERF_ATTR_SIZE_VER0", "PERF_ATTR_SIZE_VER1", "PERF_ATTR_SIZE_VER2", "PERF_ATTR_SIZE_VER3",
           "PERF_ATTR_SIZE_VER4", "PERF_ATTR_SIZE_VER5", "PERF_ATTR_SIZE_VER6", "PERF_ATTR_SIZE_VER7",
           "PERF_ATTR_SIZE_VER8"]


class PerfType(object):
    """type: PERF_TYPE_*"""
    HARDWARE, SOFTWARE, TRACEPOINT, HW_CACHE, RAW, BREAKPOINT, MAX = range(7)


class PerfHWConfig(object):
    """config of PerfType.HARDWARE: PERF_COUNT_HW_*"""
    (CPU_CYCLES, INSTRUCTIONS, CACHE_REFERENCES, CACHE_MISSES, BRANCH_INSTRUCTIONS, BRANCH_MISSES, BUS_CYCLES,
     STALLED_CYCLES_FRONTEND, STALLED_CYCLES_BACKEND, REF_CPU_CYCLES, MAX) = range(11)


class PerfHWCacheId(object):
    """config of PerfType.HW_CACHE, bits 0 to 7: PERF_COUNT_HW_CACHE_*"""
    L1D, L1I, LL, DTLB, ITLB, BPU, NODE, MAX = range(8)


class PerfHWCacheOpId(object):
    """config of PerfType.HW_CACHE, bits 8 to 15: PERF_COUNT_HW_CACHE_OP_*"""
    READ, WRITE, PREFETCH, MAX = range(4)


class PerfHWCacheOpResultId(object):
    """config of PerfType.HW_CACHE, bits 16 to 23: PERF_COUNT_HW_CACHE_RESULT_*"""
    ACCESS, MISS, MAX = range(3)


class PerfSwIds(object):
    """config of PerfType.SOFTWARE: PERF_COUNT_SW_*"""
    (CPU_CLOCK, TASK_CLOCK, PAGE_FAULTS, CONTEXT_SWITCHES, CPU_MIGRATIONS, PAGE_FAULTS_MIN, PAGE_FAULTS_MAJ,
     ALIGNMENT_FAULTS, EMULATION_FAULTS, DUMMY, BPF_OUTPUT, CGROUP_SWITCHES, MAX) = range(13)


class PerfEventSampleFormat(object):
    """sample_type: PERF_SAMPLE_*"""
    (IP, TID, TIME, ADDR, READ, CALLCHAIN, ID, CPU, PERIOD, STREAM_ID, RAW, BRANCH_STACK, REGS_USER, STACK_USER, WEIGHT,
     DATA_SRC, IDENTIFIER, TRANSACTION, REGS_INTR, PHYS_ADDR, AUX, CGROUP, DATA_PAGE_SIZE, CODE_PAGE_SIZE,
     WEIGHT_STRUCT, MAX) = (1 << bit for bit in range(26))


class PerfBranchSampleType(object):
    """branch_sample_type: PERF_SAMPLE_BRANCH_*"""
    (USER, KERNEL, HV, ANY, ANY_CALL, ANY_RETURN, IND_CALL, ABORT_TX, IN_TX, NO_TX, COND, CALL_STACK, IND_JUMP, CALL,
     NO_FLAGS, NO_CYCLES, TYPE_SAVE, HW_INDEX, PRIV_SAVE, COUNTERS, MAX) = (1 << bit for bit in range(21))


class PerfBranch(object):
    """The kind of a sampled branch: PERF_BR_*"""
    (UNKNOWN, COND, UNCOND, IND, CALL, IND_CALL, RET, SYSCALL, SYSRET, COND_CALL, COND_RET, ERET, IRQ, SERROR, NO_TX,
     EXTEND_ABI, MAX) = range(17)


class PerfEventReadFormat(object):
    """read_format: PERF_FORMAT_*"""
    TOTAL_TIME_ENABLED, TOTAL_TIME_RUNNING, ID, GROUP, LOST, MAX = (1 << bit for bit in range(6))


class PerfBreakPointLen(object):
    """bp_len of PerfType.BREAKPOINT: HW_BREAKPOINT_LEN_*, in bytes"""
    LEN_1, LEN_2, LEN_3, LEN_4, LEN_5, LEN_6, LEN_7, LEN_8 = range(1, 9)


class PerfBreakPointType(object):
    """bp_type of PerfType.BREAKPOINT: HW_BREAKPOINT_*"""
    EMPTY, R, W, RW, X = range(5)


class PerfFlag(object):
    """flags of the attach calls: PERF_FLAG_*"""
    FD_NO_GROUP, FD_OUTPUT, PID_CGROUP, FD_CLOEXEC = 1, 2, 4, 8


PERF_SAMPLE_WEIGHT_TYPE = PerfEventSampleFormat.WEIGHT | PerfEventSampleFormat.WEIGHT_STRUCT
PERF_SAMPLE_BRANCH_PLM_ALL = PerfBranchSampleType.USER | PerfBranchSampleType.KERNEL | PerfBranchSampleType.HV

(PERF_ATTR_SIZE_VER0, PERF_ATTR_SIZE_VER1, PERF_ATTR_SIZE_VER2, PERF_ATTR_SIZE_VER3, PERF_ATTR_SIZE_VER4,
 PERF_ATTR_SIZE_VER5, PERF_ATTR_SIZE_VER6, PERF_ATTR_SIZE_VER7, PERF_ATTR_SIZE_VER8) = (
    64, 72, 80, 96, 104, 112, 120, 128, 136)
