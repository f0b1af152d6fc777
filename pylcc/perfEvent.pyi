__version__: str

__all__ = ["PerfType", "PerfHWConfig", "PerfHWCacheId", "PerfHWCacheOpId", "PerfHWCacheOpResultId",
           "PerfSwIds", "PerfEventSampleFormat", "PerfBranchSampleType", "PerfBranch",
           "PerfEventReadFormat", "PerfBreakPointLen", "PerfBreakPointType", "PerfFlag",
           "PERF_SAMPLE_WEIGHT_TYPE", "PERF_SAMPLE_BRANCH_PLM_ALL", "PERF_ATTR_SIZE_VER0",
           "PERF_ATTR_SIZE_VER1", "PERF_ATTR_SIZE_VER2", "PERF_ATTR_SIZE_VER3", "PERF_ATTR_SIZE_VER4",
           "PERF_ATTR_SIZE_VER5", "PERF_ATTR_SIZE_VER6", "PERF_ATTR_SIZE_VER7", "PERF_ATTR_SIZE_VER8"]

class PerfType:
    HARDWARE: int
    SOFTWARE: int
    TRACEPOINT: int
    HW_CACHE: int
    RAW: int
    BREAKPOINT: int
    MAX: int

class PerfHWConfig:
    CPU_CYCLES: int
    INSTRUCTIONS: int
    CACHE_REFERENCES: int
    CACHE_MISSES: int
    BRANCH_INSTRUCTIONS: int
    BRANCH_MISSES: int
    BUS_CYCLES: int
    STALLED_CYCLES_FRONTEND: int
    STALLED_CYCLES_BACKEND: int
    REF_CPU_CYCLES: int
    MAX: int

class PerfHWCacheId:
    L1D: int
    L1I: int
    LL: int
    DTLB: int
    ITLB: int
    BPU: int
    NODE: int
    MAX: int

class PerfHWCacheOpId:
    READ: int
    WRITE: int
    PREFETCH: int
    MAX: int

class PerfHWCacheOpResultId:
    ACCESS: int
    MISS: int
    MAX: int

class PerfSwIds:
    CPU_CLOCK: int
    TASK_CLOCK: int
    PAGE_FAULTS: int
    CONTEXT_SWITCHES: int
    CPU_MIGRATIONS: int
    PAGE_FAULTS_MIN: int
    PAGE_FAULTS_MAJ: int
    ALIGNMENT_FAULTS: int
    EMULATION_FAULTS: int
    DUMMY: int
    BPF_OUTPUT: int
    CGROUP_SWITCHES: int
    MAX: int

class PerfEventSampleFormat:
    IP: int
    TID: int
    TIME: int
    ADDR: int
    READ: int
    CALLCHAIN: int
    ID: int
    CPU: int
    PERIOD: int
    STREAM_ID: int
    RAW: int
    BRANCH_STACK: int
    REGS_USER: int
    STACK_USER: int
    WEIGHT: int
    DATA_SRC: int
    IDENTIFIER: int
    TRANSACTION: int
    REGS_INTR: int
    PHYS_ADDR: int
    AUX: int
    CGROUP: int
    DATA_PAGE_SIZE: int
    CODE_PAGE_SIZE: int
    WEIGHT_STRUCT: int
    MAX: int

class PerfBranchSampleType:
    USER: int
    KERNEL: int
    HV: int
    ANY: int
    ANY_CALL: int
    ANY_RETURN: int
    IND_CALL: int
    ABORT_TX: int
    IN_TX: int
    NO_TX: int
    COND: int
    CALL_STACK: int
    IND_JUMP: int
    CALL: int
    NO_FLAGS: int
    NO_CYCLES: int
    TYPE_SAVE: int
    HW_INDEX: int
    PRIV_SAVE: int
    COUNTERS: int
    MAX: int

class PerfBranch:
    UNKNOWN: int
    COND: int
    UNCOND: int
    IND: int
    CALL: int
    IND_CALL: int
    RET: int
    SYSCALL: int
    SYSRET: int
    COND_CALL: int
    COND_RET: int
    ERET: int
    IRQ: int
    SERROR: int
    NO_TX: int
    EXTEND_ABI: int
    MAX: int

class PerfEventReadFormat:
    TOTAL_TIME_ENABLED: int
    TOTAL_TIME_RUNNING: int
    ID: int
    GROUP: int
    LOST: int
    MAX: int

class PerfBreakPointLen:
    LEN_1: int
    LEN_2: int
    LEN_3: int
    LEN_4: int
    LEN_5: int
    LEN_6: int
    LEN_7: int
    LEN_8: int

class PerfBreakPointType:
    EMPTY: int
    R: int
    W: int
    RW: int
    X: int

class PerfFlag:
    FD_NO_GROUP: int
    FD_OUTPUT: int
    PID_CGROUP: int
    FD_CLOEXEC: int

PERF_SAMPLE_WEIGHT_TYPE: int
PERF_SAMPLE_BRANCH_PLM_ALL: int
PERF_ATTR_SIZE_VER0: int
PERF_ATTR_SIZE_VER1: int
PERF_ATTR_SIZE_VER2: int
PERF_ATTR_SIZE_VER3: int
PERF_ATTR_SIZE_VER4: int
PERF_ATTR_SIZE_VER5: int
PERF_ATTR_SIZE_VER6: int
PERF_ATTR_SIZE_VER7: int
PERF_ATTR_SIZE_VER8: int
