"""NAME.so: when it is reused, when it is built again, and what is not trusted."""

import os
import subprocess
import sys
import threading

import pytest

from programs import LICENSE, load, mine, on_getppid
from pylcc import errors

NOBODY = 65534
SOURCE = on_getppid('#include "local.h"\nLBC_ARRAY(m, u32, u32, 1);', """
    u32 key = 0, value = STEP;
    bpf_map_update_elem(&m, &key, &value, BPF_ANY);""")


@pytest.fixture
def place(tmpdir):
    tmpdir.join("local.h").write("#define STEP 1\n")
    return Place(tmpdir)


class Place(object):
    """A working directory; run() loads the program there and returns what it counts and what was said."""

    def __init__(self, path):
        self.path = path
        self.so = path.join("t.so")

    def run(self, capsys, source=SOURCE, **options):
        capsys.readouterr()
        with load(self.path, source, **options) as lbc:
            os.getppid()
            value = lbc.maps["m"].get(1)[0]
        return (value,) + tuple(capsys.readouterr())


BUILT = "local compile success.\n"


def test_built_once_then_reused(place, capsys):
    assert place.run(capsys) == (1, BUILT, "")
    content = place.so.read_binary()
    assert content[:4] == b"\x7fELF"
    os.utime(str(place.so), (0, 0))
    assert place.run(capsys) == (1, "", "")
    os.utime(str(place.so), None)
    assert place.run(capsys) == (1, "", "")
    assert place.so.read_binary() == content and sorted(p.basename for p in place.path.listdir()) == ["local.h", "t.so"]


def test_reused_without_a_compiler(place, capsys, monkeypatch):
    place.run(capsys)
    monkeypatch.setenv("LBC_CLANG", "/nonexistent")
    assert place.run(capsys) == (1, "", "")
    with pytest.raises(errors.FileNotExistException) as e:
        place.run(capsys, SOURCE + "\n")
    assert "LBC_CLANG" in str(e.value)


def test_source_env_and_include_rebuild(place, capsys):
    place.run(capsys)
    assert place.run(capsys, SOURCE + " ")[1] == BUILT
    assert place.run(capsys, env="-DOTHER=1")[1] == BUILT
    assert place.run(capsys, env="-DOTHER=1")[1] == ""
    place.path.join("local.h").write("#define STEP 2\n")
    assert place.run(capsys, env="-DOTHER=1") == (2, BUILT, "")


def test_env_reaches_the_compiler(place, capsys):
    place.path.join("local.h").write('#define QUOTE(x) sizeof(x)\n#define STEP QUOTE(WORDS)\n')
    assert place.run(capsys, env="""-DONE '-DWORDS="two words"'""")[0] == 10


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x7fELF" + b"\0" * 100, "truncated", "flipped", "directory", "link"])
def test_a_broken_file_is_built_again_and_alone_is_an_error(place, capsys, content):
    place.run(capsys)
    good = place.so.read_binary()
    place.so.remove()
    if content == "directory":
        place.so.mkdir()
    elif content == "link":
        place.path.join("elsewhere").write_binary(good)
        place.so.mksymlinkto(place.path.join("elsewhere"))
    else:
        broken = {"truncated": good[:-9], "flipped": good[:200] + b"\xff" + good[201:]}.get(content, content)
        place.so.write_binary(broken)
    with pytest.raises((errors.InvalidArgsException, errors.SystemException)) as e:
        load(place.path, "")
    assert str(place.so) in str(e.value)
    value, out, said = place.run(capsys)
    assert (value, out) == (1, BUILT)
    if content == "directory":
        assert str(place.so) in said
    else:
        assert place.run(capsys) == (1, "", "")


def test_other_architecture(place, capsys):
    place.run(capsys)
    with pytest.raises(errors.InvalidArgsException):
        place.run(capsys, arch="aarch64" if os.uname()[4] == "x86_64" else "x86_64")
    assert place.run(capsys)[:2] == (1, BUILT)


root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


@root
def test_what_others_could_have_written_is_not_used(place, capsys):
    place.run(capsys)
    for spoil, word in ((lambda f: os.chown(f, NOBODY, NOBODY), "nobody"), (lambda f: os.chmod(f, 0o666), "everybody")):
        spoil(str(place.so))
        with pytest.raises(errors.InvalidArgsException) as e:
            load(place.path, "")
        assert str(place.so) in str(e.value) and word in str(e.value)
        assert place.run(capsys)[:2] == (1, BUILT)
    source = place.path.join("t.bpf.c")
    source.write(SOURCE)
    assert place.run(capsys, "") == (1, "", "")
    os.chown(str(source), NOBODY, NOBODY)
    with pytest.raises(errors.InvalidArgsException) as e:
        load(place.path, "")
    assert str(source) in str(e.value) and "nobody" in str(e.value)


@root
def test_the_owner_of_the_directory_is_trusted(place, capsys):
    place.run(capsys)
    for path in (place.path, place.so, place.path.join("local.h")):
        os.chown(str(path), NOBODY, NOBODY)
    assert place.run(capsys) == (1, "", "")


def test_the_file_without_source_is_used_as_it_is(place, capsys):
    place.run(capsys)
    assert place.run(capsys, "") == (1, "", "")


def test_source_in_a_file(place, capsys):
    place.path.join("t.bpf.c").write(SOURCE)
    assert place.run(capsys, "") == (1, BUILT, "")
    assert place.run(capsys, "", name="t.bpf.c") == (1, "", "")


@pytest.mark.parametrize("change", [
    lambda s: s.replace("\n", "\r\n"), lambda s: u"// \u4f60\u597d \u00e9\n" + s, lambda s: u"\ufeff" + s,
    lambda s: s.rstrip("\n"), lambda s: s.replace('#include "lbc.h"', '  #  include "lbc.h"'),
    lambda s: s.replace('#include "lbc.h"', '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\ntypedef __u32 u32;\n'
                        '#include "lbc.h"')])
def test_text_as_editors_write_it(place, capsys, change):
    changed = change(SOURCE)
    assert place.run(capsys, changed)[:2] == (1, BUILT)
    place.path.join("t.bpf.c").write_binary(changed.encode("utf-8"))
    assert place.run(capsys, "") == (1, "", "")


def test_libbpf_style(place, capsys):
    source = mine(r"""
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u32);
} m SEC(".maps");
SEC("tp/raw_syscalls/sys_enter")
int on_enter(struct trace_event_raw_sys_enter *ctx)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    u32 key = 0, value = BPF_CORE_READ(task, tgid);
    if (value == PID)
        bpf_map_update_elem(&m, &key, &value, BPF_ANY);
    return 0;
}
""" + LICENSE)
    assert place.run(capsys, source)[:2] == (os.getpid(), BUILT)


def test_two_processes_build_the_same_name_at_once(place):
    place.path.join("build.py").write(
        "import sys\nsys.path.insert(0, %r)\nfrom programs import *\nload('.', open('s.c').read()).close()\n"
        % os.path.dirname(os.path.abspath(__file__)))
    place.path.join("s.c").write(SOURCE)
    children = [subprocess.Popen([sys.executable, "-B", "build.py"], cwd=str(place.path)) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    assert sorted(p.basename for p in place.path.listdir()) == ["build.py", "local.h", "s.c", "t.so"]


def test_threads_build_at_once(place, capsys):
    values = []
    threads = [threading.Thread(target=lambda: values.append(place.run(capsys)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert values == [1] * 4


@pytest.fixture
def mounted(place):
    """mount(options): put a tmpfs over the working directory; taken away at the end."""
    if os.getuid() != 0:
        pytest.skip("needs root to mount")

    def mount(options):
        subprocess.check_call(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place.path)])
    yield mount
    subprocess.call(["umount", str(place.path)])


def test_read_only_directory(place, capsys, mounted):
    mounted("rw")
    place.path.join("local.h").write("#define STEP 3\n")
    subprocess.check_call(["mount", "-o", "remount,ro", str(place.path)])
    value, out, said = place.run(capsys)
    assert (value, out) == (3, BUILT)
    assert said.count("\n") == 1 and str(place.so) in said and "read-only" in said


def test_full_disk(place, capsys, mounted):
    mounted("size=16k")
    place.path.join("local.h").write("#define STEP 4\n")
    try:
        with open(str(place.path.join("fill")), "wb") as f:
            f.write(b"x" * 65536)
    except EnvironmentError:
        pass
    value, out, said = place.run(capsys)
    assert (value, out) == (4, BUILT)
    assert said.count("\n") == 1 and str(place.so) in said and "no space" in said
    assert sorted(p.basename for p in place.path.listdir()) == ["fill", "local.h"]
