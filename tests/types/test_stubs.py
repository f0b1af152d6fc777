"""The stubs say what the modules of the installed wheel are, and serve a script's author."""

import importlib
import os
import re
import subprocess
import sys

import pytest

import coolbpf
import pylcc
import surftrace

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = (coolbpf, pylcc, surftrace)


def sources():
    """(name, path) of each module."""
    for package in PACKAGES:
        top = os.path.dirname(package.__file__)
        for directory, _, files in os.walk(top):
            for file in files:
                if file.endswith(".py"):
                    path = os.path.join(directory, file)
                    name = os.path.relpath(path, os.path.dirname(top))[:-len(".py")].replace(os.sep, ".")
                    yield re.sub(r"\.__init__$", "", name), path


@pytest.fixture
def mypy(tmpdir):
    """mypy(arguments...): (lines that it prints, exit code), in a directory that has no pylcc of its own."""
    return lambda *arguments: _run(tmpdir, arguments)


def _run(place, arguments):
    child = subprocess.run([sys.executable, "-m"] + list(arguments), cwd=str(place), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    return child.stdout.splitlines(), child.returncode


def test_each_public_module_has_a_stub():
    public = [(name, path) for name, path in sources() if "._" not in name]
    assert len(public) > 25 and not [name for name, path in public if not os.path.exists(path + "i")]
    assert all(os.path.exists(os.path.join(os.path.dirname(package.__file__), "py.typed")) for package in PACKAGES)


def private():
    """Regular expressions for what needs no stub: modules without one, and in others whose name begins with
    an underscore what neither the stub nor a public module mentions."""
    public = [importlib.import_module(name) for name, _ in sources() if "._" not in name and not name.endswith("__main__")]
    exported = [getattr(module, name) for module in public for name in getattr(module, "__all__", ())]
    classes = set(base for value in exported if isinstance(value, type) for base in value.__mro__)
    for name, path in sources():
        if not os.path.exists(path + "i"):
            yield re.escape(name) + r"(\..*)?"
        elif "._" in name:
            with open(path + "i") as f:
                mentioned = set(re.findall(r"^(?:class |def )?(\w+)", f.read(), re.M))
            for own, value in vars(importlib.import_module(name)).items():
                if own not in mentioned and not (value in classes if isinstance(value, type) else any(value is e for e in exported)):
                    yield re.escape("%s.%s" % (name, own)) + r"(\..*)?"


def test_stubs_are_true(mypy, tmpdir):
    """Private modules are written for Python 2 as well: mypy's opinion of what is in them does not matter."""
    tmpdir.join("private").write("\n".join(private()))
    tmpdir.join("mypy.ini").write("[mypy]\nignore_errors = True\n")
    lines, code = mypy("mypy.stubtest", "--mypy-config-file", str(tmpdir.join("mypy.ini")), "--ignore-unused-allowlist",
                       "--allowlist", str(tmpdir.join("private")), "--allowlist", os.path.join(HERE, "allowlist"), *[p.__name__ for p in PACKAGES])
    checked = re.match(r"Success: no issues found in (\d+) modules$", lines[-1])
    assert code == 0 and checked and int(checked.group(1)) > 50, "\n".join(lines)


def test_example(mypy):
    lines, code = mypy("mypy", "--strict", "--cache-dir", os.devnull, os.path.join(HERE, "example.py"))
    assert code == 0, "\n".join(lines)


def test_mistakes(mypy):
    path = os.path.join(HERE, "mistakes.py")
    with open(path) as f:
        wanted = [(number, code) for number, line in enumerate(f, 1) for code in re.findall(r"# error: (\S+)$", line)]
    lines, _ = mypy("mypy", "--strict", "--cache-dir", os.devnull, path)
    found = [re.search(r":(\d+): error: .* \[([\w-]+)\]$", line) for line in lines]
    assert [(int(m.group(1)), m.group(2)) for m in found if m] == wanted, "\n".join(lines)
