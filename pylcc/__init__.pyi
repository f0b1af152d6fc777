from pylcc import errors as errors, lbcBase as lbcBase, lbcInclude as lbcInclude, lbcMaps as lbcMaps, perfEvent as perfEvent
from pylcc.errors import *
from pylcc.lbcBase import *
from pylcc.lbcMaps import *

__version__: str
