"""ClbcLoad, ClbcApp, ClbcInclude, and what the environment says to them."""

import os
import subprocess
import sys

import pytest

from programs import FORKS, LICENSE, load, mine, on_getppid
from pylcc import errors
from pylcc.lbcBase import ClbcApp, ClbcBase, ClbcInclude, ClbcLoad, getCwd
from pylcc.lbcInclude import INCLUDE_MAX

SOURCE = mine(FORKS)


def test_compiling_alone(tmpdir, capsys):
    load_it = dict(bpf="t", bpf_str=SOURCE, workPath=str(tmpdir), btf=False, server="nowhere.invalid", ver="4.19", arch=os.uname()[4])
    assert isinstance(ClbcLoad(**load_it), ClbcLoad) and issubclass(ClbcBase, ClbcLoad)
    assert capsys.readouterr()[0] == "local compile success.\n"
    made = tmpdir.join("t.so").read_binary()
    ClbcLoad("t", SOURCE, "", "", "", "", str(tmpdir), None, -1, True, "so")
    assert capsys.readouterr()[0] == "" and tmpdir.join("t.so").read_binary() == made
    with ClbcBase("t", workPath=str(tmpdir)) as lbc:  # made above, loaded here
        assert "e_out" in lbc.maps and lbc.so() > 0


def test_the_mere_object(tmpdir, capsys):
    tmpdir.join("t.bpf.c").write(SOURCE)
    tmpdir.join("t.so").write("left alone")
    for _ in range(2):  # always made
        ClbcLoad("t.bpf.c", workPath=str(tmpdir), opt="obj", btf=False)
        assert capsys.readouterr()[0] == "local compile success.\n"
    assert tmpdir.join("t.so").read() == "left alone"
    tmpdir.join("t.so").remove()
    elf = tmpdir.join("t.bpf.o").read_binary()
    end = int.from_bytes(elf[40:48], "little") + 64 * (elf[60] | elf[61] << 8) if str is not bytes else len(elf)
    assert elf[:4] == b"\x7fELF" and len(elf) == end  # the section headers come last: no trailer
    with pytest.raises(errors.FileNotExistException) as e:
        ClbcLoad("absent", workPath=str(tmpdir), opt="obj")
    assert "absent.bpf.c" in str(e.value)
    with pytest.raises(errors.CompileException):
        ClbcLoad("t", bpf_str="int f( {", workPath=str(tmpdir), opt="obj")
    assert tmpdir.join("t.bpf.o").read_binary() == elf


def test_what_opt_may_be(tmpdir):
    ClbcLoad("nothing", workPath=str(tmpdir), opt="combine")
    assert tmpdir.listdir() == []
    with pytest.raises(errors.InvalidArgsException) as e:
        ClbcLoad("t", bpf_str=SOURCE, workPath=str(tmpdir), opt="exe")
    assert str(e.value) == "compile t: opt 'exe' is none of so, obj, combine"


SERVED = """
import sys
from pylcc.lbcBase import ClbcLoad
for _ in range(2):
    ClbcLoad("t", opt="combine", server="".join(sys.argv[1:]))
"""


def test_a_server_that_is_named_is_not_asked(tmpdir):
    """Which is said, once; where none is named nothing is."""
    said = []
    for arguments, server in (([], ""), (["server.invalid"], ""), ([], "other.invalid")):
        child = subprocess.Popen([sys.executable, "-B", "-c", SERVED] + arguments, cwd=str(tmpdir), stderr=subprocess.PIPE, universal_newlines=True,
                                 env=dict(os.environ, LBC_SERVER=server))
        said.append(child.communicate()[1])
    line = "pylcc: compiling on this machine: the server '%s' is not asked (server=, LBC_SERVER)\n"
    assert said == ["", line % "server.invalid", line % "other.invalid"]


def test_the_environment(tmpdir, monkeypatch, capfd):
    monkeypatch.setenv("LBC_SERVER", "nowhere.invalid")
    monkeypatch.setenv("LBC_LOGLEVEL", "loud")
    with pytest.raises(ValueError):
        load(tmpdir, SOURCE)
    assert tmpdir.listdir() == []
    monkeypatch.setenv("LBC_LOGLEVEL", "1")
    load(tmpdir, SOURCE, logLevel=-1).close()
    out, err = capfd.readouterr()
    assert "local compile success.\n" == out and "kernel types: needed" in err and "processed" in err


def test_env_with_several_words(tmpdir, capsys):
    source = on_getppid("LBC_ARRAY(m, u32, u32, ONE + TWO);", "")
    for _ in range(2):
        with load(tmpdir, source, env="-DONE=1 -DTWO=2 '-DTEXT=\"a b\"'") as lbc:
            assert lbc.maps["m"].get(4) == [0, 0, 0, None]
    assert capsys.readouterr()[0] == "local compile success.\n"


def test_app(tmpdir, capsys):
    source = mine(FORKS).replace("e_out", "my_map").replace('char _license', 'LBC_HASH(pids, u32, u32, 8);\nLBC_STACK(callStack, 8);\nchar _license')

    class App(ClbcApp):
        def _callback(self, cpu, data, size):
            super(App, self)._callback(cpu, data, size)
            raise KeyboardInterrupt
    app = App("t", bpf_str=source, workPath=str(tmpdir))
    capsys.readouterr()
    app.maps["my_map"].open_perf_buffer(app._callback)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    app.loop()
    lines = capsys.readouterr()[0].splitlines()
    assert "'child': %d" % child in lines[0] and lines[1] == "{}"
    app.close()


def test_directory_of_a_file(tmpdir):
    tmpdir.join("real").ensure()
    tmpdir.mkdir("sub").join("link").mksymlinkto(tmpdir.join("real"))
    assert getCwd(str(tmpdir.join("sub", "link"))) == os.path.realpath(str(tmpdir))


def test_include(tmpdir, monkeypatch, capsys):
    work, first, last = tmpdir.mkdir("work"), tmpdir.mkdir("first"), tmpdir.mkdir("last")
    for place in (work, first, last):
        place.join("both.h").write("// both of %s\n" % place.basename)
    first.join("first.h").write("// first\n#include <last.h>")
    last.join("last.h").write("// last\n#include \"beside.h\"\n")
    last.join("beside.h").write("// beside\n#include \"last.h\"\n")  # within itself: empty
    last.join("once.h").write("#pragma once\n// once\n")
    monkeypatch.setenv("LBC_INCLUDE", str(last))  # without incPath, too
    assert "// both of work" in ClbcInclude(str(work)).parse('#include "both.h"')
    text = ClbcInclude(str(work), str(first)).parse(
        '#include "lbc.h"\n#include <linux/tcp.h>\n #  include <first.h>\n#include "both.h"\n#include "once.h"\n#include "once.h"\n'
        '#include "vmlinux.h"\n#include "bpf/bpf_helpers.h"\n// #include "absent.h"\nint x; // \xc3\xa4')
    assert text.splitlines() == ['#include "lbc.h"', '#include <linux/tcp.h>', '// first', '// last', '// beside', '// both of work', '// once',
                                 '#include "vmlinux.h"', '#include "bpf/bpf_helpers.h"', '// #include "absent.h"', 'int x; // \xc3\xa4']
    assert isinstance(text, str) and os.getcwd() != str(last)
    before = os.getcwd()
    with pytest.raises(ValueError) as e:
        ClbcInclude(str(work)).parse('#include "absent.h"')
    assert "absent.h" in str(e.value) and str(work) in str(e.value) and isinstance(e.value, errors.InvalidArgsException)
    ClbcInclude(str(work), "/nonexistent")
    assert os.getcwd() == before and capsys.readouterr()[0] == "warning: path /nonexistent is not exist, skip.\n"
    with pytest.raises(errors.InvalidArgsException):
        ClbcInclude(str(work)).parse(5)
    for i in range(INCLUDE_MAX):
        work.join("%d.h" % i).write('#include "%d.h"\n' % (i + 1))
    work.join("%d.h" % INCLUDE_MAX).write("// the end\n")
    with pytest.raises(ValueError):
        ClbcInclude(str(work)).parse('#include "0.h"')
    assert ClbcInclude(str(work)).parse('#include "1.h"') == "// the end\n"


def test_what_include_makes_compiles(tmpdir):
    tmpdir.join("number.h").write("#define NUMBER 2\n")
    source = ClbcInclude(str(tmpdir)).parse('#include "lbc.h"\n#include "number.h"\nLBC_ARRAY(m, u32, u32, NUMBER);\n'
                                            'SEC("raw_tracepoint/sched_process_fork") int f(void *ctx) { return 0; }\n' + LICENSE)
    tmpdir.join("number.h").remove()
    with load(tmpdir, source) as lbc:
        assert lbc.maps["m"].get(3) == [0, 0, None]
