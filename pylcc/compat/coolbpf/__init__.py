"""The coolbpf command: see coolbpf.coolbpf."""

from pylcc._identity import VERSION as __version__  # noqa: F401
