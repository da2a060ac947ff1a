"""What the seccomp filter answers, by interpreting it as the kernel would."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from telerun_executor.runners.sandbox import seccomp
from telerun_executor.runners.sandbox.seccomp import ABSENT, ALLOW, AUDIT_ARCH, ERRNO, KILL, MACHINES, REFUSED, Numbers
from telerun_protocol.errors import SandboxError

PROGRAMS = tuple(map(seccomp.program, MACHINES))
X86, ARM = range(2)
HEADERS = (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm-generic/unistd.h"))
machines = pytest.mark.parametrize("machine", [X86, ARM], ids=MACHINES)


def answer(number: int, *arguments: int, machine: int = X86, arch: int | None = None, network: bool = False) -> int:
    """Runs a filter over one `struct seccomp_data`."""
    program = seccomp.program(MACHINES[machine], network=True) if network else PROGRAMS[machine]
    padded = [*arguments, *[0] * (6 - len(arguments))]
    arguments_ = (it & (1 << 64) - 1 for it in padded)
    data = struct.pack("<IIQ6Q", number, AUDIT_ARCH[machine] if arch is None else arch, 0x7FFF_0000_1234, *arguments_)
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


@machines
def test_it_is_a_filter_that_the_kernel_takes(machine: int) -> None:
    assert len(PROGRAMS[machine]) % 8 == 0
    assert len(PROGRAMS[machine]) // 8 <= 4096
    assert answer(0, machine=machine) == ALLOW


@pytest.mark.parametrize(
    "number", [0, 1, 9, 56, 57, 59, 101, 202, 231, 257, 262, 281, 293, 302, 318, 332, 434, 439, 448]
)
def test_ordinary_calls_pass(number: int) -> None:
    assert answer(number) == ALLOW


@machines
@pytest.mark.parametrize(
    ("calls", "refusal"), [(ABSENT, errno.ENOSYS), (REFUSED, errno.EPERM)], ids=["absent", "refused"]
)
def test_calls_that_are_not_to_be_made(calls: dict[str, Numbers], refusal: int, machine: int) -> None:
    answers = {name: answer(numbers[machine], machine=machine) for name, numbers in calls.items() if numbers[machine]}
    assert answers == dict.fromkeys(answers, ERRNO | refusal)


@machines
def test_every_other_known_call_passes(machine: int) -> None:
    ours = {numbers[machine] for numbers in (*ABSENT.values(), *REFUSED.values())}
    assert {answer(number, machine=machine) for number in set(range(seccomp.NEWEST + 1)) - ours} == {ALLOW}


def test_calls_newer_than_the_list_do_not_exist() -> None:
    assert answer(seccomp.NEWEST) == ALLOW
    assert answer(seccomp.NEWEST + 1) == answer(999) == ERRNO | errno.ENOSYS


def test_other_architectures_and_x32_are_killed() -> None:
    assert answer(0, arch=0x40000003) == KILL  # int 0x80
    assert answer(0x40000000) == answer(0xFFFFFFFF) == KILL
    assert answer(0, machine=ARM, arch=0x40000028) == KILL  # the 32-bit calls of that machine


@machines
def test_families_of_sockets(machine: int) -> None:
    def socket(family: int) -> int:
        return answer(seccomp.SOCKET[machine], family, machine=machine)

    assert {socket(family) for family in (0, 1, 2)} == {ALLOW}
    refused = {10, 16, 17, 38, 40, -1, 40 | 7 << 32}  # the kernel does not look at the upper half either
    assert {socket(family) for family in refused} == {ERRNO | errno.EAFNOSUPPORT}


@machines
def test_a_network_brings_ipv6_and_nothing_else(machine: int) -> None:
    def socket(family: int) -> int:
        return answer(seccomp.SOCKET[machine], family, machine=machine, network=True)

    assert {socket(family) for family in (1, 2, 10)} == {ALLOW}
    assert {socket(family) for family in (16, 17, 38, 40)} == {ERRNO | errno.EAFNOSUPPORT}


@machines
def test_no_user_namespace_by_clone(machine: int) -> None:
    assert answer(seccomp.CLONE[machine], 0x3D0F00, machine=machine) == ALLOW  # a thread
    assert answer(seccomp.CLONE[machine], 0x11 | 0x10000000, machine=machine) == ERRNO | errno.EPERM


@machines
@pytest.mark.parametrize("request_", [0x5412, 0x541C, 0x5412 | 1 << 32])
def test_nothing_is_typed_into_a_terminal(request_: int, machine: int) -> None:
    assert answer(seccomp.IOCTL[machine], 0, request_, machine=machine) == ERRNO | errno.EPERM
    assert answer(seccomp.IOCTL[machine], request_, 0x5401, machine=machine) == ALLOW


def test_other_machines_are_refused_in_words() -> None:
    with pytest.raises(SandboxError, match="no seccomp filter for riscv64, only for x86_64 and aarch64"):
        seccomp.program("riscv64")


@machines
def test_the_numbers_are_the_kernels(machine: int) -> None:
    if not HEADERS[machine].exists():
        pytest.skip(f"the kernel's header with the numbers of {MACHINES[machine]} is not installed")
    known = {
        name: int(number) for name, number in re.findall(r"#define __NR_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    }
    calls = {**ABSENT, **REFUSED, "ioctl": seccomp.IOCTL, "socket": seccomp.SOCKET, "clone": seccomp.CLONE}
    ours = {name: numbers[machine] for name, numbers in calls.items()}
    assert {name: known.get(name) for name in ours} == ours
