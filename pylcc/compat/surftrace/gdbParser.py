"""CgdbParser: what gdb once read from a vmlinux is now read from its BTF; gdb is not needed."""

from pylcc.errors import InvalidArgsException
from .dbParser import CbtfParser

__all__ = ["CgdbParser"]


class CgdbParser(CbtfParser):
    """Asks the BTF of the file vmlinuxPath; default this kernel's own. gdb is ignored."""

    def __init__(self, vmlinuxPath="", gdb=None):
        super(CgdbParser, self).__init__(vmlinuxPath)

    def showMemberOffset(self, member, structName):
        """The offset of a member of structName, in bytes."""
        struct = self.getStruct(structName.replace("*", "").strip())["res"] or {}
        for cell in struct.get("cell", ()):
            if cell["name"].split("[")[0] == member:
                return cell["offset"]
        raise InvalidArgsException("%s is not in %s" % (member, structName))

    def disasFun(self, func):
        """Not here: InvalidArgsException says what to do."""
        raise InvalidArgsException("disassemble %s: BTF has no code (gdb -batch -ex 'disassemble /s %s' vmlinux)" % (func, func))

    def parserLine(self, line):
        """Not here: InvalidArgsException says what to do."""
        raise InvalidArgsException("find line %s: BTF has no lines (gdb -batch -ex 'info line %s' vmlinux)" % (line, line))
