"""Bad input: the class that old scripts catch, and a sentence that helps."""

import os
import shutil
import subprocess
import sys

import pytest

import pylcc
from kernel import Objects
from programs import FORKS, LICENSE, load, mine, on_getppid
from pylcc import errors
from pylcc.lbcBase import ClbcBase

EMPTY = '#include "lbc.h"\n'


def failing(tmpdir, source, kind, name="t", **options):
    with pytest.raises(kind) as e:
        load(tmpdir, source, name, **options)
    assert "\n" not in str(e.value), "one line"
    return e.value


def tracepoint(body, section="raw_tracepoint/sched_process_fork"):
    return EMPTY + 'SEC("%s")\nint f(struct bpf_raw_tracepoint_args *ctx)\n{\n%s\n    return 0;\n}\n' % (section, body) + LICENSE


def test_syntax_error_names_the_users_line_and_keeps_the_old_file(tmpdir):
    load(tmpdir, tracepoint("")).close()
    kept = tmpdir.join("t.so").read_binary()
    e = failing(tmpdir, tracepoint("    int x = ;"), errors.CompileException)
    assert isinstance(e, errors.InvalidArgsException) and isinstance(e, errors.DbException)
    assert "t.bpf.c:5:13" in str(e) and "expected expression" in str(e)
    assert "int x = ;" in e.log and "t.bpf.c:5:13" in e.log
    assert tmpdir.join("t.so").read_binary() == kept


def test_unknown_header(tmpdir):
    e = failing(tmpdir, '#include "nothere.h"\n' + tracepoint(""), errors.CompileException)
    assert "t.bpf.c:1" in str(e) and "nothere.h" in str(e)
    assert str(tmpdir) in str(e) + e.log


def test_unknown_kernel_type_and_field_name_the_closest(tmpdir):
    e = failing(tmpdir, tracepoint("    struct task_strct *t = (void *)ctx->args[0]; return _(t->tgid);"),
                errors.CompileException)
    assert "task_struct" in str(e)
    e = failing(tmpdir, tracepoint("    struct task_struct *t = (void *)ctx->args[0]; return _(t->tgidd);"),
                errors.CompileException)
    assert "tgidd" in str(e) and "tgid)" in str(e).replace("?", ")").replace("'", ")").replace(";", ")")


def test_missing_license(tmpdir):
    source = tracepoint('    bpf_printk("x");').replace(LICENSE, "")
    e = failing(tmpdir, source, errors.LoadException)
    assert isinstance(e, errors.InvalidArgsException)
    assert "_license" in str(e) and "GPL" in str(e)


def test_verifier_rejection(tmpdir):
    e = failing(tmpdir, tracepoint("    return *(volatile int *)(long)(ctx->args[0] & 0xff);"), errors.LoadException)
    assert "f" in str(e) and "invalid mem access" in str(e)
    assert "invalid mem access" in e.log and len(e.log) > len(str(e)) / 2 and e.log.count("\n") > 2
    assert e.errno


def test_tracepoint_that_does_not_exist(tmpdir):
    e = failing(tmpdir, tracepoint("", "tracepoint/sched/sched_process_frok"), errors.AttachException)
    assert "sched_process_frok" in str(e) and "sched_process_fork" in str(e)


def test_raw_tracepoint_that_does_not_exist(tmpdir):
    e = failing(tmpdir, tracepoint("", "raw_tracepoint/sched_process_frok"), errors.AttachException)
    assert "sched_process_frok" in str(e)


@pytest.mark.skipif(os.path.exists("/sys/bus/event_source/devices/kprobe"), reason="this kernel has kprobes")
def test_no_kprobes_in_this_kernel(tmpdir):
    e = failing(tmpdir, tracepoint("", "kprobe/wake_up_new_task"), errors.AttachException)
    assert "CONFIG_KPROBES" in str(e) and "tracepoint" in str(e)


def test_one_that_cannot_attach_undoes_all(tmpdir):
    source = mine(FORKS) + 'SEC("tracepoint/sched/nope") int g(void *ctx) { return 0; }\n'
    e = failing(tmpdir, source, errors.AttachException)
    assert "nope" in str(e)
    assert Objects(os.getpid()).gone()


def test_attach_0_and_sections_without_a_target_wait(tmpdir):
    load(tmpdir, tracepoint("", "tracepoint/sched/nope"), attach=0).close()
    load(tmpdir, mine(FORKS) + 'SEC("perf_event") int g(void *ctx) { return 0; }\n').close()


def test_neither_source_nor_file(tmpdir):
    e = failing(tmpdir, "", errors.FileNotExistException, name="nowhere")
    assert str(tmpdir.join("nowhere.so")) in str(e) and str(tmpdir.join("nowhere.bpf.c")) in str(e)


def test_empty_source(tmpdir):
    assert "empty" in str(failing(tmpdir, "  \n", errors.InvalidArgsException))
    tmpdir.join("t.bpf.c").write("")
    assert "empty" in str(failing(tmpdir, "", errors.InvalidArgsException))


def test_wrong_arguments(tmpdir):
    for arguments in ({"bpf": 3}, {"bpf": "t", "bpf_str": 3}, {"bpf": "a/..", "bpf_str": tracepoint("")},
                      {"bpf": "", "bpf_str": tracepoint("")}, {"bpf": "t\0", "bpf_str": tracepoint("")},
                      {"bpf": "t", "bpf_str": tracepoint(""), "env": "-D'"},
                      {"bpf": "t", "bpf_str": tracepoint(""), "arch": "pdp11"}):
        with pytest.raises(errors.InvalidArgsException):
            ClbcBase(workPath=str(tmpdir), **arguments)


# A process that keeps its user but of the capabilities only the two that let it read its Python.
UNPRIVILEGED = r"""
import ctypes as ct, struct, sys
DAC_OVERRIDE, DAC_READ_SEARCH, PERFMON, BPF = 1 << 1, 1 << 2, 1 << 6, 1 << 7  # the latter two above 32
low, high = DAC_OVERRIDE | DAC_READ_SEARCH, 0
header = struct.pack("=Ii", 0x20080522, 0)
assert ct.CDLL(None).capset(header, struct.pack("=IIIIII", low, low, 0, high, high, 0)) == 0
from pylcc import ClbcBase, RootRequiredException
try:
    ClbcBase("t", workPath=sys.argv[1])
except RootRequiredException as e:
    print("refused: %s" % e)
"""

@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_not_root(tmpdir):
    load(tmpdir, tracepoint("")).close()
    out = subprocess.check_output([sys.executable, "-c", UNPRIVILEGED, str(tmpdir)], cwd=str(tmpdir)).decode()
    assert out.startswith("refused: load BPF programs: the process lacks CAP_BPF and CAP_PERFMON (run as root")


def in_another_tree(tmpdir, commands, code):
    """What the Python code prints in a mount namespace of its own, after the shell commands."""
    if os.getuid() != 0:
        pytest.skip("needs root to mount")
    script = tmpdir.join("script.py")
    script.write("import sys\nfrom pylcc import *\n" + code)
    return subprocess.check_output(["unshare", "-m", "--propagation", "private", "sh", "-e", "-c", commands + '\nexec "$@"', "sh",
                                    sys.executable, str(script), str(tmpdir)]).decode()


def test_no_btf(tmpdir):
    hide = "mount -t tmpfs tmpfs /sys/kernel/btf; for d in /boot /lib/modules /usr/lib/debug; do [ ! -d $d ] || mount -t tmpfs tmpfs $d; done"
    source = tracepoint("    struct task_struct *t = (void *)ctx->args[0]; return _(t->tgid);")
    load(tmpdir, source).close()
    tmpdir.join("source").write(source)
    said = in_another_tree(tmpdir, hide, """
for source in ("", open(sys.argv[1] + "/source").read() + " "):
    try:
        ClbcBase("t", bpf_str=source, workPath=sys.argv[1])
    except FileNotExistException as e:
        print(e)
""").splitlines()
    assert len(said) == 2
    for line in said:
        assert line.startswith("find BTF of kernel ") and "/sys/kernel/btf/vmlinux" in line and "/boot/vmlinux-" in line
        assert "CONFIG_DEBUG_INFO_BTF" in line


def test_tracefs_that_is_not_mounted_is_mounted_or_it_is_said_how(tmpdir):
    load(tmpdir, tracepoint("", "tracepoint/sched/sched_process_fork")).close()
    unmount = "umount -a -t tracefs || true; umount -l /sys/kernel/debug || true"
    said = in_another_tree(tmpdir, unmount, """
import os
assert not os.path.exists("/sys/kernel/tracing/events"), "tracefs is still there"
ClbcBase("t", workPath=sys.argv[1]).close()
print(os.path.exists("/sys/kernel/tracing/events"))
""")
    assert said.split()[-1] == "True"
    few = UNPRIVILEGED.replace("DAC_READ_SEARCH, 0", "DAC_READ_SEARCH, PERFMON | BPF")
    refused = in_another_tree(tmpdir, unmount, few)
    assert refused.startswith("refused: mount tracefs /sys/kernel/tracing: ") and "as root: mount -t tracefs" in refused


def test_the_current_directory_is_gone(tmpdir):
    code = "import os, pylcc\nos.rmdir(os.getcwd())\ntry:\n    pylcc.ClbcBase('t')\nexcept pylcc.FileNotExistException as e:\n    print(e)"
    out = subprocess.check_output([sys.executable, "-c", code], cwd=str(tmpdir.mkdir("gone"))).decode()
    assert out.startswith("find the current directory: ") and "workPath" in out


def test_wrong_kinds_of_maps_and_callbacks(tmpdir):
    with load(tmpdir, mine(FORKS) + "LBC_HASH(h, u32, u32, 4);\n") as lbc:
        with pytest.raises(errors.InvalidArgsException) as e:
            lbc.getMap("h", b"", 0)
        assert "no perf buffer" in str(e.value)
        with pytest.raises(errors.InvalidArgsException) as e:
            lbc.maps["e_out"].open_perf_buffer(3)
        assert "not callable" in str(e.value)


def test_a_name_with_a_directory(tmpdir):
    tmpdir.mkdir("a")
    ClbcBase("a/t", bpf_str=tracepoint(""), workPath=str(tmpdir)).close()
    assert tmpdir.join("a", "t.so").check()
    ClbcBase(str(tmpdir.join("a", "u")), bpf_str=tracepoint("")).close()
    assert tmpdir.join("a", "u.so").check()


def test_closed_object(tmpdir):
    lbc = load(tmpdir, mine(FORKS))
    buffer = lbc.maps["e_out"]
    buffer.open_perf_buffer(lambda *_: None)
    lbc.close()
    lbc.close()
    for call in (lambda: buffer.open_perf_buffer(lambda *_: None), lambda: lbc.attachTracepoint("f", "sched", "sched_switch")):
        with pytest.raises(errors.ClosedException) as e:
            call()
        assert isinstance(e.value, errors.InvalidArgsException) and "closed" in str(e.value)


def test_exceptions_survive_pickling(tmpdir):
    import pickle
    e = pickle.loads(pickle.dumps(errors.LoadException("a", "b", 3)))
    assert (str(e), e.log, e.errno) == ("a", "b", 3)
    e = errors.SystemException("write x: full", "", 28)
    assert isinstance(e, OSError) and (str(e), e.errno) == ("write x: full", 28)


@pytest.fixture
def copy(tmpdir):
    """A copy of the installed package that a test may damage, and a function that imports it."""
    shutil.copytree(os.path.dirname(pylcc.__file__), str(tmpdir.join("pylcc")), symlinks=True)

    def run(code="from pylcc.lbcBase import ClbcBase; ClbcBase('x', bpf_str='int x;')"):
        child = subprocess.Popen([sys.executable, "-B", "-c", code], cwd=str(tmpdir), stderr=subprocess.PIPE)
        return child.communicate()[1].decode().strip().splitlines()[-1]
    run.root = tmpdir.join("pylcc")
    return run


def test_library_missing(copy):
    copy.root.join("native", "liblcc.so").remove()
    assert "FileNotExistException: load liblcc: " in copy() and "reinstall" in copy()


def test_library_of_another_architecture(copy):
    library = copy.root.join("native", "liblcc.so")
    data = bytearray(library.read_binary())
    data[18] = 183 if data[18] == 62 else 62
    library.write_binary(bytes(data))
    assert "built for" in copy() and "InvalidArgsException" in copy()
    library.write_binary(b"text")
    assert "not a shared library" in copy()


def test_files_of_another_package(copy):
    copy.root.join("lbcBase.py").write("import cffi_of_another\nclass ClbcBase(object): pass\n")
    assert "pip uninstall pylcc" in copy("import pylcc")
    copy.root.join("lbcBase.py").write("class ClbcBase(object): pass\n__all__ = ['ClbcBase']\n")
    assert "belongs to another package" in copy("import pylcc")


def test_another_package_on_top(copy):
    copy.root.join("__init__.py").write("__version__ = '0.3.5'\n")
    assert "belongs to another package" in copy()


def test_warnings_do_not_stop_old_scripts(tmpdir):
    """What old scripts do: no return, int to pointer, a struct bpf_map_def * parameter for a BTF map."""
    source = on_getppid("""
LBC_HASH(m, u32, u64, 16);
static inline void add(struct bpf_map_def *map, u32 key)
{
    u64 one = 1;
    bpf_map_update_elem(map, &key, &one, BPF_ANY);
}""", """
    struct task_struct *t = bpf_get_current_task();
    add(&m, _(t->tgid));""").replace("    return 0;\n}\n", "}\n")
    with load(tmpdir, source) as lbc:
        os.getppid()
        assert lbc.maps["m"].getKeyValue(os.getpid()) == 1


def test_names_that_are_no_ascii(tmpdir):
    """Also those that Python 2 has as unicode: the exception is one of ours, and str() of it works."""
    with load(tmpdir, on_getppid("struct pair_t { u32 a, b; };\nLBC_HASH(pairs, struct pair_t, u32, 4);", "return 0;"), attach=0) as lbc:
        for name in (u"h\xe9", "h\xc3\xa9", u"pair\xe9"):
            for call in (lambda: lbc.maps[name], lambda: lbc.getMap(name, b"", 0), lambda: lbc.maps["pairs"].getKeyValue({name: 1}),
                         lambda: lbc.attachKprobe(name, "f")):
                with pytest.raises(errors.InvalidArgsException) as e:
                    call()
                assert type(str(e.value)) is str is type(e.value.message) and len(str(e.value)) > 20
        with pytest.raises(errors.UnknownMapException) as e:
            lbc.maps[u"pair\xe9"]
        assert str(e.value) == pylcc._lib.native(u"use map pair\xe9: the object has no such map (closest: pairs; it has pairs)".encode("utf-8"))


@pytest.mark.parametrize("stderr", ["closed", "a pipe that nobody reads", "none"])
def test_a_stderr_that_cannot_be_written(tmpdir, stderr):
    """What would be said there is dropped; the program runs."""
    code = """if 1:
        import os, sys
        from pylcc.lbcBase import ClbcBase
        if sys.argv[1] == "closed":
            sys.stderr.close()
        elif sys.argv[1] == "none":
            sys.stderr = None
        with ClbcBase("t", bpf_str=sys.argv[2], logLevel=1, attach=0) as lbc:
            print(sorted(lbc.maps))
            sys.stdout.flush()
            os._exit(0)
    """
    read, write = os.pipe()
    os.close(read)
    try:
        child = subprocess.Popen([sys.executable, "-B", "-u", "-c", code, stderr, tracepoint("") + "u32 x;\n"], cwd=str(tmpdir), stdout=subprocess.PIPE,
                                 stderr=write, universal_newlines=True)
    finally:
        os.close(write)
    assert (child.communicate()[0].splitlines(), child.returncode) == (["local compile success.", "['.bss']"], 0)
