"""The seam between a job and the means that keeps it apart: a Runner opens a Box, a Box runs commands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from telerun_executor.workspace import Workspace
from telerun_protocol.messages import Device, Limits, Usage
from telerun_protocol.states import Isolation, Reason

Output = Callable[[int, bytes], Awaitable[None]]
"""Takes what a command printed (a `StreamId`, bytes). Awaited before more is read: a slow one slows the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program to run: an argv and its whole environment; nothing is inherited and no shell is involved."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: Path | None = None  # None: empty input
    stdout: int = 1  # the StreamId its standard output goes to
    stderr: int = 2
    stdout_file: Path | None = None
    """Where its standard output is written instead, created or emptied first, as the job's user. It counts towards no
    output limit, only towards the limits on files: for tools that print their result and know no option to write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExit:
    """How a command ended. `reason` is set where the box ended it, or knows which limit it ran into."""

    exit_code: int | None = None
    signal: int | None = None
    reason: Reason | None = None
    wall_time_s: float = 0.0
    cpu_time_s: float = 0.0
    peak_memory_bytes: int = 0
    processes_refused: int = 0  # how often the limit on processes kept it from starting one
    files_ran_out: bool = False  # it has as many files and folders as it may, and could not make another
    usage: Usage | None = None  # more of what it used, where that is known

    @property
    def ok(self) -> bool:
        return self.exit_code == 0 and self.reason is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the commands of a box may have beside their limits."""

    building: bool = False  # they write to `build`, which programs only read
    devices: tuple[Device, ...] = ()  # these and no others
    network: bool = False
    owner_class: str = "default"  # of whose job it is: decides what operators set for each class of users


class Box(ABC):
    """Where the commands of one job run."""

    @abstractmethod
    def environment(self, command: Command) -> dict[str, str]:
        """All that a command finds: its own, and what the box adds to it."""

    @abstractmethod
    async def run(
        self, command: Command, output: Output, on_exit: Callable[[ProcessExit], None] | None = None
    ) -> ProcessExit:
        """Run one command; return how it ended (exit code or signal, why we ended it, CPU, peak memory).

        Called by the job's own task, one command at a time or several side by side. Cancelling the caller ends the
        command: when CancelledError leaves, nothing of it is alive anywhere, and `on_exit` has heard how it ended and
        what it used, as it hears of every end. A failure of the box itself raises SandboxError, never a ProcessExit.
        All output has been handed to `output` when it returns.
        """

    def usage(self) -> Usage | None:
        """What the commands that run now use, None where this is not known or nothing runs."""
        return None


class Runner(ABC):
    """How commands are isolated on this executor."""

    isolation: Isolation

    @abstractmethod
    def workspace(self, name: str, *, keep: bool = False) -> AbstractAsyncContextManager[Workspace]:
        """A fresh workspace for one job, removed at the end unless it is to be kept.

        The executor lays files in it before the first box is opened; from then on it is a stranger's.
        """

    @abstractmethod
    def open(self, workspace: Workspace, limits: Limits, terms: Terms) -> AbstractAsyncContextManager[Box]:
        """A box over one of its workspaces, with these limits for each command.

        Called once for building and once for running, which may go on side by side. On leaving, nothing started in the
        box is alive. Raises SandboxError when the box cannot be set up.
        """

    async def start(self, commands_at_once: int) -> None:
        """Gets ready what the first jobs would otherwise wait for; called once, before the first box."""
        return

    async def close(self) -> None:
        """Gives back what was kept between boxes; called once, when no box is open."""
        return
