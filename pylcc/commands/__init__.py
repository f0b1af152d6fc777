"""The coolbpf command, one file a verb."""

import argparse
import difflib
import importlib
import sys

from pylcc import _lib, errors
from pylcc._load import tell
from pylcc._session import make
from pylcc.lbcInclude import directories

__all__ = ["main"]

VERBS = {
    "run": "run a script, or load NAME.bpf.c and print what it sends until Ctrl-C",
    "doctor": "try what this machine can do, and say how to mend what it cannot",
    "dump": "show the maps, C types and programs of a NAME.so, and where they attach",
}

EPILOG = """\
verbs, each with a --help of its own:
%s

examples:
  coolbpf -f hello.bpf.c                  compile it to hello.so, which ClbcBase("hello") loads
  coolbpf -o -f hello.bpf.c               to hello.bpf.o, for any other loader
  coolbpf -f hello.bpf.c -e "-DDEBUG=1"   with more compiler flags
  coolbpf run hello.bpf.c                 compile and run it at once (as root)
  coolbpf doctor                          what works here

Compiling needs neither root nor a compiler on this machine; kernel types come from the kernel.
""" % "\n".join("  coolbpf %-8s %s" % (verb, VERBS[verb]) for verb in sorted(VERBS))


def main(argv=None):
    """Run the command; return its exit code: 0, 1 when it failed, 2 when it was used wrongly."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0].startswith("-"):
        return ending(compile_file, argv)
    if argv[0] not in VERBS:
        near = difflib.get_close_matches(argv[0], list(VERBS), 1)
        hint = "closest: %s" % near[0] if near else "-f compiles a file; verbs: %s" % ", ".join(sorted(VERBS))
        return _say("use %s: there is no such verb (%s)" % (argv[0], hint)) or 2
    return ending(importlib.import_module("pylcc.commands._" + argv[0]).main, argv[1:])


def ending(command, *arguments):
    """Call a command and turn what it raises into a line and an exit code."""
    try:
        return command(*arguments) or 0
    except ValueError as e:
        return _say(str(e)) or 2
    except errors.LccException as e:
        return _say(e.log.rstrip("\n") + "\n" + str(e) if e.log else str(e)) or 1
    except EnvironmentError as e:  # such as a closed pipe, or a trace that cannot be had
        return _say("%s%s" % (e.strerror or e, ": " + str(e.filename) if e.filename else "")) or 1
    except KeyboardInterrupt:
        return 130


def _say(text):
    sys.stderr.write("coolbpf: %s\n" % text if "\n" not in text else text + "\n")


def parse(parser, argv):
    """parser.parse_args, with flags of the compiler as the argument of -e, which argparse would take for options."""
    argv = list(sys.argv[1:] if argv is None else argv)
    for i in range(len(argv) - 2, -1, -1):
        if argv[i] in ("-e", "--env"):
            argv[i:i + 2] = ["--env=" + argv[i + 1]]
    return parser.parse_args(argv)


def building(parser):
    """Add the options that say how a source is compiled."""
    parser.add_argument("-e", "--env", default="", metavar="FLAGS", help='more compiler flags, as one word: "-DDEBUG -Werror"')
    parser.add_argument("-i", "--include", default="", metavar="DIRS",
                        help='";"-separated directories to search for #include "x.h" (then those of LBC_INCLUDE)')
    parser.add_argument("--btf", metavar="FILE", help="kernel types: raw BTF or a vmlinux; default: the kernel's own, or /boot/vmlinux-VERSION")


def build(name, args, **options):
    """lcc_make with these options; say what is to be said. Returns (artefact, report)."""
    artefact, report = make(name=_lib.text(name, "file"), env=_lib.text(args.env, "env"), include=directories(args.include),
                            btf=args.btf and _lib.text(args.btf, "btf"), **options)
    tell(report, "coolbpf")
    return artefact, report


def compile_file(argv=None):
    """coolbpf -f NAME.bpf.c."""
    parser = argparse.ArgumentParser(prog="coolbpf", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG,
                                     description="Compile NAME.bpf.c, an eBPF program in C, to NAME.so in the current directory.")
    parser.add_argument("-f", "--file", default="", metavar="NAME.bpf.c", help="what to compile")
    parser.add_argument("-o", "--obj", action="store_true", help="make NAME.bpf.o, a plain BPF object, instead of NAME.so")
    parser.add_argument("-a", "--arch", default="", help="machine to compile for, as uname -m says it (x86_64, aarch64); default this one")
    parser.add_argument("-v", "--version", default="", help="kernel release to compile for; default this one's")
    building(parser)
    args = parse(parser, argv)
    if not args.file:
        parser.print_help()
        raise ValueError("need to set **.bpf.c file to compile.")
    if "/" in args.file:
        raise ValueError("The file name cannot contain a directory(/).")
    _, report = build(args.file, args, arch=_lib.text(args.arch, "arch"), release=_lib.text(args.version, "version"), bare=args.obj)
    if report["action"] == "loaded":
        raise errors.FileNotExistException("compile %s: no such file (%s is there, and was left alone)" % (args.file, report["path"]))
    return 0 if report["kept"] else 1
