"""A pytest plugin: which published names a test really calls, and how many assertions pass after the call.

With LCC_RECORD=DIRECTORY the names of names.txt are wrapped when their modules are imported, in the process
of the tests and in every Python that it starts. A call counts when it comes from outside the packages and
raises no Exception.
Assertions are counted by their lines, so that a loop counts once (enable_assertion_pass_hook=true). Needs
Python 3.7. PYTEST_DONT_REWRITE: it is imported before pytest."""

import collections
import functools
import importlib.abc
import importlib.machinery
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = ("pylcc", "surftrace", "coolbpf", "recording", "functools", "importlib")


def names():
    """[(module, name, kind)] of names.txt."""
    with open(os.path.join(HERE, "names.txt")) as f:
        return [tuple(line.split()) for line in f if line.strip() and not line.startswith("#")]


class Record(object):
    """What was called first when, in the test that runs; a child that a test started appends to a file."""

    def __init__(self):
        self.calls = collections.defaultdict(dict)  # test: {name: when}
        self.passed = collections.defaultdict(dict)  # test: {line: when last}
        self.parent = False
        self.seen = set()

    def note(self, name, depth=2):
        """Whether it is the first call, which raised() takes back."""
        if name in self.seen or sys._getframe(depth).f_globals.get("__name__", "").partition(".")[0] in OURS:
            return False
        self.seen.add(name)
        self._keep(name, time.monotonic())
        return True

    def raised(self, name):
        self.seen.discard(name)
        self._keep(name, None)

    def _keep(self, name, when):
        if self.parent:
            keep(self.calls[current()], name, when)
        else:
            with open(os.path.join(os.environ["LCC_RECORD"], "child-%d" % os.getpid()), "a") as f:
                f.write(json.dumps([current(), name, when]) + "\n")

    def write(self):
        """The names that each test called, with the assertions after the first call, as JSON."""
        directory = os.environ["LCC_RECORD"]
        for file in os.listdir(directory):
            if file.startswith("child-"):
                found = collections.defaultdict(dict)
                with open(os.path.join(directory, file)) as f:
                    for test, name, when in map(json.loads, f):
                        keep(found[test], name, when)
                for test, calls in found.items():
                    for name, when in calls.items():
                        self.calls[test][name] = min(when, self.calls[test].get(name, when))
        found = [(name, test, sum(last > when for last in self.passed[test].values()))
                 for test, calls in self.calls.items() for name, when in calls.items()]
        with open(os.path.join(directory, "calls.json"), "w") as f:
            json.dump(sorted(found), f)


def keep(calls, name, when):
    if when is None:
        calls.pop(name, None)
    else:
        calls.setdefault(name, when)


def counted(labels, plain, args, kwargs):
    """Call it; what it is known by was called, unless it raises."""
    first = []
    for label in labels:
        if record.note(label, 3):  # the frame of the caller; a comprehension has one of its own on some Pythons
            first.append(label)
    try:
        return plain(*args, **kwargs)
    except Exception:
        for label in first:
            record.raised(label)
        raise


record = Record()


def current():
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


class Finder(importlib.abc.MetaPathFinder):
    """Wraps the names of a module when it has been executed, before anyone takes them from it."""

    def find_spec(self, module, path, target=None):
        listed = [(name, kind) for of, name, kind in names() if of == module]
        spec = importlib.machinery.PathFinder.find_spec(module, path) if listed else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(made):
            execute(made)
            for name, kind in listed:
                wrap(made, name, kind)
        spec.loader.exec_module = exec_module
        return spec


def watch():
    if "LCC_RECORD" in os.environ:
        sys.meta_path.insert(0, Finder())


def wrap(module, name, kind):
    label = "%s %s" % (module.__name__, name)
    holder, _, last = name.rpartition(".")
    owner = getattr(module, holder, None) if holder else module
    if owner is None or kind != "attribute" and not hasattr(owner, last):
        return  # it will be shown as not called
    WRAPPERS[kind](owner, last, label)


def function(owner, name, label):
    plain = getattr(owner, name)

    @functools.wraps(plain)
    def recorded(*args, **kwargs):
        return counted([label], plain, args, kwargs)
    # The module may have it of another: it is the same there.
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").partition(".")[0] in OURS and vars(module).get(name) is plain:
            setattr(module, name, recorded)


def method(owner, name, label):
    """Where it is defined, once for all classes that inherit it: the class of the object says which name it is."""
    base = next(cls for cls in owner.__mro__ if name in vars(cls))
    labels = METHODS.setdefault((base, name), {})
    labels[owner] = label
    if len(labels) > 1:
        return
    kept = vars(base)[name]
    plain = getattr(kept, "__func__", kept)

    @functools.wraps(plain)
    def recorded(*args, **kwargs):
        return counted([listed for cls, listed in labels.items() if kept is not plain or isinstance(args[0] if args else None, cls)],
                       plain, args, kwargs)
    setattr(base, name, recorded if kept is plain else type(kept)(recorded))


def created(owner, name, label):
    """A class: its constructor."""
    cls = getattr(owner, name)
    plain = cls.__init__

    @functools.wraps(plain)
    def recorded(self, *args, **kwargs):
        return counted([label], plain if plain is not object.__init__ else lambda _: None, (self,) + args, kwargs)
    cls.__init__ = recorded


class Member(object):
    """An attribute of objects: its readers."""

    def __init__(self, name, label, slot):
        self.name, self.label, self.slot = name, label, slot

    def __get__(self, holder, owner=None):
        if holder is None:
            return self
        record.note(self.label)
        if self.slot is not None:
            return self.slot.__get__(holder, owner)
        try:
            return vars(holder)[self.name]
        except KeyError:
            raise AttributeError(self.name)

    def __set__(self, holder, value):
        if self.slot is not None:
            self.slot.__set__(holder, value)
        else:
            vars(holder)[self.name] = value


def attribute(owner, name, label):
    kept = next((vars(base)[name] for base in owner.__mro__ if name in vars(base)), None)
    setattr(owner, name, Member(name, label, kept if hasattr(kept, "__get__") else None))


def constants(owner, name, label):
    """A class of numbers: the readers of those."""
    cls = getattr(owner, name)

    class Meta(type(cls)):
        def __getattribute__(self, attribute):
            record.note(label)
            return type.__getattribute__(self, attribute)
    setattr(owner, name, Meta(name, cls.__bases__, dict((k, v) for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__"))))


METHODS = {}  # (class, method): {class that is listed: label}
WRAPPERS = {"function": function, "method": method, "class": created, "attribute": attribute, "constants": constants}


def pytest_configure(config):
    record.parent = True


def pytest_runtest_logstart(nodeid, location):
    record.seen = set()


def pytest_assertion_pass(item, lineno, orig, expl):
    record.passed[current()][lineno] = time.monotonic()


def pytest_sessionfinish(session):
    record.write()
