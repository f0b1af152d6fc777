"""Names of functions: of the kernel, of stacks, of a program that has many."""

import os
import subprocess

from harness import Row, best, rounds, run as output, said

FUNCTIONS = 20000


def run(bench):
    program = subprocess.Popen([build(bench)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True)
    try:
        place = [str(program.pid), program.stdout.readline().strip()]
        cases = {"ours": lambda: said(bench, bench.ours("name_functions.py", "ours", bench.producer, *place))}
        if bench.bcc:
            cases["BCC"] = lambda: said(bench, bench.of_bcc("name_functions.py", "bcc", "-", *place))
        results = rounds(cases)
    finally:
        program.kill()
        program.communicate()
    first, following, user, stacks = (best(results, name, min) for name in ("first", "next", "user", "stacks"))
    return [Row("first kernel symbol", "s", None, first.get("BCC"), first["ours"], [("BCC", "<=", 0.5)]),
            Row("each next kernel symbol", "us", None, following.get("BCC", 0) * 1e6 or None, following["ours"] * 1e6, [("BCC", "<=", 0.3)]),
            Row("getStacks of 10,000 different stacks", "s", None, None, stacks["ours"], [(None, "<=", 0.1)]),
            Row("first function of a program of %s" % "{:,}".format(FUNCTIONS), "s", None, user.get("BCC"), user["ours"], [(None, "<=", 0.1)])]


def build(bench):
    """A program of so many functions; it prints where the last one is, and waits."""
    functions = "\n".join(".globl many_{0}\n.type many_{0}, @function\nmany_{0}: nop\nnop\n.size many_{0}, .-many_{0}".format(i)
                          for i in range(FUNCTIONS))
    source = os.path.join(bench.place, "many")
    with open(source + ".s", "w") as f:
        f.write(".text\n" + functions + '\n.section .note.GNU-stack,"",@progbits\n')
    with open(source + ".c", "w") as f:
        f.write("#include <stdio.h>\nextern char many_%d[];\n" % (FUNCTIONS - 1))
        f.write('int main(void) { printf("%%lu\\n", (unsigned long)many_%d); fflush(stdout); return getchar(); }\n' % (FUNCTIONS - 1))
    output(["gcc", "-o", source, source + ".c", source + ".s"])
    return source
