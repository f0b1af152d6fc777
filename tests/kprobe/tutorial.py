"""The tutorial's programs, out of its Markdown: two are whole in it, four are eventOut with differences."""

import io
import os
import re

import pytest


def program(name):
    """Files of a program: {file name: text}. Skips where there is no tutorial."""
    path = os.environ.get("TUTORIAL")
    if not path:
        pytest.skip("the variable TUTORIAL does not name the tutorial's Markdown file")
    with io.open(path, encoding="utf-8") as f:
        files = Tutorial(f.read()).files(name)
    return dict((file, u"# -*- coding: utf-8 -*-\n" + text if file.endswith(".py") else text) for file, text in files.items())


class Tutorial(object):
    def __init__(self, text):
        text = text.replace(u"\xa0", u" ")
        self.blocks = [b.expandtabs(4) for b in re.findall(r"```\w*\n(.*?)\n *```", text, re.S)]

    def block(self, *words):
        """The first block of code that has all the words, without its lines of dots."""
        for block in self.blocks:
            if all(word in block for word in words):
                return u"\n".join(line for line in block.split("\n") if line.strip() != u"\u2026\u2026")
        pytest.fail("the tutorial has no code with %s" % ", ".join(words))

    def files(self, name):
        if name == "hello":
            return {"hello.py": self.block("class Chello")}
        script = self.block("class CeventOut")
        if name == "eventOut":
            return {"eventOut.py": script}
        script = script.replace("CeventOut", "C" + name).replace('"eventOut"', '"%s"' % name)
        return getattr(self, name)(script)

    def dynamicVar(self, script):
        script = after(script, "struct data_t data = {};", self.block("FILTER_PID) {"))
        main = self.block("bpfPog.replace").replace("e.loop", "e.loop()")
        return {"dynamicVar.py": "import sys\n" + script[:script.index('if __name__ ==')] + main + "\n"}

    def hashMap(self, script):
        script = after(script, "LBC_PERF_OUTPUT(e_out, struct data_t, 128);", self.block("LBC_HASH(pid_cnt"))
        key = [line for line in self.block("FILTER_PID) {").split("\n") if "u32 pid" in line]
        script = after(script, "struct data_t data = {};", "\n".join(key + [self.block("u32 *pcnt")]))
        script = script.replace("            exit()", self.block("print(dMap.get())"))
        return {"hashMap.py": script}

    def callStack(self, script):
        declarations = self.block("LBC_STACK(call_stack")
        script = re.sub(r"struct data_t \{.*?LBC_PERF_OUTPUT[^\n]*", lambda _: declarations, script, count=1, flags=re.S)
        script = script.replace("    bpf_perf_event_output", self.block("data.stack_id =") + "\n    bpf_perf_event_output")
        return {"callStack.py": after(script, "e.c_pid, e.c_comm, e.p_pid, e.p_comm\n        ))", self.block("getStacks"))}

    def codeSeparate(self, script):
        script = script.replace("CcodeSeparate", "codeSeparate")
        source = re.search(r'bpfPog = r"""\n(.*?)"""\n', script, re.S)
        script = script[:source.start()] + script[source.end():]
        script = re.sub(r"    def __init__.*?\n\n", lambda _: "    " + self.block('__init__("independ")') + "\n\n", script, count=1, flags=re.S)
        return {"codeSeparate.py": script, "independ.bpf.c": source.group(1)}


def after(text, line, addition):
    """text with the addition after the line."""
    assert text.count(line) == 1, line
    return text.replace(line, line + "\n" + addition)
