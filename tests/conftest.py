"""The tests are about what pip installed, not about the source tree."""

import os
import sys

import pytest

sys.dont_write_bytecode = True

import pylcc  # noqa: E402
from pylcc import errors  # noqa: E402
from pylcc._session import make  # noqa: E402
from readme import printed  # noqa: E402,F401

if not os.path.realpath(pylcc.__file__).startswith(os.path.realpath(sys.prefix) + os.sep):
    pytest.exit("test the wheel: pylcc comes from %s, not from the environment %s (pip install dist/coolbpf-*.whl there)"
                % (os.path.dirname(pylcc.__file__), sys.prefix))

if not os.path.exists("/sys/bus/event_source/devices/kprobe"):
    collect_ignore_glob = ["kprobe/*", "scripts/*"]  # they belong to kernels with kprobes
elif os.uname()[2].startswith("5.10."):
    collect_ignore = ["kprobe/test_graph.py"]  # emulated by QEMU it hangs now and then when function_graph is switched
else:
    collect_ignore = ["kprobe/test_btf.py"]  # slow where all is emulated: once, on the oldest kernel

if sys.version_info < (3,):
    collect_ignore = globals().get("collect_ignore", []) + ["api/test_asyncio.py"]

headers = []  # how the kernel types of each NAME.so were printed


@pytest.fixture(autouse=True)
def small_header(request):
    """The kernel types that a test's programs need could be told beforehand: the whole header was not used."""
    place = request.getfixturevalue("tmpdir") if "tmpdir" in request.fixturenames else None
    yield
    for path in place.visit("*.so") if place else ():
        if path.check(file=True, link=False):
            try:
                _, report = make(name=path.purebasename, work=path.dirname)
            except errors.LccException:
                continue  # the test is about a file that is no good
            headers.append(report["header"])
            assert report["header"] in ("needed", "none"), path


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.write_sep("_", "failed at first: " + report.nodeid)
        terminalreporter.write_line(report.longreprtext)
    terminalreporter.write_line("%d NAME.so were made with %s" % (len(headers), " or ".join(sorted(set(headers))) or "no header"))


def pytest_sessionfinish(session, exitstatus):
    """A check that has looked at nothing has failed."""
    if exitstatus == 0 and session.testscollected > 100 and len(headers) < 50:
        session.exitstatus = 1
