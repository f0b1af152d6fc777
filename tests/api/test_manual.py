"""help() of the public names: nothing lacks a text, and the text names every argument."""

import importlib
import inspect
import io
import os
import pkgutil
import pydoc
import re

import coolbpf
import pylcc
import surftrace
from pylcc.lbcBase import ClbcBase
from pylcc.lbcMaps import CmapsBase, CtypeData, CtypeTable

INNER = (CmapsBase, CtypeData, CtypeTable)  # which nobody else makes


def modules():
    for package in (coolbpf, pylcc, surftrace):
        yield package
        for _, name, _ in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if "._" not in name:
                yield importlib.import_module(name)


def parameters(function):
    """Names of what a function is called with; of self and others that say nothing, none."""
    code = getattr(function, "__code__", None)
    return [name for name in code.co_varnames[:code.co_argcount] if name != "self"] if code else []


def members(cls):
    """(name, function, text) of the methods and properties of a class; what one overrides may have its text."""
    for name, value in sorted(vars(cls).items()):
        if name.startswith("_"):
            continue
        value = getattr(value, "__func__", getattr(value, "fget", value))
        if inspect.isfunction(value):
            texts = [inspect.getdoc(getattr(base, name)) for base in cls.__mro__ if hasattr(base, name)]
            yield name, value, next((text for text in texts if text), "")


def documented():
    """(name, text, parameters) of each public class, function, method, once."""
    seen = set()
    for module in modules():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if not (inspect.isclass(value) or inspect.isfunction(value)) or value in seen:
                continue
            seen.add(value)
            if not inspect.isclass(value):
                yield name, value.__doc__ or "", parameters(value)
                continue
            for base in reversed([b for b in value.__mro__ if b.__module__.split(".")[0] in ("pylcc", "surftrace")]):
                if base in seen and base is not value:
                    continue
                seen.add(base)
                text = "\n".join(b.__doc__ or "" for b in base.__mro__[:-1] if b.__module__.split(".")[0] in ("pylcc", "surftrace"))
                yield base.__name__, base.__doc__ or "", []
                if "__init__" in vars(base) and base not in INNER:
                    yield base.__name__ + "()", text, parameters(vars(base)["__init__"])
                for method, function, own in members(base):
                    yield "%s.%s" % (base.__name__, method), own, [p for p in parameters(function) if p not in re.findall(r"\w+", text)]


def test_modules():
    assert [m.__name__ for m in modules() if not (m.__doc__ or "").strip()] == []


def test_everything_public_has_a_text():
    found = list(documented())
    assert len(found) > 150 and sorted(name for name, text, _ in found if not text.strip()) == []


def test_texts_name_the_arguments():
    """Or those of another name: "see X", "as in X". What takes one argument is about it."""
    found = list(documented())
    texts = dict((name, text) for name, text, _ in found)
    silent = []
    for name, text, wanted in found:
        other = re.search(r"(?:see|as in) (?:[A-Z]\w+\.)?(\w+)", text)
        words = re.findall(r"\w+", text + "".join(texts[n] for n in texts if other and n.split(".")[-1] == other.group(1)))
        if len(wanted) > 1:
            silent += ["%s: %s" % (name, parameter) for parameter in wanted if parameter not in words]
    assert silent == []


def test_the_manual_of_ClbcBase():
    """It names each kind of error and section that there is, and says of privileges what the READMEs say."""
    text = pydoc.plain(pydoc.render_doc(ClbcBase))
    for word in parameters(ClbcBase.__init__) + ["maps", "CompileException", "LoadException", "AttachException", "RootRequiredException", "Linux 5.10"]:
        assert re.search(r"\b%s\b" % word, text), word
    for name in ("README.md", "README.zh-CN.md"):
        with io.open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", name), encoding="utf-8") as f:
            assert set(re.findall("CAP_[A-Z_]+", f.read())) == set(re.findall("CAP_[A-Z_]+", text)), name
