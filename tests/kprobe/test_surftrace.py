"""surftrace on functions of the kernel."""

import os
import re
import socket

import pytest

from pylcc import errors
from running import fork
from surftrace import setupParser, surftrace
from surftrace.surfCommon import transProbeLine

TRACEFS = "/sys/kernel/tracing"
INSTANCE = "surftrace-test-%d" % os.getpid()


def traced(args, work, **options):
    """The lines that args trace of work(), which is done once they do."""
    lines = []
    surf = surftrace(args, setupParser(), cb=lines.append, echo=False, instance=INSTANCE, **options)
    surf.start()
    try:
        work()
    finally:
        surf.stop()
    assert left() == []
    return lines


def left():
    """What traces of this process have left in the kernel: other tests run beside these."""
    found = [name for name in os.listdir(TRACEFS + "/instances") if name.startswith(INSTANCE)]
    for file in ("kprobe_events", "uprobe_events"):
        with open(os.path.join(TRACEFS, file)) as f:
            found += [line for line in f if ":surftrace_%d_" % os.getpid() in line]
    return found


def test_function_and_its_result():
    children = []
    lines = traced(["p wake_up_new_task pid=%%0->pid comm=%%0->comm parent=%%0->real_parent->tgid f:common_pid==%d" % os.getpid(),
                    "r wake_up_new_task f:common_pid==%d" % os.getpid()], lambda: children.extend(fork() for _ in range(3)))
    entered = [line for line in map(transProbeLine, lines) if line["name"] == "p0"]
    with open("/proc/self/comm") as f:
        comm = f.read().strip()
    assert [line["args"] for line in entered] == [{"pid": str(child), "comm": comm, "parent": str(os.getpid())} for child in children]
    assert all(line["func"] == "wake_up_new_task" and line["pid"] == os.getpid() for line in entered)
    returned = [line for line in map(transProbeLine, lines) if line["name"] == "r1"]
    assert len(returned) == 3 and all("wake_up_new_task" in line for line in lines)


def test_addresses_and_ports():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    port = server.getsockname()[1]
    lines = traced(["p tcp_connect ip_to=%%0->__sk_common.skc_daddr b16_port=%%0->__sk_common.skc_dport who=$comm f:b16_port==%d&&ip_to==127.0.0.1" % port],
                   lambda: socket.create_connection(("127.0.0.1", port)).close())
    server.close()
    assert len(lines) == 1
    args = transProbeLine(lines[0])["args"]
    assert (args["ip_to"], args["b16_port"]) == ("127.0.0.1", str(port))


def test_packets():
    """The header in a packet's data: what is sent to ourselves by UDP."""
    receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    receiver.bind(("127.0.0.1", 0))
    port = receiver.getsockname()[1]

    def send():
        sender.sendto(b"AB and more", ("127.0.0.1", port))
        assert receiver.recv(100) == b"AB and more"
    lines = traced(["p ip_local_deliver proto=@(struct iphdr *)%%0->protocol ip_from=@(struct iphdr *)%%0->saddr "
                    "b16_to=@(struct udphdr *)l3%%0->dest text=X@(struct udphdr *)l3%%0->cdata[1] f:proto==17&&b16_to==%d" % port], send)
    receiver.close()
    sender.close()
    assert len(lines) == 1
    assert transProbeLine(lines[0])["args"] == {"proto": "17", "ip_from": "127.0.0.1", "b16_to": str(port), "text": "0x42"}


def test_stacks_and_offsets():
    lines = traced(["p wake_up_new_task+0 f:common_pid==%d" % os.getpid()], fork, stack=True)
    # Where functions begin with endbr64 newer kernels put the probe behind it.
    assert len([line for line in lines if re.search(r"p0: \(wake_up_new_task\+0x[04]/", line)]) == 1
    assert re.search(r"=> \S*(fork|clone)", "\n".join(lines))


def test_functions_that_are_not_there():
    for args, text in ((["p wake_up_new_tusk"], "probe wake_up_new_tusk"), (["p wake_up_new_task", "p no_such_function_at_all a=%0"], "no_such_function_at_all")):
        with pytest.raises(errors.InvalidArgsException) as e:
            traced(args, fork)
        assert text in str(e.value)
        assert left() == []
