"""The tests are about what pip installed, not about the source tree."""

import os
import sys

import pytest

sys.dont_write_bytecode = True

import pylcc  # noqa: E402

if not os.path.realpath(pylcc.__file__).startswith(os.path.realpath(sys.prefix) + os.sep):
    pytest.exit("test the wheel: pylcc comes from %s, not from the environment %s (pip install dist/coolbpf-*.whl there)"
                % (os.path.dirname(pylcc.__file__), sys.prefix))
