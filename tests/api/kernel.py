"""What is loaded in the kernel, as bpf(2) says it."""

import ctypes
import os
import struct
import time


class Objects(object):
    """The program of FORKS that a process has loaded, and its maps, by the kernel's own count.

    Other tests load programs at the same time: this one has the pid in its name."""

    PROGRAM, MAP = (11, 13), (12, 14)  # BPF_PROG_GET_NEXT_ID and _GET_FD_BY_ID, BPF_MAP_...

    def __init__(self, pid):
        name = ("f%d" % pid).encode()
        self.programs = set(n for n in self._ids(*self.PROGRAM) if self._info(13, n)[0] == name)
        self.maps = set(n for program in self.programs for n in self._info(13, program)[1])

    def __len__(self):
        return len(self.programs) + len(self.maps)

    @staticmethod
    def _bpf(command, attribute):
        number = {"x86_64": 321, "aarch64": 280}[os.uname()[4]]
        return ctypes.CDLL(None, use_errno=True).syscall(number, command, attribute, ctypes.sizeof(attribute))

    def _ids(self, next_id, _):
        attribute = (ctypes.c_uint32 * 4)()
        while self._bpf(next_id, attribute) == 0:
            attribute[0] = attribute[1]
            yield attribute[0]

    def _info(self, by_id, number):
        """(name, ids of maps) of a program: struct bpf_prog_info."""
        fd = self._bpf(by_id, (ctypes.c_uint32 * 4)(number))
        if fd < 0:
            return None, []  # it went meanwhile
        maps = (ctypes.c_uint32 * 64)()
        info = ctypes.create_string_buffer(80)
        struct.pack_into("=IQ", info, 52, len(maps), ctypes.addressof(maps))
        attribute = ctypes.create_string_buffer(16)
        struct.pack_into("=IIQ", attribute, 0, fd, len(info), ctypes.addressof(info))
        assert self._bpf(15, attribute) == 0  # BPF_OBJ_GET_INFO_BY_FD
        os.close(fd)
        return info.raw[64:80].partition(b"\0")[0], maps[:struct.unpack_from("=I", info, 52)[0]]

    def gone(self, seconds=30):
        """Whether all of them leave the kernel (they are freed after a grace period)."""
        for _ in range(seconds * 20):
            if not self.programs & set(self._ids(*self.PROGRAM)) and not self.maps & set(self._ids(*self.MAP)):
                return True
            time.sleep(0.05)
        return False
