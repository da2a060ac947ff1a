"""One command in the sandbox: what is made for it, how it is started, and what its end means."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from telerun_executor.runners.base import Command, ProcessExit, Terms
from telerun_executor.runners.launch import Launcher, Launchers
from telerun_executor.runners.launched import Launch, LaunchedBox, measured, of_signal, owned, rlimits, visible_devices
from telerun_executor.runners.sandbox import bubblewrap, init, seccomp, storage
from telerun_executor.runners.sandbox.bubblewrap import Mode, View
from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits, Devices, Hierarchy, JobCgroup
from telerun_executor.runners.sandbox.watch import CgroupWatch
from telerun_executor.runners.usage import Watch, met_file_limit
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import SandboxError
from telerun_protocol.messages import Limits, Usage
from telerun_protocol.states import Reason

WRAPPERS = 2  # generations: bubblewrap and the first process in the box
ERROR_BYTES = 4096
OWN_ENV = {
    "TMPDIR": "/tmp",  # noqa: S108 - the box's own
    "ASAN_OPTIONS": "detect_leaks=0",  # the leak detector traces its own process, which no job may
}
_numbers = itertools.count()


class Unkillable(SandboxError):
    """Something of the job does not die: what it held is given to no other job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What keeps the commands of a box within their limits."""

    limits: Limits
    hierarchy: Hierarchy | None  # None: nothing but a watch
    cgroup: CgroupLimits
    devices: Devices


@dataclass(slots=True, kw_only=True)
class _SandboxLaunch(Launch):
    status: int  # to read from
    errors: int
    cgroup: JobCgroup | None


class SandboxBox(LaunchedBox):
    def __init__(
        self, launchers: Launchers, grace_s: float, *, bwrap: Path, workspace: Workspace, view: View, bounds: Bounds,
        terms: Terms,
    ) -> None:  # fmt: skip
        super().__init__(launchers, grace_s)
        self._bwrap = bwrap
        self._workspace = workspace
        self._view = view
        self._bounds = bounds
        self._terms = terms

    def usage(self) -> Usage | None:
        used = super().usage()
        if used is None:
            return None
        own = WRAPPERS * len(self._watches)
        return msgspec.structs.replace(used, processes=max(0, used.processes - own), disk_bytes=self._disk_used())

    def _disk_used(self) -> int:
        return 0 if self._view.mode is Mode.OWN_USER else storage.used(self._workspace.run)[0]

    # ------------------------------------------------------------------------------------------------- beginning

    @contextlib.asynccontextmanager
    async def _prepare(self, command: Command, launcher: Launcher, stderr: int | None) -> AsyncIterator[Launch]:
        async with self._cgroup() as cgroup:
            with contextlib.ExitStack() as fds:
                status, tell = _pipe(fds)
                errors, complain = _pipe(fds)
                env = {**OWN_ENV, **command.env, **visible_devices(self._terms)}
                launch = _SandboxLaunch(
                    request=self._request(command, cgroup),
                    watch=self._watch(cgroup, launcher),
                    fds=[
                        _memory(fds, _words(bubblewrap.options(self._view, command.cwd))),
                        _memory(fds, seccomp.program(network=self._terms.network)),
                        tell,
                        stderr if stderr is not None else complain,
                        _memory(fds, _words(f"{name}={value}" for name, value in env.items())),
                    ],
                    stderr=complain,
                    owner=self._view.user if self._view.mode is not Mode.OWN_USER else None,
                    status=status,
                    errors=errors,
                    cgroup=cgroup,
                )
                yield launch

    @contextlib.asynccontextmanager
    async def _cgroup(self) -> AsyncIterator[JobCgroup | None]:
        bounds = self._bounds
        if bounds.hierarchy is None:
            yield None
            return
        name = f"{self._workspace.root.name}-{next(_numbers)}"
        cgroup = bounds.hierarchy.create(name, bounds.cgroup, bounds.devices)
        try:
            yield cgroup
        finally:
            if not await cgroup.kill():
                raise Unkillable("A process of the job does not die.")
            await cgroup.remove()

    def _watch(self, cgroup: JobCgroup | None, launcher: Launcher) -> CgroupWatch | Watch:
        def end() -> None:
            launcher.end(0)

        if cgroup:
            return CgroupWatch(cgroup, self._bounds.limits, on_excess=end)
        return Watch(launcher.process, self._bounds.limits, self._workspace.run, on_excess=end, spare=WRAPPERS)

    def _request(self, command: Command, cgroup: JobCgroup | None) -> dict[str, Any]:
        entry = cgroup.entry if cgroup else ()
        request: dict[str, Any] = {
            "argv": bubblewrap.argv(self._bwrap, self._view, command.cwd, command.argv),
            "env": {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},  # the program's own goes to the first process alone
            "cwd": "/",
            "rlimits": rlimits(self._bounds.limits),
            "cgroups": entry,
            "kill": [file for one in entry if Path(file := f"{Path(one).parent}/cgroup.kill").exists()],
            "wrappers": WRAPPERS,
        }
        if self._view.mode is Mode.SLOT_USER:
            request["user"] = self._view.user
        return request

    # ---------------------------------------------------------------------------------------------------- the end

    async def _ended(self, launch: Launch, answer: Mapping[str, Any]) -> ProcessExit | OSError:
        assert isinstance(launch, _SandboxLaunch)
        if isinstance(launch.watch, CgroupWatch):
            launch.watch.look()
        told = init.read(_drain(launch.status))
        exit_ = measured(answer, launch)
        if told.failed is not None:
            return OSError(told.failed, os.strerror(told.failed))
        if told.exit_code is not None or told.signal is not None:
            exit_ = replace(exit_, exit_code=told.exit_code, signal=told.signal)
        elif not told.started and "signal" not in answer and exit_.reason is None:
            said = _drain(launch.errors).decode(errors="replace").strip() or answer.get("failed", "")
            raise SandboxError(f"The box could not be set up: {said or 'bubblewrap gave no reason'}.")
        else:
            exit_ = replace(exit_, exit_code=None, signal=exit_.signal or signal.SIGKILL)
        if isinstance(launch.watch, CgroupWatch):  # it knows all; the launcher counts itself in
            used = launch.watch.used
            exit_ = replace(
                exit_,
                cpu_time_s=used.cpu_time_s,
                peak_memory_bytes=used.peak_memory_bytes,
                processes_refused=used.forks_denied,
                usage=msgspec.structs.replace(
                    launch.watch.usage(), memory_bytes=0, processes=0, disk_bytes=self._disk_used()
                ),
            )
        return replace(exit_, reason=of_signal(exit_) or await self._limit_met(exit_))

    async def _limit_met(self, exit_: ProcessExit) -> Reason | None:
        """Why a program failed that was refused something; one that copes with it has no reason to be told."""
        if exit_.exit_code == 0:
            return None
        limits = self._bounds.limits
        if limits.disk_bytes and await self._disk_is_full(limits.disk_bytes):
            return Reason.DISK_LIMIT
        return Reason.PROCESS_LIMIT if exit_.processes_refused else None

    async def _disk_is_full(self, disk_bytes: int) -> bool:
        if self._view.mode is not Mode.OWN_USER and storage.is_full(self._workspace.run):
            return True
        return await asyncio.to_thread(met_file_limit, self._workspace.work, disk_bytes)


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reading, False)
    return owned(stack, reading), owned(stack, writing)


def _drain(fd: int) -> bytes:
    try:
        return os.read(fd, ERROR_BYTES)
    except BlockingIOError:
        return b""


def _memory(stack: contextlib.ExitStack, content: bytes) -> int:
    """A descriptor to read this from. Each command gets one of its own: who reads it moves its position."""
    fd = owned(stack, os.memfd_create("telerun", os.MFD_CLOEXEC))
    written = 0
    while written < len(content):
        written += os.write(fd, content[written:])
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _words(words: Iterable[str] | Sequence[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)
