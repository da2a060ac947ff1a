"""Which device files a job can open: as a list for the v1 controller, as an eBPF program for a cgroup2.

Both let the devices of the job and the harmless ones be read and written, and let no device file be made.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

from telerun_executor.runners.sandbox.cgroups.base import Devices
from telerun_executor.runners.sandbox.cgroups.directory import Directory
from telerun_protocol.errors import SandboxError

HARMLESS: Devices = (
    (1, 3), (1, 5), (1, 7), (1, 8), (1, 9),  # null, zero, full, random, urandom
    (5, 0), (5, 2), (136, None),  # tty, ptmx, the terminals of the job's own /dev/pts
)  # fmt: skip

BPF_CALLS = {"x86_64": 321, "aarch64": 280}  # the number of bpf(2)
PROG_LOAD, PROG_ATTACH = 5, 8
TYPE_CGROUP_DEVICE, ATTACH_CGROUP_DEVICE, ALLOW_MULTI = 15, 6, 2
ATTRIBUTE_BYTES = 120

CHARACTER_DEVICE = 2  # in the low 16 bits of struct bpf_cgroup_dev_ctx.access_type; a block device is 1
MAKE_NODE = 1  # in the high 16 bits, beside 2 for reading and 4 for writing
LOAD_WORD, AND, SHIFT_RIGHT, MOVE, MOVE_REGISTER = 0x61, 0x54, 0x74, 0xB7, 0xBF
JUMP, JUMP_UNLESS_EQUAL, JUMP_IF_ANY_BIT, EXIT = 0x05, 0x55, 0x45, 0x95


def rules(devices: Devices) -> Iterator[str]:
    """Lines for `devices.allow`."""
    for major, minor in (*HARMLESS, *devices):
        yield f"c {major}:{'*' if minor is None else minor} rw"


def filter_code(devices: Devices) -> bytes:
    """An eBPF program that answers 1 for what may be opened, 0 for the rest."""
    answer, context, kind, making, major_of, minor_of = range(6)  # registers; the kernel gives the context in 1
    refuse = [_instruction(MOVE, answer, operand=0), _instruction(EXIT)]
    allow = [_instruction(MOVE, answer, operand=1), _instruction(EXIT)]
    code = [
        _instruction(LOAD_WORD, kind, context, 0),
        _instruction(MOVE_REGISTER, making, kind),
        _instruction(AND, kind, operand=0xFFFF),
        _instruction(SHIFT_RIGHT, making, operand=16),
        _instruction(LOAD_WORD, major_of, context, 4),
        _instruction(LOAD_WORD, minor_of, context, 8),
        _instruction(JUMP_UNLESS_EQUAL, kind, offset=2, operand=CHARACTER_DEVICE),
        _instruction(JUMP_IF_ANY_BIT, making, offset=1, operand=MAKE_NODE),
        _instruction(JUMP, offset=len(refuse)),
        *refuse,
    ]
    for major, minor in (*HARMLESS, *devices):
        tests = [(major_of, major)] if minor is None else [(major_of, major), (minor_of, minor)]
        for number, (register, value) in enumerate(tests):
            beyond = len(tests) - number - 1 + len(allow)
            code.append(_instruction(JUMP_UNLESS_EQUAL, register, offset=beyond, operand=value))
        code += allow
    return b"".join([*code, *refuse])


def attach_filter(cgroup: Directory, devices: Devices) -> None:
    """Binds a cgroup2 to these devices. Raises SandboxError, where it is for want of CAP_BPF or CAP_SYS_ADMIN."""
    code = filter_code(devices)
    instructions, license_ = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    where = struct.pack("<QQ", ctypes.addressof(instructions), ctypes.addressof(license_))
    try:
        loaded = _bpf(PROG_LOAD, struct.pack("<II", TYPE_CGROUP_DEVICE, len(code) // 8) + where)
        try:
            _bpf(PROG_ATTACH, struct.pack("<IIII", cgroup.fd, loaded, ATTACH_CGROUP_DEVICE, ALLOW_MULTI))
        finally:
            os.close(loaded)  # the cgroup keeps it
    except OSError as error:
        raise SandboxError(f"Could not attach a device filter to {cgroup.path}: {error.strerror}.") from error


def _bpf(command: int, attributes: bytes) -> int:
    number = BPF_CALLS.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"the number of bpf(2) on {platform.machine()} is not known")
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes.ljust(ATTRIBUTE_BYTES, b"\0"), ATTRIBUTE_BYTES)
    answer = int(libc.syscall(number, command, buffer, ATTRIBUTE_BYTES))
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def _instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, operand: int = 0) -> bytes:
    return struct.pack("<BBhi", code, source << 4 | target, offset, operand)
