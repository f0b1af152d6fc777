"""Commands that are run, and a program that they are about."""

import os
import subprocess
import sys

import pytest

from programs import load, on_getppid

COOLBPF = os.path.join(os.path.dirname(sys.executable), "coolbpf")
root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
SOURCE = on_getppid("struct pair { u32 a; char b[6]; };\nLBC_ARRAY(m, u32, struct pair, 1);\n#ifndef STEP\n#define STEP 7\n#endif", """
    u32 key = 0;
    struct pair value = { STEP, "text" };
    bpf_map_update_elem(&m, &key, &value, BPF_ANY);""")


def run(place, *arguments, **options):
    """(exit code, stdout, stderr) of a command in a directory; a command line that ends has no traceback."""
    child = subprocess.Popen(list(arguments), cwd=str(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options)
    out, err = child.communicate()
    assert "Traceback" not in err
    return child.returncode, out, err


def coolbpf(place, *arguments, **options):
    return run(place, COOLBPF, *arguments, **options)


def value(place, **options):
    """What the program in x.so, or in x.bpf.c, leaves in its map."""
    with load(place, "", name="x", **options) as lbc:
        os.getppid()
        return lbc.maps["m"].get(1)[0]
