"""The version of this package, and the check that its files are all its own.

Older packages on the index also install a "pylcc"; installed over this one, files of both mix."""

VERSION = "1.0.0"


def check(owner, name):
    """Raise ImportError unless the module or package owner carries this version."""
    if getattr(owner, "__version__", None) != VERSION:
        raise ImportError(
            "import %s: %s belongs to another package or version (pip uninstall pylcc; "
            "pip install --force-reinstall coolbpf)" % (name, getattr(owner, "__file__", None) or name))
