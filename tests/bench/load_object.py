"""load_object.py types|programs|kprobes AMOUNT [PEER]: seconds from the constructor to a program that runs,
by how much is in it: cold, with the compiler, and warm; what PEER, the C program, takes for the same
object. Says NAME SECONDS, a line each."""

import subprocess
import sys

from pylcc.lbcBase import ClbcBase

import shared


def types(amount):
    """So many structs, in the value of a map."""
    structs = "".join("struct s%d { u32 a; u16 b[2]; u64 c; };\n" % i for i in range(amount))
    return structs + "struct value_t { %s };\n" % " ".join("struct s%d m%d;" % (i, i) for i in range(amount)) + \
        "LBC_HASH(table, u32, struct value_t, 1);\n" + program(0, "raw_tracepoint/sched_process_fork")


def programs(amount):
    """So many, at a tracepoint."""
    return "u64 calls;\n" + "".join(program(i, "raw_tracepoint/sched_process_fork", "__sync_fetch_and_add(&calls, 1);") for i in range(amount))


def kprobes(amount):
    """As many functions of the kernel, each with its program: system calls, of which there are two for each name."""
    with open("/proc/kallsyms") as f:
        names = sorted(set(line.split()[2] for line in f if "_sys_" in line and line.split()[2].startswith(("__x64_sys_", "__ia32_sys_"))))
    if len(names) < amount:
        sys.exit("this kernel has %d system calls" % len(names))
    return "u64 calls;\n" + "".join(program(i, "kprobe/" + name, "__sync_fetch_and_add(&calls, 1);") for i, name in enumerate(names[:amount]))


def program(number, section, body=""):
    return 'SEC("%s") int probe%d(void *ctx) { %s return 0; }\n' % (section, number, body)


def load(name, source):
    begin = shared.clock()
    lbc = ClbcBase(name, bpf_str=source)
    spent = shared.clock() - begin
    lbc.close()
    return spent


def main(kind, amount, peer=None):
    source = '#include "lbc.h"\n' + {"types": types, "programs": programs, "kprobes": kprobes}[kind](int(amount)) + shared.LICENSE
    name = kind + amount
    shared.say("cold", load(name, source))
    shared.say("warm", min(load(name, source) for _ in range(2)))
    if peer:
        shared.say("C", subprocess.check_output([peer, name + ".so"]).decode().strip())


if __name__ == "__main__":
    main(*sys.argv[1:])
