"""Hostile and faulty programs: how each is run, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telerun_protocol.states import Reason

MIB = 1 << 20
LIMITS = {
    "wall_time_s": 60.0,  # those that are to meet it have `SOON`
    "cpu_time_s": 20.0,
    "memory_bytes": 256 * MIB,
    "processes": 64,
    "disk_bytes": 64 * MIB,
    "output_bytes": MIB,
}
HIDDEN = (
    "/etc/shadow",
    str(Path.home() / ".profile"),
    "/home",
    "/sys/fs/cgroup",
    "/var/run/docker.sock",
    "/boot",
    "/mnt",
)
ENDED_BY_US = (Reason.TIME_LIMIT, Reason.CPU_TIME_LIMIT, Reason.MEMORY_LIMIT, Reason.OUTPUT_LIMIT)
SOON = {"wall_time_s": 1.0}
LITTLE = {"memory_bytes": 96 * MIB}  # soon touched, also in a guest


@dataclass(frozen=True, kw_only=True)
class Row:
    """A program and what must come of it. `told` are lines of its output, `files` the results that are kept."""

    number: str
    program: str
    args: tuple[str, ...] = ()
    limits: dict[str, Any] = field(default_factory=dict)
    reason: Reason | None = None  # None: it succeeds
    exit_code: int | None = None
    signal: int | None = None
    told: tuple[str, ...] | None = None
    files: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()  # words of the notes, all of them
    as_source: bool = False  # it looks at its own program, where the executor puts what it has compiled
    also: Callable[[Any], None] = lambda _: None  # what else must hold of the finished job

    def __str__(self) -> str:
        return f"{self.number}-{self.program.partition('.')[0]}-{self.args[0]}"


def _is_counted(done: Any) -> None:
    assert any("refused another process" in note for note in done.result.notes)


def _peaks_at_its_limit(done: Any) -> None:
    assert 0.9 * LITTLE["memory_bytes"] < done.result.steps[-1].peak_memory_bytes < 1.1 * LITTLE["memory_bytes"]


def _uses_no_cpu(done: Any) -> None:
    assert done.result.steps[-1].cpu_time_s < 0.5


def _counts_all(done: Any) -> None:
    step = done.result.steps[-1]
    assert 1 <= step.cpu_time_s < 3, "four processes, of a second together"


def _is_cut(done: Any) -> None:
    assert done.stdout == b"l" * LIMITS["output_bytes"]


def _is_kept(done: Any) -> None:
    assert done.stdout.startswith(b"\xff\xfe\x00\x01 \x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m")
    assert done.stdout.endswith(b"\xe2\x80\xaeltr \xf0\x9f\x92 \r\b\b\n")


def _has_one_bound(done: Any) -> None:
    total = int(done.stdout.split(b"total ")[1])
    assert LIMITS["disk_bytes"] // 2 < total <= LIMITS["disk_bytes"] + MIB


def _has_too_many_files(done: Any) -> None:
    assert "more files and folders" in done.result.message


def _opens_nothing(done: Any) -> None:
    told = dict(line.rsplit(" ", 1) for line in done.stdout.decode().splitlines())
    assert len(told) == 10
    assert set(told.values()) <= {"EACCES", "ENOENT", "EROFS", "EPERM"}, told


ROWS = [
    # ------------------------------------------------------------------------------------------------- processes
    Row(
        number="1", program="processes.c", args=("fork-bomb",), limits=SOON, reason=Reason.TIME_LIMIT, told=("lit",),
        also=_is_counted,
    ),
    Row(number="2", program="processes.c", args=("thread-bomb",), reason=Reason.PROCESS_LIMIT, exit_code=5),
    Row(
        number="7", program="processes.c", args=("loop",), limits={"cpu_time_s": 0.5},
        reason=Reason.CPU_TIME_LIMIT,
    ),
    Row(number="7b", program="processes.c", args=("loop",), limits=SOON, reason=Reason.TIME_LIMIT),
    Row(
        number="8", program="processes.c", args=("sleep",), limits=SOON, reason=Reason.TIME_LIMIT, told=("sleep",),
        also=_uses_no_cpu,
    ),
    Row(number="9", program="processes.c", args=("stop",), limits=SOON, reason=Reason.TIME_LIMIT, told=("stop",)),
    Row(number="10", program="processes.c", args=("deaf",), limits=SOON, reason=Reason.TIME_LIMIT, told=("deaf",)),
    Row(
        number="11", program="processes.c", args=("children",), limits={"cpu_time_s": 1},
        reason=Reason.CPU_TIME_LIMIT, also=_counts_all,
    ),
    Row(number="13", program="processes.c", args=("daemon",), told=("left a daemon",), files=frozenset({"daemon.txt"})),
    Row(number="14", program="processes.c", args=("orphan",), told=("left an orphan",)),
    Row(number="16", program="escape.c", args=("kill",), told=("everyone ESRCH", "others 0")),
    Row(number="17", program="escape.c", args=("ptrace",), told=("others 1 seized 0",)),
    Row(number="18", program="processes.c", args=("name",), limits=SOON, reason=Reason.TIME_LIMIT, told=("name",)),
    # ---------------------------------------------------------------------------------------------------- memory
    Row(
        number="3", program="memory.c", args=("touch",), limits=LITTLE, reason=Reason.MEMORY_LIMIT,
        also=_peaks_at_its_limit,
    ),
    Row(number="4", program="memory.c", args=("children",), limits=LITTLE, reason=Reason.MEMORY_LIMIT),
    Row(number="5", program="memory.c", args=("reserve", "40"), told=("reserve ok",)),  # bits: as CUDA does it
    Row(number="5b", program="memory.c", args=("reserve", "38"), told=("reserve ok",)),
    Row(number="6", program="memory.c", args=("stack",), reason=Reason.SIGNAL, signal=11),
    Row(
        number="28", program="memory.c", args=("files",), limits={"memory_bytes": 24 * MIB},
        reason=Reason.MEMORY_LIMIT,
    ),
    Row(number="42", program="memory.c", args=("system-v",), told=("shmget ok",)),
    Row(number="42b", program="memory.c", args=("system-v",), told=("shmget ok",)),  # nothing is left of the first
    # ---------------------------------------------------------------------------------------------------- output
    Row(number="12", program="output.c", args=("drip",), limits=SOON, reason=Reason.TIME_LIMIT),
    Row(
        number="15", program="output.c", args=("closed",), reason=Reason.NONZERO_EXIT, exit_code=4,
        files=frozenset({"late.txt"}),
    ),
    Row(number="19", program="output.c", args=("stdout",), reason=Reason.OUTPUT_LIMIT, notes=("kept",)),
    Row(number="20", program="output.c", args=("stderr",), reason=Reason.OUTPUT_LIMIT, notes=("kept",)),
    Row(number="20b", program="output.c", args=("both",), reason=Reason.OUTPUT_LIMIT, notes=("kept",)),
    Row(number="21", program="output.c", args=("line",), reason=Reason.OUTPUT_LIMIT, notes=("kept",), also=_is_cut),
    Row(number="22", program="output.c", args=("bytes",), also=_is_kept),
    # ------------------------------------------------------------------------------------------------------ disk
    Row(
        number="23", program="disk.c", args=("fill",), reason=Reason.DISK_LIMIT, exit_code=6,
        told=("one ok", "two ENOSPC"),
    ),
    Row(
        number="24", program="disk.c", args=("tiny",), reason=Reason.DISK_LIMIT,
        exit_code=6, notes=("only 200 files",), also=_has_too_many_files,
    ),
    Row(
        number="25", program="disk.c", args=("everywhere",), reason=Reason.DISK_LIMIT, exit_code=6,
        told=("/filler EROFS", "/dev/filler EROFS", "/usr/filler EROFS", "/etc/filler EROFS", "/proc/filler ENOENT",
              "/dev/shm/filler ok", "/tmp/filler ENOSPC", "filler ENOSPC"),
        files=frozenset({"filler"}), also=_has_one_bound),
    Row(number="26", program="disk.c", args=("huge",), reason=Reason.DISK_LIMIT, signal=25, files=frozenset({"huge"})),
    Row(
        number="26b", program="disk.c", args=("sparse-huge",), reason=Reason.DISK_LIMIT, signal=25,
        files=frozenset({"huge"}),
    ),
    Row(number="26c", program="disk.c", args=("sparse",), told=("ftruncate ok",), files=frozenset({"huge"})),
    Row(
        number="27", program="disk.c", args=("nested",), told=("deep",), notes=("folders deep",),
        files=frozenset("d/" * depth + "here" for depth in range(16)),
    ),
    # --------------------------------------------------------------------------------------------------- results
    Row(number="29", program="outputs.c", args=("links",), files=frozenset({"honest.txt"}), notes=("7 files",)),
    Row(number="30", program="outputs.c", args=("out",), notes=("no readable folder",)),
    Row(
        number="31", program="outputs.c", args=("hard",), as_source=True, files=frozenset({"honest.txt"}),
        notes=("2 files",), told=("between outputs ok", "to the system EXDEV", "to the program EXDEV"),
    ),
    Row(
        number="32", program="outputs.c", args=("nodes",), files=frozenset({"honest.txt"}), notes=("2 files",),
        told=("fifo ok", "character EPERM", "block EPERM", "another gpu EPERM", "socket ok"),
    ),
    Row(
        number="33", program="outputs.c", args=("names",), notes=("3 files", "not portable"),
        files=frozenset(
            {"-rf", "\u202ereversed", "$(id)", "*", "%s%n", "..x", "a b", "--", "<b>", "é", "n" * 255}
        ),
    ),
    Row(
        number="34", program="outputs.c", args=("modes",), files=frozenset({"closed/inside", "unreadable", "setuid"}),
        told=("setuid ok", "unreadable ok", "chattr EPERM", "closed ok", "out ok"),
    ),
    # --------------------------------------------------------------------------------------------------- escapes
    Row(
        number="35", program="escape.c",
        args=("open", *HIDDEN), told=tuple(f"{path} ENOENT" for path in HIDDEN),
    ),
    Row(
        number="38", program="escape.c", args=("families",),
        told=(*(f"{name} EAFNOSUPPORT" for name in ("vsock", "alg", "netlink", "packet")), "raw EPERM"),
    ),
    Row(
        number="38b", program="escape.c", args=("calls",),
        told=tuple(f"{name} ENOSYS" for name in ("keyctl", "add_key", "io_uring", "userfaultfd", "bpf", "perf")),
    ),
    Row(
        number="39", program="escape.c", args=("privileges",),
        told=(*(f"{name} EPERM" for name in (
            "unshare", "clone", "mount", "umount", "pivot_root", "chroot", "setns", "mknod", "hostname", "handle")),
            "setuid EINVAL", "setgid EINVAL"),  # there is no root in its user namespace
    ),
    Row(number="39b", program="escape.c", args=("kernel",), also=_opens_nothing),
    Row(number="40", program="escape.c", args=("core",), reason=Reason.SIGNAL, signal=6, told=("core EPERM",)),
    Row(
        number="41", program="escape.c", args=("descriptors",), reason=Reason.NONZERO_EXIT, exit_code=7,
        told=("dup EMFILE", "at most 5000"),
    ),
    Row(number="43", program="escape.c", args=("terminal",), told=("stdin 0", "tty ENXIO", "TIOCSTI EPERM")),
    Row(
        number="44", program="escape.c", args=("priorities",),
        told=("fifo EPERM", "nice EPERM", "priority EACCES", "oom score EACCES"),
    ),
    Row(
        number="45", program="escape.c", args=("own",), as_source=True,
        told=("program ETXTBSY", "unlink EROFS", "chmod EROFS"),
    ),
    # --------------------------------------------------------------------------------------------------- endings
    Row(number="46", program="endings.c", args=("exit", "0")),
    Row(number="46b", program="endings.c", args=("exit", "3"), reason=Reason.NONZERO_EXIT, exit_code=3),
    Row(number="46c", program="endings.c", args=("exit", "137"), reason=Reason.NONZERO_EXIT, exit_code=137),
    Row(number="46d", program="endings.c", args=("signal", "11"), reason=Reason.SIGNAL, signal=11),
    Row(number="46e", program="endings.c", args=("signal", "6"), reason=Reason.SIGNAL, signal=6),
    Row(number="46f", program="endings.c", args=("signal", "9"), reason=Reason.SIGNAL, signal=9),
]  # fmt: skip
