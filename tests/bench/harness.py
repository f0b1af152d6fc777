"""What the groups of the bench share: rows, rounds, and processes that are measured."""

import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "bench")
VERSIONS = os.environ.get("PYTHONS", "2.7 3.6 3.7 3.8 3.9 3.10 3.11 3.12 3.13").split()
QUIET = 10  # how often nothing came within 20 ms
ROUNDS = int(os.environ.get("ROUNDS", "3"))


class Row(object):
    """A line of the table: figures of C, BCC and ours, None where there is none.

    targets: [(ratio to "C" or "BCC", or None: the figure itself; ">=" or "<="; number)]; note: instead."""

    def __init__(self, what, unit, c=None, bcc=None, ours=None, targets=(), note=""):
        self.what, self.unit, self.note = what, unit, note
        self.figures = {"C": c, "BCC": bcc, "ours": ours}
        self.targets = targets

    def ratio(self, peer):
        theirs, own = self.figures[peer], self.figures["ours"]
        return own / theirs if theirs and own is not None else None

    def cells(self):
        """What, C, BCC, ours, of C, of BCC, target or note, as text."""
        figures = [number(self.figures[who]) for who in ("C", "BCC", "ours")]
        ratios = ["-" if self.ratio(peer) is None or self.unit == "%" else "%.2f" % self.ratio(peer) for peer in ("C", "BCC")]
        return ["%s, %s" % (self.what, self.unit)] + figures + ratios + [self.note or self.verdict()]

    def verdict(self):
        """The targets, each with "no" where it is missed."""
        said = []
        for peer, relation, bound in self.targets:
            found = self.figures["ours"] if peer is None else self.ratio(peer)
            met = found is not None and (found >= bound if relation == ">=" else found <= bound)
            said.append("%s %g%s%s" % (relation, bound, " " + peer if peer else "", "" if met else "?" if found is None else " no"))
        return ", ".join(said)


def number(figure):
    """Three digits, and thousands in groups."""
    if figure is None:
        return "-"
    if figure == int(figure) or abs(figure) >= 100:
        return "{:,.0f}".format(figure)
    return "%.3g" % figure


def rounds(cases, times=ROUNDS):
    """Run each of cases, {name: function that returns a figure or a dict of them}, times times in turn;
    {name: [results]}."""
    results = dict((name, []) for name in cases)
    for _ in range(times):
        for name, case in cases.items():
            results[name].append(case())
    return results


def best(results, figure, choose):
    """{name: the least or highest (choose: min, max) of that figure}, of those that have it."""
    return dict((name, choose(result[figure] for result in each)) for name, each in results.items() if figure in each[0])


def interpreters():
    """{version: path} of those of VERSIONS that are here; the distribution's own, where it has one."""
    found = {}
    pyenv = os.path.join(os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv")), "versions")
    built = os.listdir(pyenv) if os.path.isdir(pyenv) else []
    for version in VERSIONS:
        names = ["/usr/bin/python" + version] + [os.path.join(pyenv, name, "bin", "python") for name in built if name.startswith(version + ".")]
        for path in names + [shutil.which("python" + version)]:
            if path and os.path.exists(path) and run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip() == version:
                found[version] = path
                break
    return found


def run(command, **options):
    """What a command prints; it must succeed."""
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, universal_newlines=True, env=environment(), **options).stdout


def said(bench, command):
    """{name: number} of a command that says NAME NUMBER, a line each."""
    lines = run(command, cwd=bench.place).splitlines()
    return dict((line.split()[0], float(line.split()[1])) for line in lines if re.match(r"\w+ [\d.e-]+$", line))


def environment():
    return dict(os.environ, PYTHONPATH=os.path.join(BUILD, "site"))


class Bench(object):
    """What is here to be measured. Where it lacks BCC or libbpf, bcc or peer is None."""

    def __init__(self, place):
        self.place = place
        self.pythons = interpreters()
        self.bcc = os.environ.get("BCC")
        self.peer = built("peer")
        self.producer = built("producer")
        # BCC's own, so that the same Python runs both.
        version = run([self.bcc or sys.executable, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
        self.main = version if version in self.pythons else list(self.pythons)[-1]

    def has(self, module):
        """Whether the main Python has a module."""
        return subprocess.call([self.python, "-c", "import " + module], cwd=self.place, env=environment(),
                               stderr=subprocess.DEVNULL) == 0

    @property
    def python(self):
        return self.pythons[self.main]

    def ours(self, script, *arguments, **options):
        """The command that runs a script of coolbpf."""
        return [options.get("python", self.python), os.path.join(HERE, script)] + list(arguments)

    def compile(self, kind):
        """Have the object of consume.py, and the compiler's time behind us."""
        Consumer(self.ours("consume.py", kind), self.place).end()

    def of_bcc(self, script, *arguments):
        return [self.bcc, os.path.join(HERE, script)] + list(arguments)

    def produce(self, how, amount, work=0, before=()):
        """(calls, nanoseconds) of a producer; before: words in front of its command."""
        calls, spent = run(list(before) + [self.producer, how, str(amount), str(work)]).split()
        return int(calls), int(spent)


def built(name):
    path = os.path.join(BUILD, name)
    return path if os.path.exists(path) else None


Report = collections.namedtuple("Report", "received lost cpu peak median longest")  # s, KiB, ns, ns


class Consumer(object):
    """A process that receives events: see shared.Consumer."""

    def __init__(self, command, place):
        self.process = subprocess.Popen(command, cwd=place, env=environment(), stdout=subprocess.PIPE, universal_newlines=True)
        self.expect("ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.process.kill()
        self.process.communicate()

    def expect(self, pattern):
        """The next line of this form, which skips what else is printed."""
        for line in iter(self.process.stdout.readline, ""):
            if re.match(pattern + "$", line.strip()):
                return line.split()
        sys.exit("%s ended, exit status %d" % (" ".join(self.process.args), self.process.wait()))

    def ask(self):
        """What was received so far."""
        self.process.send_signal(signal.SIGUSR1)
        received, lost, seconds, peak, median, most = self.expect(r"\d+ \d+ [\d.e-]+ \d+ \d+ \d+")
        return Report(int(received), int(lost), float(seconds), int(peak), int(median), int(most))

    def settle(self, total):
        """The same, as soon as received and lost are total, or nothing more comes."""
        before, quiet = self.ask(), 0
        while before.received + before.lost != total and quiet < QUIET:
            time.sleep(0.02)
            after = self.ask()
            quiet = quiet + 1 if after[:2] == before[:2] else 0
            before = after
        return before
