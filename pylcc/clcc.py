"""clcc: compile NAME.bpf.c in the current directory to NAME.so or NAME.bpf.o.

    python -m pylcc.clcc -f hello.bpf.c

It is the coolbpf command without its verbs; no privilege is needed."""

import sys

from pylcc import commands

__all__ = ["main"]


def main(argv=None):
    """Compile as the options say; argv: default those of the process.

    Raises ValueError, after printing help, without -f, and for a file name with a directory;
    and what the compiler raises: CompileException, FileNotExistException, InvalidArgsException."""
    commands.compile_file(argv)


if __name__ == "__main__":
    sys.exit(commands.ending(main))
