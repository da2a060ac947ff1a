"""One bubblewrap with the first process in it, which waits for the command that it is to start."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from telerun_executor.runners.base import Command, ProcessExit, Terms
from telerun_executor.runners.launch import Launcher, Launchers, Request, words
from telerun_executor.runners.launched import GRACE_S, measured, of_signal, owned, rlimits, visible_devices
from telerun_executor.runners.sandbox import bubblewrap, init, seccomp, storage
from telerun_executor.runners.sandbox.bubblewrap import Mode, View
from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits, Devices, Hierarchy, JobCgroup
from telerun_executor.runners.sandbox.watch import CgroupWatch
from telerun_executor.runners.usage import Watch, met_file_limit
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import SandboxError
from telerun_protocol.messages import Limits
from telerun_protocol.states import Reason

WRAPPERS = 2  # generations: bubblewrap and the first process in the box
ERROR_BYTES = 4096
_numbers = itertools.count()


class Unkillable(SandboxError):
    """Something of the job does not die: what it held is given to no other job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all wrappers of one box have in common."""

    bwrap: Path
    workspace: Workspace
    view: View
    terms: Terms
    limits: Limits
    hierarchy: Hierarchy | None  # None: nothing but a watch
    cgroup: CgroupLimits
    devices: Devices
    grace_s: float = GRACE_S

    def environment(self, command: Command) -> dict[str, str]:
        return {"TMPDIR": "/tmp", **command.env, **visible_devices(self.terms)}  # noqa: S108 - the box's own

    @property
    def bounds_disk(self) -> bool:
        return self.view.mode is not Mode.OWN_USER

    def disk_used(self) -> int:
        return storage.used(self.workspace.run)[0] if self.bounds_disk else 0


class Wrapper:
    """Made by `opened`, and good for one command."""

    def __init__(
        self, setting: Setting, launcher: Launcher, cgroup: JobCgroup | None, fds: contextlib.ExitStack
    ) -> None:
        self.owner = None if setting.view.mode is Mode.OWN_USER else setting.view.user
        self._setting = setting
        self.watch = self._watch(setting, launcher, cgroup)
        self._launcher = launcher
        self._began = 0.0
        self._control, theirs = socket.socketpair()
        fds.callback(self._control.close)
        self._control.setblocking(False)
        self._errors, complain = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        owned(fds, self._errors)
        with theirs, contextlib.ExitStack() as given:
            nothing = owned(given, os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
            streams = [nothing, nothing, owned(given, complain)]
            view = _memory(given, words(bubblewrap.options(setting.view)))
            rules = _memory(given, seccomp.program(network=setting.terms.network))
            launcher.begin(self._request(cgroup), [*streams, view, rules, theirs.fileno()])

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, setting: Setting, launchers: Launchers) -> AsyncIterator[Wrapper]:
        """A wrapper that is on its way to wait for a command. When it is left, nothing of it is alive.

        Raises Unkillable where that cannot be had.
        """
        async with launchers.lend() as launcher, _cgroup(setting) as cgroup:
            with contextlib.ExitStack() as fds:
                wrapper = cls(setting, launcher, cgroup, fds)
                try:
                    yield wrapper
                finally:
                    await launcher.stop()  # no command came; the end of the cgroup is what counts

    async def run(self, command: Command, streams: Sequence[int]) -> None:
        setting = self._setting
        env = setting.environment(command)
        told = [
            str(len(command.argv)),
            str(command.cwd),
            *command.argv,
            *(f"{key}={value}" for key, value in env.items()),
        ]
        self._began = time.monotonic()
        self.watch.begin()
        with contextlib.ExitStack() as given, contextlib.suppress(ConnectionError):  # it has ended: `ended` says why
            socket.send_fds(self._control, [b"!"], [*streams, _memory(given, words(told))])
        await self._launcher.wait(setting.grace_s)

    async def ended(self) -> ProcessExit | OSError:
        answer = self._launcher.answer
        if isinstance(self.watch, CgroupWatch):
            self.watch.look()
        told = init.read(_drain(self._control.fileno()))
        exit_ = replace(measured(answer, self.watch), wall_time_s=time.monotonic() - self._began)
        if told.failed is not None:
            return OSError(told.failed, os.strerror(told.failed))
        if told.exit_code is not None or told.signal is not None:
            exit_ = replace(exit_, exit_code=told.exit_code, signal=told.signal)
        elif not told.started and "signal" not in answer and exit_.reason is None:
            said = _drain(self._errors).decode(errors="replace").strip() or answer.get("failed", "")
            raise SandboxError(f"The box could not be set up: {said or 'bubblewrap gave no reason'}.")
        else:
            exit_ = replace(exit_, exit_code=None, signal=exit_.signal or signal.SIGKILL)
        if isinstance(self.watch, CgroupWatch):  # it knows all; the launcher counts itself in
            used = self.watch.usage()
            exit_ = replace(
                exit_,
                cpu_time_s=used.cpu_time_s,
                peak_memory_bytes=used.peak_memory_bytes,
                processes_refused=self.watch.used.forks_denied,
                usage=msgspec.structs.replace(used, memory_bytes=0, processes=0, disk_bytes=self._setting.disk_used()),
            )
        files_ran_out = self._setting.bounds_disk and storage.files_ran_out(self._setting.workspace.run)
        return replace(exit_, reason=of_signal(exit_) or await self._limit_met(exit_), files_ran_out=files_ran_out)

    async def _limit_met(self, exit_: ProcessExit) -> Reason | None:
        """Why a program failed that was refused something; one that copes with it has no reason to be told."""
        if exit_.exit_code == 0:
            return None
        disk_bytes = self._setting.limits.disk_bytes
        if disk_bytes and await self._disk_is_full(disk_bytes):
            return Reason.DISK_LIMIT
        return Reason.PROCESS_LIMIT if exit_.processes_refused else None

    async def _disk_is_full(self, disk_bytes: int) -> bool:
        workspace = self._setting.workspace
        if self._setting.bounds_disk and storage.is_full(workspace.run):
            return True
        return await asyncio.to_thread(met_file_limit, workspace.work, disk_bytes)

    def _request(self, cgroup: JobCgroup | None) -> Request:
        setting = self._setting
        entry, born_in = (cgroup.entry, cgroup.born_in) if cgroup else ((), "")
        return Request(
            argv=bubblewrap.argv(setting.bwrap, setting.view),
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},  # the program's own goes to the first process alone
            cwd="/",
            rlimits=rlimits(setting.limits),
            cgroups=[file for file in entry if file != f"{born_in}/cgroup.procs"],
            born_in=born_in,
            kill=[f"{born_in}/cgroup.kill"] if born_in else [],
            user=setting.view.user if setting.view.mode is Mode.SLOT_USER else None,
            network=setting.view.network,
            wrappers=WRAPPERS,
        )

    @staticmethod
    def _watch(setting: Setting, launcher: Launcher, cgroup: JobCgroup | None) -> CgroupWatch | Watch:
        def end() -> None:
            launcher.end(0)

        if cgroup:
            return CgroupWatch(cgroup, setting.limits, on_excess=end, spare=WRAPPERS)
        return Watch(launcher.process, setting.limits, setting.workspace.run, on_excess=end, spare=WRAPPERS)


@contextlib.asynccontextmanager
async def _cgroup(setting: Setting) -> AsyncIterator[JobCgroup | None]:
    if setting.hierarchy is None:
        yield None
        return
    name = f"{setting.workspace.root.name}-{next(_numbers)}"
    cgroup = setting.hierarchy.create(name, setting.cgroup, setting.devices)
    try:
        yield cgroup
    finally:
        if not await cgroup.kill():
            raise Unkillable("A process of the job does not die.")
        await cgroup.remove()


def _drain(fd: int) -> bytes:
    try:
        return os.read(fd, ERROR_BYTES)
    except (BlockingIOError, ConnectionError):
        return b""


def _memory(stack: contextlib.ExitStack, content: bytes) -> int:
    """A descriptor to read this from. Each wrapper gets one of its own: who reads it moves its position."""
    fd = owned(stack, os.memfd_create("telerun", os.MFD_CLOEXEC))
    written = 0
    while written < len(content):
        written += os.write(fd, content[written:])
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
