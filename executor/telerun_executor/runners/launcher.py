"""A small process that starts one command at a time for the executor and is the parent of everything that comes of it.

It exists for what the executor itself cannot do well. It has one thread, so it may prepare a child between fork and
exec (session, limits, death signal) without risk. It adopts the orphans of the command (a "subreaper"), so its
descendants are exactly the command's processes, whatever session or environment they gave themselves. And when the
executor dies, even by SIGKILL, its socket closes and the launcher ends everything before it goes itself.

It runs as a plain script with nothing but the standard library (`python -I -S launcher.py FD`): it starts in a few
milliseconds and stays small, which matters because a child's peak memory begins with its parent's.

Over the socket come requests, each a 4-byte length and JSON: {"argv", "env", "cwd", "rlimits"} together with the file
descriptors of the command, which get the numbers 0, 1, 2 and so on, and {"end": grace_s} while one runs. For a sandbox
a request says more: "cgroups" (files that the command writes itself into before anything else), "born_in" (the folder
of a cgroup of version 2 that it begins in), "kill" (files that end a whole cgroup), "user" (the number of the user and
group it becomes), "wrappers" (how many generations of processes are the sandbox's own and hear no SIGTERM). Each
command is answered by one line of JSON: {"exit_code" or "signal", "wall_time_s", "cpu_time_s", "peak_memory_bytes"}, or
{"failed": text} when the command could not be started, or {"stuck": text} when something of it cannot be killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
MOST_FDS = 16
LENGTH = struct.Struct(">I")
UNKILLABLE_AFTER_S = 5.0
OOM_SCORE = b"500"  # when memory runs out, a job goes before the executor
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the executor alone decides when a launcher ends
CLONE_INTO_CGROUP = 1 << 33
CLONE3 = 435  # on every architecture
_prctl = ctypes.CDLL(None, use_errno=True).prctl
_syscall = ctypes.PyDLL(None).syscall  # it keeps the interpreter's lock, as a fork has to


def parents() -> dict[int, int]:
    """Every process of this machine and its parent."""
    found = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib doubles the cost, and this runs for every stray
        if entry.isdigit():
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{entry}/stat").read_bytes()
                found[int(entry)] = int(stat[stat.rindex(b")") + 2 :].split(None, 2)[1])
    return found


def descendants(root: int) -> list[int]:
    """The processes below `root`, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


class Gone(Exception):
    """The executor closed its end."""


def receive(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next request and the descriptors that came with its first byte."""
    start, fds, _, _ = socket.recv_fds(control, 1, MOST_FDS)
    size = LENGTH.unpack(start + _read(control, LENGTH.size - 1))[0]
    return json.loads(_read(control, size)), fds


def _read(control: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = control.recv(size - len(data))
        if not more:
            raise Gone
        data += more
    return bytes(data)


class Running:
    """The command that runs now, until nothing of it is alive."""

    def __init__(self, main: int, began: float, request: dict[str, Any]) -> None:
        self.main = main
        self.began = began
        self.kill_files = request.get("kill", ())
        self.wrappers = request.get("wrappers", 0)
        self.wall_time_s = 0.0
        self.status: int | None = None
        self.cpu_time_s = 0.0
        self.peak_memory_bytes = 0
        self.kill_at: float | None = None

    def reap(self) -> bool:
        """Takes note of every child that has ended; whether any is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self.cpu_time_s += usage.ru_utime + usage.ru_stime
            self.peak_memory_bytes = max(self.peak_memory_bytes, usage.ru_maxrss * 1024)
            if pid == self.main:
                self.status = status
                self.wall_time_s = time.monotonic() - self.began

    def end(self, grace_s: float) -> None:
        """Asks everything to end, and makes it after `grace_s`."""
        self.kill_at = time.monotonic() + grace_s
        if grace_s > 0:
            signal_all(descendants(os.getpid())[self.wrappers :], signal.SIGTERM)

    def kill(self, wake: int) -> None:
        """Returns when nothing is left; raises TimeoutError when something does not die."""
        deadline = time.monotonic() + UNKILLABLE_AFTER_S
        for file in self.kill_files:
            with contextlib.suppress(OSError):  # signals will do, if not as fast
                write(file, b"1")
        while self.reap():
            signal_all(descendants(os.getpid()), signal.SIGKILL)
            if time.monotonic() > deadline:
                raise TimeoutError("a process of the job does not die")
            select.select([wake], [], [], 0.05)
            drain(wake)

    def answer(self) -> dict[str, Any]:
        assert self.status is not None
        code = os.waitstatus_to_exitcode(self.status)
        return {
            ("exit_code" if code >= 0 else "signal"): abs(code),
            "wall_time_s": self.wall_time_s,
            "cpu_time_s": self.cpu_time_s,
            "peak_memory_bytes": self.peak_memory_bytes,
        }


def start(request: dict[str, Any], fds: list[int]) -> int:
    """Forks and executes; returns the child once it runs its program, or raises OSError."""
    reading, low = os.pipe2(os.O_CLOEXEC)
    writing = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 3 * MOST_FDS)  # clear of the numbers that the command gets
    os.close(low)
    me = os.getpid()
    pid = fork(request.get("born_in"))
    if pid == 0:
        try:
            _become(request, fds, me, clear_of=writing)
        except OSError as error:
            os.write(writing, json.dumps([error.errno, error.strerror]).encode())
        finally:
            os._exit(127)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        failure = pipe.read()
    if failure:
        os.waitpid(pid, 0)
        raise OSError(*json.loads(failure))
    return pid


def fork(born_in: str | None) -> int:
    """A fork, whose child begins in a cgroup of version 2: joining one later costs many milliseconds."""
    if born_in is None:
        return os.fork()
    folder = os.open(born_in, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, its size, tls, set_tid, its size, cgroup
        args = struct.pack("11Q", CLONE_INTO_CGROUP, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, folder)
        pid: int = _syscall(CLONE3, args, len(args))
        if pid >= 0:
            return pid
    finally:
        os.close(folder)
    pid = os.fork()  # an older kernel, or a filter around us that knows no clone3
    if pid == 0:
        write(f"{born_in}/cgroup.procs", b"0")
    return pid


def write(file: str, text: bytes) -> None:
    """Writes at once, into a file that exists, as the kernel's interfaces want it."""
    fd = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)


def _become(request: dict[str, Any], fds: list[int], parent: int, clear_of: int) -> None:
    for file in request.get("cgroups", ()):
        write(file, b"0")
    os.setsid()
    with contextlib.suppress(OSError):
        write("/proc/self/oom_score_adj", OOM_SCORE)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, clear_of + 1) for fd in fds]
    for fd in fds:
        os.close(fd)
    for number, fd in enumerate(high):
        os.dup2(fd, number)
    os.umask(0o022)
    os.chdir(request["cwd"])
    for name, (soft, hard) in request["rlimits"].items():
        number = getattr(resource, name)
        most = resource.getrlimit(number)[1]
        lower = [value if most == resource.RLIM_INFINITY else min(value, most) for value in (soft, hard)]
        resource.setrlimit(number, (lower[0], lower[1]))
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:  # by Python, by us, or by the shell that started the executor
            signal.signal(number, signal.SIG_DFL)  # for an ignored signal stays so across exec
    if "user" in request:
        os.setgroups([])
        os.setresgid(*[request["user"]] * 3)
        os.setresuid(*[request["user"]] * 3)
        _prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user takes it back
    if os.getppid() != parent:
        os._exit(127)
    argv = request["argv"]
    os.execvpe(argv[0], argv, request["env"])  # noqa: S606 - an argv and no shell is the point


def serve(control: socket.socket, wake: int, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    try:
        running = Running(began=time.monotonic(), main=start(request, fds), request=request)
    except OSError as error:
        return {"failed": error.strerror or str(error), "errno": error.errno}
    finally:
        for fd in fds:
            os.close(fd)
    try:
        while running.reap() and running.status is None:
            left = None if running.kill_at is None else running.kill_at - time.monotonic()
            if left is not None and left <= 0:
                break
            ready, _, _ = select.select([control.fileno(), wake], [], [], left)
            drain(wake)
            if control.fileno() in ready:
                running.end(receive(control)[0]["end"])
    finally:
        running.kill(wake)
    return running.answer()


def drain(wake: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(wake, 4096)


def main(fd: int) -> None:
    control = socket.socket(fileno=fd)
    control.set_inheritable(False)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    wake, signalled = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in IGNORED:
        signal.signal(ignored, signal.SIG_IGN)
    with contextlib.suppress(Gone, ConnectionError):
        while True:
            request, fds = receive(control)
            if "argv" not in request:  # an end that crossed the command's own end
                continue
            try:
                answer = serve(control, wake, request, fds)
            except TimeoutError as error:
                answer = {"stuck": str(error)}
            control.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
