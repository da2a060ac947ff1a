"""The system calls that a job may not make, as a classic BPF program for `bwrap --seccomp`.

A deny-list: compilers, threads, Python and CUDA use too many calls for an allow-list to hold from one release to the
next. It refuses what reaches around the namespaces (io_uring, AF_VSOCK, key rings), what makes new ones, and what only
administrators need. Calls newer than this list do not exist for a job. ptrace is allowed: debuggers need it, and so
does the leak check of -fsanitize=address; the one process of a box that is not the job's lets nobody look into it.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from telerun_protocol.errors import SandboxError

MACHINES = ("x86_64", "aarch64")
Numbers = tuple[int, int | None]  # of a call on each of them

ABSENT: dict[str, Numbers] = {  # ENOSYS: programs take it for an older kernel, and do without
    "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "clone3": (435, 435),  # its flags lie in memory, where a filter cannot see them; the C library falls back to clone
}  # fmt: skip
REFUSED: dict[str, Numbers] = {  # EPERM
    "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "mount_setattr": (442, 442),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433),
    "unshare": (272, 97), "setns": (308, 268), "personality": (135, 92),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "acct": (163, 89), "swapon": (167, 224),
    "swapoff": (168, 225), "lookup_dcookie": (212, 18),
    "reboot": (169, 142), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "iopl": (172, None),
    "ioperm": (173, None),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "syslog": (103, 116), "vhangup": (153, 58),
}  # fmt: skip
IOCTL, SOCKET, CLONE = (16, 29), (41, 198), (56, 220)
NEWEST = 466  # removexattrat (Linux 6.13), the last call that was looked at; since 424 the numbers are one everywhere
X32_BIT = 0x40000000  # on x86_64: the same calls by other numbers

AUDIT_ARCH = (0xC000003E, 0xC00000B7)
CLONE_NEWUSER = 0x10000000
TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into the terminal that the executor was started from
AF_INET, AF_INET6 = 2, 10  # 0 and 1 are AF_UNSPEC and AF_UNIX

NUMBER, ARCHITECTURE, ARGUMENT_0, ARGUMENT_1 = 0, 4, 16, 24  # offsets in struct seccomp_data; the arguments' low halves
LOAD, EQUAL, GREATER, GREATER_OR_EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
ALLOW = 0x7FFF0000
KILL = 0x80000000  # the whole process
ERRNO = 0x00050000


@dataclass(frozen=True, slots=True)
class _Instruction:
    """A test says what to answer where it holds (`then`) and where not (`otherwise`), or to `skip` what follows then.

    Without an answer, the next instruction follows.
    """

    code: int
    operand: int
    then: int | None = None
    otherwise: int | None = None
    skip: int = 0


@cache
def program(machine: str | None = None, *, network: bool = False) -> bytes:
    """The filter for a kind of machine (`platform.machine()`, this one by default). With `network`, IPv6 as well.

    Raises SandboxError where the numbers of its calls are not known.
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        raise SandboxError(f"There is no seccomp filter for {machine}, only for {' and '.join(MACHINES)}.")
    return _assemble([*_rules(MACHINES.index(machine), network)])


def _rules(machine: int, network: bool) -> Iterator[_Instruction]:
    absent, refused, no_family = (ERRNO | number for number in (errno.ENOSYS, errno.EPERM, errno.EAFNOSUPPORT))
    yield _Instruction(LOAD, ARCHITECTURE)
    yield _Instruction(EQUAL, AUDIT_ARCH[machine], otherwise=KILL)
    yield _Instruction(LOAD, NUMBER)
    yield _Instruction(GREATER_OR_EQUAL, X32_BIT, then=KILL)
    yield _Instruction(GREATER, NEWEST, then=absent)
    for answer, calls in ((absent, ABSENT), (refused, REFUSED)):
        for call in (numbers[machine] for numbers in calls.values()):
            if call is not None:
                yield _Instruction(EQUAL, call, then=answer)
    families = [_Instruction(EQUAL, AF_INET6, then=ALLOW)] if network else []
    yield from _of_call(SOCKET[machine], ARGUMENT_0, *families, _Instruction(GREATER, AF_INET, then=no_family))
    yield from _of_call(CLONE[machine], ARGUMENT_0, _Instruction(ANY_BIT, CLONE_NEWUSER, then=refused))
    yield from _of_call(
        IOCTL[machine], ARGUMENT_1, *(_Instruction(EQUAL, request, then=refused) for request in TERMINAL_INPUT)
    )
    yield _Instruction(RETURN, ALLOW)


def _of_call(call: int, argument: int, *tests: _Instruction) -> Iterator[_Instruction]:
    """Tests of one argument of one call; what none of them holds for is allowed."""
    block = (_Instruction(LOAD, argument), *tests, _Instruction(RETURN, ALLOW))
    yield _Instruction(EQUAL, call, skip=len(block))
    yield from block


def _assemble(instructions: list[_Instruction]) -> bytes:
    """The program's bytes (struct sock_filter each), with the answers that tests jump to at its end."""
    answers = list(dict.fromkeys(it for one in instructions for it in (one.then, one.otherwise) if it is not None))
    code = []
    for position, one in enumerate(instructions):

        def distance(answer: int | None, default: int = 0, after: int = position + 1) -> int:
            return default if answer is None else len(instructions) + answers.index(answer) - after

        code.append((one.code, distance(one.then), distance(one.otherwise, one.skip), one.operand))
    code += [(RETURN, 0, 0, answer) for answer in answers]
    return b"".join(struct.pack("<HBBI", *one) for one in code)
