"""surftrace: the helpers that scripts import beside pylcc, over the rooms of pylcc."""

from pylcc._identity import VERSION as __version__  # noqa: F401
from .execCmd import *  # noqa: F401,F403
from .headTrans import getValueFromStr
from .surftrace import *  # noqa: F401,F403
