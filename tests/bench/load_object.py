"""load_object.py types|programs|kprobes AMOUNT,... [PEER]: seconds from the constructor to a program that runs,
by how much is in it: cold, with the compiler, and warm (kprobes only so); what PEER, the C program, takes for the same
object. Says cold_AMOUNT, warm_AMOUNT or C_AMOUNT, and SECONDS, a line each."""

import os
import re
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
        names = sorted(set(name for name in re.findall(r"\b__(?:x64|ia32)_sys_\w+$", f.read(), re.M) if "_ni_" not in name))
    if len(names) < amount:
        sys.exit("this kernel has %d system calls" % len(names))
    return "u64 calls;\n" + "".join(program(i, "kprobe/" + name, "__sync_fetch_and_add(&calls, 1);") for i, name in enumerate(names[:amount]))


def program(number, section, body=""):
    return 'SEC("%s") int probe%d(void *ctx) { %s return 0; }\n' % (section, number, body)


def load(name, source, **options):
    begin = shared.clock()
    lbc = ClbcBase(name, bpf_str=source, **options)
    spent = shared.clock() - begin
    lbc.close()
    return spent


def measure(kind, amount, peer):
    source = '#include "lbc.h"\n' + KINDS[kind](amount) + shared.LICENSE
    name = "%s%d" % (kind, amount)
    if os.path.exists(name + ".so"):
        os.remove(name + ".so")
    if kind == "kprobes":
        load(name, source, attach=0)  # it takes long to detach so many
    else:
        shared.say("cold_%d" % amount, load(name, source))
    shared.say("warm_%d" % amount, load(name, source))
    if peer:
        shared.say("C_%d" % amount, subprocess.check_output([peer, name + ".so"]).decode().strip())


KINDS = {"types": types, "programs": programs, "kprobes": kprobes}


def main(kind, amounts, peer=None):
    for amount in amounts.split(","):
        measure(kind, int(amount), peer)


if __name__ == "__main__":
    main(*sys.argv[1:])
