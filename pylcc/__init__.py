"""pylcc: eBPF programs in C, loaded and read from Python, without a compiler to install.

    from pylcc.lbcBase import ClbcBase

    class Hello(ClbcBase):
        def __init__(self):
            super(Hello, self).__init__("hello", bpf_str=program)

help(ClbcBase) says more."""

from pylcc._identity import VERSION as __version__
from pylcc import _identity

try:
    from pylcc import errors, lbcBase, lbcInclude, lbcMaps, perfEvent
except ImportError as e:
    raise ImportError("import pylcc: %s (if another package's pylcc was installed over this one: "
                      "pip uninstall pylcc; pip install --force-reinstall coolbpf)" % e)
for _module in (errors, lbcBase, lbcInclude, lbcMaps, perfEvent):
    _identity.check(_module, "pylcc")

from pylcc.errors import *  # noqa: E402,F401,F403
from pylcc.lbcBase import *  # noqa: E402,F401,F403
from pylcc.lbcMaps import *  # noqa: E402,F401,F403

__all__ = errors.__all__ + lbcBase.__all__ + lbcMaps.__all__
