"""surftrace: the helpers that scripts import beside pylcc, over the rooms of pylcc."""

from pylcc._identity import VERSION as __version__  # noqa: F401
from surftrace.execCmd import *  # noqa: F401,F403
from surftrace.headTrans import getValueFromStr, headTrans, invHeadTrans
from surftrace.lbcClient import ClbcClient
from surftrace.regSplit import spiltInputLine
from surftrace.surfException import *  # noqa: F401,F403
from surftrace.uprobeParser import CuprobeParser
