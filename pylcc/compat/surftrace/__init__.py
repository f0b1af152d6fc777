"""surftrace: the helpers that scripts import beside pylcc, over the rooms of pylcc."""

from pylcc._identity import VERSION as __version__  # noqa: F401
