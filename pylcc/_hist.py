"""Histograms as text."""

import os

from pylcc._lib import number

_MIN_BAR = 10
_AROUND = 18  # columns of a line that are not its bar


def columns():
    """The width of the terminal; 80 where there is none."""
    for fd in (1, 2, 0):
        try:
            return os.get_terminal_size(fd).columns or 80
        except (AttributeError, OSError, ValueError):  # Python 2, no terminal
            pass
    return 80


def short(count, base):
    """A number as 999, 12K, 3M: cut, not rounded. base: 1000, or 1024 as bucket limits have it."""
    for unit in ("", "K", "M", "G", "T", "P", "E"):
        if count < base:
            break
        count //= base
    return "%d%s" % (count, unit)


def lines(counts, limits, base):
    """One line a bucket, from the first to the last that is not empty; bars are scaled to the largest.

    counts[i] is of the values in [limits(i), limits(i + 1)); None is none. ValueError when nothing was counted."""
    counts = [number(count or 0, "a count") for count in counts]
    filled = [i for i, count in enumerate(counts) if count]
    if not filled:
        raise ValueError("The input list is empty or all zero.")
    width, most = max(_MIN_BAR, columns() - _AROUND), max(counts)
    for i in range(filled[0], filled[-1] + 1):
        bar = "@" * (counts[i] * width // most)
        label = "[%s,%s)" % (short(limits(i), base), short(limits(i + 1), base))
        yield "%-12s%-4s|%s|" % (label, short(counts[i], 1000), bar.ljust(width))
