import argparse as argparse
import os as os
import re as re
import sys as sys
import traceback as traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .dbParser import CdbParser as CdbParser
from .ftrace import cmdStrings as cmdStrings, ftrace as ftrace, save2File as save2File
from .fxpr import Cfxpr as Cfxpr
from .gdbParser import CgdbParser as CgdbParser
from .headTrans import headTrans as headTrans, invHeadTrans as invHeadTrans
from .lbcClient import ClbcClient as ClbcClient
from .regSplit import spiltInputLine as spiltInputLine
from .surfException import *
from .uprobeParser import CuprobeParser as CuprobeParser

examples: str

class surftrace(ftrace):
    def __init__(self, args: Sequence[str | bytes] | Mapping[str, Any], parser: Any, show: bool = False, echo: bool = True,
                 arch: str = "", stack: bool = False, cb: Callable[[str], object] | None = None,
                 cbOrig: Callable[[str], object] | None = None, cbShow: Callable[[dict[str, Any]], object] | None = None,
                 instance: str | None = "surftrace") -> None: ...

def setupParser(mode: str = "remote", db: str = "", remote_ip: str = "", gdb: str = "./gdb", vmlinux: str = "",
                arch: str = "", ver: str = "") -> CdbParser | CgdbParser | ClbcClient: ...
def main() -> None: ...
