from .execCmd import *
from .headTrans import getValueFromStr as getValueFromStr
from .surftrace import *

__version__: str
