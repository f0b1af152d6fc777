"""name_functions.py ours PRODUCER PID ADDRESS | bcc - PID ADDRESS: seconds to name functions. Says NAME
SECONDS, a line each: first and next, of the kernel; user, at an address of a process that has many;
stacks, of 10,000 different ones (ours)."""

import random
import subprocess
import sys

import shared

ADDRESSES, STACKS = 5000, 10000

# Each call goes another way down, so that each stack differs: by the places in the functions of the
# program that are on it. No two of these are so alike that the compiler makes one of them.
WAYS, LEVELS = 5, 6
LAST = "__noinline int level%d(struct bpf_raw_tracepoint_args *ctx, u32 n)\n" \
    "{\n    return bpf_get_stackid(ctx, &stacks, KERN_STACKID_FLAGS) + n;\n}\n"
LEVEL = "__noinline int level%d(struct bpf_raw_tracepoint_args *ctx, u32 n)\n" \
    "{\n    int r = 0;\n    switch (n %% %d) {\n%s    }\n    return r;\n}\n"
WAY = '    case %d: asm volatile("%%0 += %d" : "+r"(n)); r = level%d(ctx, n / %d); asm volatile("%%0 ^= %d" : "+r"(r)); break;\n'
PROBE = """
SEC("raw_tracepoint/sys_enter") int probe(struct bpf_raw_tracepoint_args *ctx)
{
FILTER
    level1(ctx, number++);
    return 0;
}
"""


def stacks(producer):
    """The map, filled, and the numbers of its stacks."""
    from pylcc.lbcBase import ClbcBase

    def level(n):
        return LEVEL % (n, WAYS, "".join(WAY % (i, i * WAYS ** LEVELS, n + 1, WAYS, i + 1) for i in range(WAYS)))

    source = '#include "lbc.h"\nLBC_STACK(stacks, 65536);\nu32 number;\n' + LAST % (LEVELS + 1) + \
        "".join(level(n) for n in range(LEVELS, 0, -1)) + PROBE.replace("FILTER", shared.FILTER) + shared.LICENSE
    table = ClbcBase("stacks", bpf_str=source).maps["stacks"]
    subprocess.check_output([producer, "calls", str(WAYS ** LEVELS), "0"])
    return table, table.getKeys()[:STACKS]


def kernel_addresses():
    """Of functions all over the kernel, in no order."""
    with open("/proc/kallsyms") as f:
        found = [int(line.split()[0], 16) for line in f if line.split()[1] in "tT"]
    return [address + 4 for address in random.Random(5).sample(found, ADDRESSES)]


def seconds(work):
    begin = shared.clock()
    work()
    return shared.clock() - begin


def ours():
    """(function that names one of the kernel, one of a process)"""
    from pylcc.lbcStack import ClbcUstack
    from surftrace.surfElf import CelfKsym
    kernel = []

    def name(address):
        if not kernel:
            kernel.append(CelfKsym())
        return kernel[0].ksymSearch(address)[0]

    return name, lambda pid, address: ClbcUstack(pid, [address]).dumpStacks()[0]


def bcc():
    from bcc import BPF
    return BPF.ksym, lambda pid, address: BPF.sym(address, pid).decode()


def main(who, producer, pid, address):
    kernel, user = {"ours": ours, "bcc": bcc}[who]()
    first, rest = kernel_addresses()[0], kernel_addresses()[1:]
    shared.say("first", seconds(lambda: kernel(first)))
    shared.say("next", min(seconds(lambda: [kernel(a) for a in rest]) for _ in range(3)) / len(rest))
    shared.say("user", seconds(lambda: user(int(pid), int(address))))
    if "many_19999" not in user(int(pid), int(address)):
        sys.exit("the function was not found")
    if who == "ours":
        table, keys = stacks(producer)
        if len(set(tuple(table.getArr(key)) for key in keys)) != STACKS:
            sys.exit("there are fewer different stacks than %d" % STACKS)
        shared.say("stacks", min(seconds(lambda: [table.getStacks(key) for key in keys]) for _ in range(3)))


if __name__ == "__main__":
    main(*sys.argv[1:])
