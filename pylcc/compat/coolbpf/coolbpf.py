"""The coolbpf command, under the name that it has always had; python -m coolbpf.coolbpf."""

import sys

from pylcc.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
