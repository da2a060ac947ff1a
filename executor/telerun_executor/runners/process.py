"""The plain runner: a job's commands are ordinary processes of the executor's own user.

It keeps them in sessions of their own, with an empty environment and resource limits, ends all of them, and watches
what a resource limit cannot bound. It isolates nothing: a job can read and write whatever the executor's user can, and
what is watched is noticed a moment late. Results say so with isolation "none"; a sandbox does it properly.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from telerun_executor.runners.base import Box, Command, ProcessExit, Runner, Terms
from telerun_executor.runners.launch import Launcher, Launchers, Request
from telerun_executor.runners.launched import GRACE_S, LaunchedBox, Start, measured, of_signal, rlimits, visible_devices
from telerun_executor.runners.usage import Watch, met_file_limit
from telerun_executor.workspace import Workspace, folder
from telerun_protocol.messages import Limits
from telerun_protocol.states import Isolation, Reason

WARM_LAUNCHERS = 4


class ProcessRunner(Runner):
    """Runs commands as plain processes, in workspaces below `jobs`.

    `records` is a folder in which processes are noted for the next start.
    """

    isolation = Isolation.NONE

    def __init__(self, jobs: Path, records: Path, *, grace_s: float = GRACE_S) -> None:
        self._jobs = jobs
        self._launchers = Launchers(records, jobs.parent / "launcher")
        self._grace_s = grace_s

    @contextlib.asynccontextmanager
    async def workspace(self, name: str, *, keep: bool = False) -> AsyncIterator[Workspace]:
        async with folder(self._jobs / name, keep=keep) as workspace:
            yield workspace

    @contextlib.asynccontextmanager
    async def open(self, workspace: Workspace, limits: Limits, terms: Terms) -> AsyncIterator[Box]:
        yield ProcessBox(self._launchers, workspace, limits, terms, self._grace_s)

    async def start(self, commands_at_once: int) -> None:
        await self._launchers.fill(min(commands_at_once, WARM_LAUNCHERS))

    async def close(self) -> None:
        await self._launchers.close()


class ProcessBox(LaunchedBox):
    def __init__(
        self, launchers: Launchers, workspace: Workspace, limits: Limits, terms: Terms, grace_s: float
    ) -> None:
        super().__init__()
        self._launchers = launchers
        self._workspace = workspace
        self._limits = limits
        self._terms = terms
        self._grace_s = grace_s

    def environment(self, command: Command) -> dict[str, str]:
        return {"TMPDIR": str(self._workspace.tmp), **command.env, **visible_devices(self._terms)}

    @contextlib.asynccontextmanager
    async def _start(self) -> AsyncIterator[Start]:
        async with self._launchers.lend() as launcher:
            yield _Process(launcher, self._workspace, self._limits, self.environment, self._grace_s)


class _Process:
    """One command as a plain process."""

    owner = None

    def __init__(
        self,
        launcher: Launcher,
        workspace: Workspace,
        limits: Limits,
        environment: Callable[[Command], dict[str, str]],
        grace_s: float,
    ) -> None:
        self.watch = Watch(launcher.process, limits, workspace.work, on_excess=lambda: launcher.end(0))
        self._launcher = launcher
        self._workspace = workspace
        self._limits = limits
        self._environment = environment
        self._grace_s = grace_s

    async def run(self, command: Command, streams: Sequence[int]) -> None:
        request = Request(
            argv=command.argv,
            env=self._environment(command),
            cwd=str(command.cwd),
            rlimits=rlimits(self._limits),
        )
        self._launcher.begin(request, streams)
        await self._launcher.wait(self._grace_s)

    async def ended(self) -> ProcessExit | OSError:
        answer = self._launcher.answer
        if "failed" in answer:
            return OSError(answer["errno"], answer["failed"])
        exit_ = measured(answer, self.watch)
        return replace(exit_, reason=exit_.reason or await self._limit_met(exit_))

    async def _limit_met(self, exit_: ProcessExit) -> Reason | None:
        """The limit that the command ran into, where nobody had to end it for that."""
        limits, reason = self._limits, of_signal(exit_)
        if reason is None and exit_.exit_code and limits.disk_bytes:
            met = await asyncio.to_thread(met_file_limit, self._workspace.work, limits.disk_bytes)
            reason = Reason.DISK_LIMIT if met else None
        if reason is None and limits.memory_bytes and exit_.peak_memory_bytes > limits.memory_bytes:
            reason = Reason.MEMORY_LIMIT  # over before it was seen
        return reason
