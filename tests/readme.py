"""README.md: its programs and its commands, as they are printed there, ready to run."""

import io
import os
import re
import sys

import pytest

from running import NAME, SECONDS, Running, set_name

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
COOLBPF = os.path.join(os.path.dirname(sys.executable), "coolbpf")
SCRIPTS = ["new_tasks.py", "mallocs.py", "profile.py", "calls.py", "traced.py"]


def readme(name):
    """(blocks of code with their languages, section names, lines of commands) of a file."""
    with io.open(os.path.join(TOP, name), encoding="utf-8") as f:
        text = f.read()
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.S | re.M)
    sections = re.findall(r"\S+/\S+", text[text.index("\n    kprobe/"):].split("\n\n")[0])
    indented = re.findall(r"^    (\S.*?)(?:  +\S.*)?$", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M), re.M)
    return blocks, sections, [line for line in indented if line not in sections]



BLOCKS, SECTIONS, COMMANDS = readme("README.md")


class Printed(object):
    """A directory, place, with the programs of README.md."""

    def __init__(self, place, request):
        self.place, self._request = place, request
        scripts = [text for language, text in BLOCKS if language == "python"]
        for name, text in zip(SCRIPTS, scripts):
            place.join(name).write_binary(text.encode("utf-8"))
        program, = [text for language, text in BLOCKS if language == "c"]
        place.join("execs.bpf.c").write_binary(program.encode("utf-8"))
        assert len(scripts) == len(SCRIPTS)

    def run(self, *words):
        """A command there, until the test ends."""
        running = Running(list(words), cwd=str(self.place))
        self._request.addfinalizer(running.stop)
        return running

    def script(self, name):
        return self.run(sys.executable, name)

    def coolbpf(self, *words):
        """The lines of a command of coolbpf that ends by itself, without an error."""
        running = self.run(COOLBPF, *words)
        assert running.ended.wait(SECONDS) and running.process.wait() == 0, running.lines
        return running.lines


@pytest.fixture
def printed(request, tmpdir):
    set_name(NAME)
    return Printed(tmpdir, request)
