"""The kinds of tools that were published, written as their times wrote them: what they say of work done here."""

import ast
import ctypes
import errno
import io
import json
import os
import pty
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

import pytest

from running import NAME, fork, kernel_symbols, on_one_cpu, python, set_name

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ["attached", "binds", "killed", "lifetime", "lines", "oncpu", "opened", "roundtrip", "sampled", "swapped", "syncs", "watched"]

WAITS = ("7", "34")  # the system calls poll and pause, on x86
COMM = os.path.basename(sys.executable)[:15]  # of a child that runs Python


@pytest.fixture
def run(request, tmpdir):
    """run(name, arguments...): that script, until the test ends; it has printed its first line."""
    set_name(NAME)

    def start(name, *arguments):
        with io.open(os.path.join(HERE, name + ".py"), encoding="utf-8") as f:
            running = python(tmpdir, {name + ".py": f.read()}, name + ".py", *arguments)
        request.addfinalizer(running.stop)
        running.until(lambda lines: [line for line in lines if line == "ready" or line.startswith("PID ")])
        return running
    return start


def found(running, pattern, count=1, work=lambda: None):
    """The groups of the lines that match, when there are so many."""
    def seen(lines):
        matches = [m.groups() for m in map(re.compile(pattern).match, lines) if m]
        return len(matches) >= count and matches
    return running.until(seen, work)


def end(running, status=0):
    _, ended, said = running.interrupt()
    assert ended == status, "\n".join(running.lines)
    return said


def end_of_wait(running):
    """The same of a script that waits for a signal: not before it does."""
    def waits(_):
        with open("/proc/%d/syscall" % running.process.pid) as f:
            return f.read().split()[0] in WAITS
    running.until(waits)
    return end(running)


def test_every_script_is_tested():
    assert sorted(f[:-3] for f in os.listdir(HERE) if f.endswith(".py") and not f.startswith("test_")) == SCRIPTS


def test_attached(run):
    running = run("attached")
    child = fork()
    found(running, r"entered: %d makes %d$" % (os.getpid(), child))
    found(running, r"returned: %d makes %d$" % (os.getpid(), child))


def test_opened(request, run, tmpdir):
    running = run("opened", "-p", os.getpid(), "-c", NAME[:5])
    on_one_cpu(request)
    there, absent = str(tmpdir.join("there")), str(tmpdir.join("absent"))
    with open(there, "w") as f:
        number = f.fileno()
    with pytest.raises(EnvironmentError) as e:
        open(absent)
    assert e.value.errno == errno.ENOENT
    with open(there) as f:
        assert f.fileno() == number
    mine = [(os.getpid(), NAME, name, fd) for name, fd in ((there, number), (absent, -errno.ENOENT), (there, number))]
    seen = [(int(pid), comm, name, int(fd)) for pid, comm, fd, us, name in
            found(running, r"(\d+) +(\S+) +(-?\d+) +([\d.]+) (%s/.*)$" % tmpdir, 3) if float(us) > 0]
    assert seen == mine
    assert end(running) == ["key interrupt."]


def test_lifetime(request, run):
    # An overlay unlinks twice: in itself and below.
    place = tempfile.mkdtemp(dir="/dev/shm")
    request.addfinalizer(lambda: shutil.rmtree(place))
    running = run("lifetime", os.getpid())
    on_one_cpu(request)
    open(place + "/kept", "w").close()
    for n in range(3):
        begin = time.time()
        open("%s/gone%d" % (place, n), "w").close()
        time.sleep(0.05)
        os.remove("%s/gone%d" % (place, n))
        elapsed = (time.time() - begin) * 1000
    lines = found(running, r"(\d+) (\S+) (\d+) (gone\d), (\d+) alive", 3)
    assert [(int(pid), comm, name) for pid, comm, _, name, _ in lines] == [(os.getpid(), NAME, "gone%d" % n) for n in range(3)]
    assert all(50 <= int(age) for _, _, age, _, _ in lines) and int(lines[-1][2]) <= elapsed
    assert int(lines[-1][4]) == 1
    assert end(running) == ["key interrupt."]


def connected():
    """Two ends of a TCP connection over lo; the second is the server's."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    server.close()
    return client, accepted


def test_roundtrip(run):
    client, accepted = connected()
    running = run("roundtrip", accepted.getsockname()[1])
    rounds, measured = 30, 0
    for _ in range(rounds):
        client.send(b"?")
        accepted.recv(1)
        # struct tcp_info.tcpi_rtt: the next segment finds just this.
        measured, = struct.unpack_from("=I", accepted.getsockopt(socket.IPPROTO_TCP, 11, 104), 68)
        accepted.send(b"!")
        client.recv(1)
    client.close()
    accepted.close()
    said = end_of_wait(running)
    counts = ast.literal_eval(said[-1])
    assert said[0] == "microseconds:" and len(counts) == 64 and sum(counts) >= rounds
    filled = [bucket for bucket, count in enumerate(counts) if count]
    assert len(said) == 2 + filled[-1] - filled[0] + 1 and "|@" in said[1 + counts.index(max(counts)) - filled[0]]
    assert counts[max(measured, 1).bit_length() - 1] > 0, (measured, counts)


# It says that it was started, then leaves the CPU again and again.
SLEEPER = "import sys, time; sys.stdin.readline(); [time.sleep(0.001) for _ in range(50)]; print('slept'); sys.stdout.flush(); sys.stdin.readline()"


def test_oncpu(request, run):
    child = subprocess.Popen([sys.executable, "-c", SLEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    request.addfinalizer(lambda: child.poll() is None and child.kill())
    running = run("oncpu", child.pid)
    child.stdin.write(b"\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"slept\n"
    quiet = len(running.lines) + 1
    running.until(lambda lines: [line for line in lines[quiet:] if line == "[0, 0, 0, 0, 0, 0, 0, 0]"])
    said = end(running)
    slots = [sum(column) for column in zip(*map(ast.literal_eval, [line for line in running.lines if re.match(r"\[\d+(, \d+){7}\]$", line)]))]
    tens = ast.literal_eval(said[0])
    assert sum(slots) >= 50 and len(tens) == 20 and sum(tens) == sum(slots)
    # A slot of the array is a decade of the histogram, but for the first, which has what is below 10 too.
    assert tens[0] == slots[0] + slots[1] and tens[1:6] == slots[2:7] and said[1] == "microseconds:"
    child.stdin.close()
    assert child.wait() == 0


def bound(port, *options):
    s = socket.socket()
    for option in options:
        s.setsockopt(socket.SOL_SOCKET, option, 1)
    s.bind(("127.0.0.1", port))
    return s, s.getsockname()[1]


def test_binds(request, run):
    running = run("binds", "-p", os.getpid(), "-E")
    on_one_cpu(request)
    first, port = bound(0, socket.SO_REUSEADDR)
    second, shared = bound(0, 15)  # SO_REUSEPORT, which Python 2 lacks
    with pytest.raises(EnvironmentError) as e:
        bound(port)
    assert e.value.errno == errno.EADDRINUSE
    lines = found(running, r"(\d+) (\S+) (\d+) (\d+) (\d+) (-?\d+)$", 3)
    # Options: 8 reuse the address, 16 the port. What failed has no port.
    assert lines == [(str(os.getpid()), NAME, "8", "6", str(port), "0"), (str(os.getpid()), NAME, "16", "6", str(shared), "0"),
                     (str(os.getpid()), NAME, "0", "6", "0", str(-errno.EADDRINUSE))]
    assert end(running) == ["key interrupt."]
    first.close()
    second.close()


def test_binds_are_counted(run):
    running = run("binds", "--count", "-p", os.getpid())
    ports = []
    for _ in range(5):
        s, port = bound(ports[0] if ports else 0)
        ports.append(port)
        s.close()
    assert ast.literal_eval(end_of_wait(running)[-1]) == {ports[0] << 32 | struct.unpack("=I", socket.inet_aton("127.0.0.1"))[0]: 5}


def test_syncs(request, run):
    running = run("syncs")
    on_one_cpu(request)
    libc = ctypes.CDLL(None)
    for _ in range(3):
        libc.sync()
    lines = found(running, r"([\d.]+) +%d (\S+) sync\(\)$" % os.getpid(), 3)
    assert [comm for _, comm in lines] == [NAME] * 3
    times = [float(ts) for ts, _ in lines]
    assert times == sorted(times) and 0 <= times[2] - times[0] < 60
    assert end(running) == ["key interrupt."]


@pytest.fixture
def small_memory(request):
    """A cgroup with 20 MiB; skips where none can be made."""
    root = "/sys/fs/cgroup"
    if "memory" not in io.open(root + "/cgroup.controllers").read() if os.path.exists(root + "/cgroup.controllers") else True:
        pytest.skip("this needs the memory controller of cgroup v2 at " + root)
    with open(root + "/cgroup.subtree_control", "w") as f:
        f.write("+memory")
    place = "%s/lcc-%d" % (root, os.getpid())
    os.mkdir(place)
    request.addfinalizer(lambda: os.rmdir(place))
    with open(place + "/memory.max", "w") as f:
        f.write("20M")
    return place


# Enters the cgroup, fills megabytes and changes every page of them twice, so that no two are alike.
EATER = """
import os, sys
with open(sys.argv[1] + "/cgroup.procs", "w") as f:
    f.write(str(os.getpid()))
page = os.urandom(4096)
eaten = bytearray(page * (256 * int(sys.argv[2])))
for _ in range(2):
    for at in range(0, len(eaten), 4096):
        eaten[at] = (eaten[at] + at) & 255
"""


def eat(cgroup, megabytes):
    """(pid, exit status) of a process that used so much in the cgroup."""
    child = subprocess.Popen([sys.executable, "-c", EATER, cgroup, str(megabytes)])
    return child.pid, child.wait()


def test_killed(run, small_memory):
    running = run("killed")
    pid, status = eat(small_memory, 60)
    assert status == -9
    line, = found(running, r"triggered by (\d+) \((\S+)\), kills (%d) \((\S+)\), (\d+) pages$" % pid)
    assert line[0] == line[2] and line[1] == line[3] == COMM
    assert int(line[4]) >= 20 << 20 >> 12
    found(running, r"exit %d \(\S+\)$" % pid)
    child = fork()
    found(running, r"exit %d \(%s\)$" % (child, NAME))


@pytest.fixture
def swap(request, tmpdir):
    """Swap space of 128 MiB in a file that is a block device."""
    if "VM_DIRECTORY" not in os.environ:
        pytest.skip("swap space is added in a virtual machine only")
    path = str(tmpdir.join("swapfile"))
    with open(path, "wb") as f:
        f.truncate(128 << 20)
    loop = subprocess.check_output(["losetup", "--find", "--show", path]).decode().strip()
    request.addfinalizer(lambda: subprocess.check_call(["losetup", "-d", loop]))
    subprocess.check_output(["mkswap", loop])
    subprocess.check_call(["swapon", loop])
    request.addfinalizer(lambda: subprocess.check_call(["swapoff", loop]))


def pages_from_swap():
    with open("/proc/vmstat") as f:
        return int(re.search(r"(?m)^pswpin (\d+)$", f.read()).group(1))


def test_swapped(run, small_memory, swap):
    names = set(name for _, name in kernel_symbols())
    running = run("swapped", [name for name in ("swap_read_folio", "swap_readpage") if name in names][0])
    before = pages_from_swap()
    pid, status = eat(small_memory, 30)
    assert status == 0
    pages = pages_from_swap() - before
    quiet = len(running.lines)
    running.until(lambda lines: len([line for line in lines[quiet:] if re.match(r"\d\d:\d\d:\d\d$", line)]) > 1)
    counts = [int(n) for n, in found(running, r"%s +%d +(\d+)$" % (re.escape(COMM), pid))]
    # The script loses what comes between get() and clear(), and counts again from where its program was
    # while clear() deleted; a read may be of several pages.
    assert pages >= 10 << 20 >> 12 and pages // 8 <= sum(counts) <= 2 * pages
    assert end(running)[-1] == "Detaching..."


def test_lines(request, run):
    running = run("lines", "bash:readline")
    ours, its = pty.openpty()
    shell = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=its, stdout=its, stderr=its, close_fds=True,
                             env={"PS1": "lcc> ", "TERM": "dumb", "PATH": os.environ["PATH"]}, preexec_fn=os.setsid)
    request.addfinalizer(lambda: shell.poll() is None and shell.kill())
    os.close(its)
    line, = found(running, r"pid %d, prompt lcc> , (\d+) frames, (\[.*\])$" % shell.pid)
    names = ast.literal_eval(line[1])
    assert names[0] == "readline + 0x0" and 1 <= len(names) <= int(line[0])
    path, offset = running.lines[running.lines.index("ready") - 1].split()
    assert os.path.realpath(path) == os.path.realpath("/proc/%d/exe" % shell.pid) and int(offset, 16) > 0
    os.write(ours, b"exit 3\n")
    assert shell.wait() == 3
    os.close(ours)


def test_sampled(run):
    running = run("sampled", os.getpid())

    def work():
        for _ in range(200):
            os.listdir("/proc")
    functions = set(name for _, name in kernel_symbols())
    stacks = [names.split(" ") for _, names in found(running, r"(\d+) (.*getdents.*)$", 1, work)]
    assert all(re.match("entry_SYSCALL_64|asm_", stack[0]) for stack in stacks), stacks
    assert all(name in functions or name.startswith("[") for stack in stacks for name in stack)


# Sets a number in its memory to what it reads.
SETTER = """
import ctypes, sys
number = ctypes.c_uint64(0)
sys.stdout.write("%x\\n" % ctypes.addressof(number))
sys.stdout.flush()
for line in iter(sys.stdin.readline, ""):
    number.value = int(line)
"""


def test_watched(request, run):
    child = subprocess.Popen([sys.executable, "-c", SETTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    request.addfinalizer(lambda: child.poll() is None and child.kill())
    address = child.stdout.readline().decode().strip()
    running = run("watched", child.pid, address)
    values = [str(n) for n in (7, 1 << 40, 42)]
    child.stdin.write("".join(n + "\n" for n in values).encode())
    child.stdin.close()
    assert child.wait() == 0
    lines = found(running, r"cpu \d+, pid %d, comm (\S+) sets 0x%s to (\d+)$" % (child.pid, address), 3)
    # It may have been on several CPUs, which are read one after the other.
    assert sorted(lines) == sorted((COMM, n) for n in values)
    kept = sorted(json.loads(end_of_wait(running)[-1]), key=lambda d: d["ts"])
    assert [d["name"] for d in kept] == values and kept[0]["tid"] == "%s:%d" % (COMM, child.pid)
