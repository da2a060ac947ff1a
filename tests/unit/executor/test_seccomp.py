"""What the seccomp filter answers, by interpreting it as the kernel would."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from telerun_executor.runners.sandbox import seccomp
from telerun_executor.runners.sandbox.seccomp import ABSENT, ALLOW, AUDIT_ARCH, ERRNO, KILL, REFUSED
from telerun_protocol.errors import SandboxError

PROGRAM = seccomp.program("x86_64")
HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def answer(number: int, *arguments: int, arch: int = AUDIT_ARCH, program: bytes = PROGRAM) -> int:
    """Runs a filter over one `struct seccomp_data`."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, arch, 0x7FFF_0000_1234, *(it & (1 << 64) - 1 for it in padded))
    code = list(struct.iter_unpack("<HBBI", program))
    accumulator = position = 0
    while True:
        operation, if_true, if_false, operand = code[position]
        position += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
                continue
            case 0x06:
                return operand
            case 0x15:
                holds = accumulator == operand
            case 0x25:
                holds = accumulator > operand
            case 0x35:
                holds = accumulator >= operand
            case 0x45:
                holds = bool(accumulator & operand)
            case _:
                raise AssertionError(f"unknown instruction {operation:#x}")
        position += if_true if holds else if_false


def test_it_is_a_filter_that_the_kernel_takes() -> None:
    assert len(PROGRAM) % 8 == 0
    assert len(PROGRAM) // 8 <= 4096
    assert answer(0) == ALLOW


@pytest.mark.parametrize(
    "number", [0, 1, 9, 56, 57, 59, 101, 202, 231, 257, 262, 281, 293, 302, 318, 332, 434, 439, 448]
)
def test_ordinary_calls_pass(number: int) -> None:
    assert answer(number) == ALLOW


@pytest.mark.parametrize(("name", "number"), ABSENT.items(), ids=ABSENT)
def test_absent_calls(name: str, number: int) -> None:
    assert answer(number) == ERRNO | errno.ENOSYS


@pytest.mark.parametrize(("name", "number"), REFUSED.items(), ids=REFUSED)
def test_refused_calls(name: str, number: int) -> None:
    assert answer(number) == ERRNO | errno.EPERM


def test_every_other_known_call_passes() -> None:
    others = set(range(seccomp.NEWEST + 1)) - {*ABSENT.values(), *REFUSED.values()}
    assert {answer(number) for number in others} == {ALLOW}


def test_calls_newer_than_the_list_do_not_exist() -> None:
    assert answer(seccomp.NEWEST) == ALLOW
    assert answer(seccomp.NEWEST + 1) == answer(999) == ERRNO | errno.ENOSYS


def test_other_architectures_and_x32_are_killed() -> None:
    assert answer(0, arch=0x40000003) == KILL  # int 0x80
    assert answer(0x40000000) == answer(0xFFFFFFFF) == KILL


def test_families_of_sockets() -> None:
    assert {answer(41, family) for family in (0, 1, 2)} == {ALLOW}
    refused = {10, 16, 17, 38, 40, -1, 40 | 7 << 32}  # the kernel does not look at the upper half either
    assert {answer(41, family) for family in refused} == {ERRNO | errno.EAFNOSUPPORT}


def test_a_network_brings_ipv6_and_nothing_else() -> None:
    program = seccomp.program("x86_64", network=True)
    assert {answer(41, family, program=program) for family in (1, 2, 10)} == {ALLOW}
    assert {answer(41, family, program=program) for family in (16, 17, 38, 40)} == {ERRNO | errno.EAFNOSUPPORT}


def test_no_user_namespace_by_clone() -> None:
    assert answer(56, 0x3D0F00) == ALLOW  # a thread
    assert answer(56, 0x11 | 0x10000000) == ERRNO | errno.EPERM


@pytest.mark.parametrize("request_", [0x5412, 0x541C, 0x5412 | 1 << 32])
def test_nothing_is_typed_into_a_terminal(request_: int) -> None:
    assert answer(16, 0, request_) == ERRNO | errno.EPERM
    assert answer(16, request_, 0x5401) == ALLOW


def test_other_machines_are_refused_in_words() -> None:
    with pytest.raises(SandboxError, match="no seccomp filter for aarch64"):
        seccomp.program("aarch64")


@pytest.mark.skipif(not HEADER.exists(), reason="the kernel's header with the numbers of x86_64 calls is not installed")
def test_the_numbers_are_the_kernels() -> None:
    known = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text())}
    ours = {**ABSENT, **REFUSED, "ioctl": seccomp.IOCTL, "socket": seccomp.SOCKET, "clone": seccomp.CLONE}
    assert {name: known.get(name) for name in ours} == ours
