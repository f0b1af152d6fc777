"""Values whose name says what they are: ip_NAME is an IPv4 address, b16_NAME, b32_NAME, b64_NAME a
number in network order, B16_NAME ... such a number in hexadecimal."""

import socket
import struct

from pylcc.errors import ExprException

__all__ = ["headTrans", "invHeadTrans", "getValueFromStr", "headFlags", "defaultHex"]

headFlags = ("ip", "b16", "b32", "b64", "B16", "B32", "B64")
defaultHex = False  # kernels 3.x wrote numbers without 0x in hexadecimal

_CODES = {"16": "H", "32": "I", "64": "Q"}


def getValueFromStr(s, isHex=False):
    """The number in the text s, decimal or 0x...; isHex: hexadecimal without 0x too."""
    try:
        return int(s, 16 if isHex or s[:2].lower() == "0x" else 10)
    except ValueError:
        raise ExprException("read a number: %r is none" % s)


def headTrans(head, var):
    """NAME=VALUE with the value as people read it; head: the name, var: the number that the kernel
    printed. ExprException: it is none, or too large."""
    return "%s=%s" % (head, _translate(head, var, lambda text: socket.inet_ntoa(_pack("=I", getValueFromStr(text)))))


def invHeadTrans(head, var):
    """(name, value) with the value as the kernel's filters want it; head: the name, var: the value as
    people write it. ExprException as in headTrans."""
    return head, _translate(head, var, lambda text: "0x%x" % struct.unpack("=I", _address(text)))


def _translate(head, text, address):
    kind = head.split("_", 1)[0]
    if kind not in headFlags:
        return text
    if kind == "ip":
        return address(text)
    code = _CODES[kind[1:]]
    number, = struct.unpack("=" + code, _pack(">" + code, getValueFromStr(text, kind[0] == "B")))
    return ("%x" if kind[0] == "B" else "%d") % number


def _address(text):
    try:
        return socket.inet_aton(text)
    except (OSError, IOError):
        raise ExprException("read an IPv4 address: %r is none" % text)


def _pack(code, number):
    try:
        return struct.pack(code, number)
    except struct.error:
        raise ExprException("read a number of %d bits: %d is too large" % (8 * struct.calcsize(code), number))
