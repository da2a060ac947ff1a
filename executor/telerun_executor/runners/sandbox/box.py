"""The box of a job in the sandbox. Its first wrapper is made as soon as it is open: what comes begins at once."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import msgspec

from telerun_executor.runners.base import Command
from telerun_executor.runners.launch import Launchers
from telerun_executor.runners.launched import LaunchedBox, Start
from telerun_executor.runners.sandbox.wrapper import Setting, Wrapper
from telerun_protocol.messages import Usage


class SandboxBox(LaunchedBox):
    """Use it as a context manager; when it is left, nothing that was made for its commands is alive."""

    def __init__(self, launchers: Launchers, setting: Setting) -> None:
        super().__init__()
        self._launchers = launchers
        self._setting = setting
        self._waiting: list[Wrapper] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, launchers: Launchers, setting: Setting) -> AsyncIterator[SandboxBox]:
        box = cls(launchers, setting)
        async with Wrapper.opened(setting, launchers) as first:
            box._waiting.append(first)
            yield box

    @contextlib.asynccontextmanager
    async def _start(self) -> AsyncIterator[Start]:
        if self._waiting:
            yield self._waiting.pop()
        else:
            async with Wrapper.opened(self._setting, self._launchers) as another:
                yield another

    def environment(self, command: Command) -> dict[str, str]:
        return self._setting.environment(command)

    def usage(self) -> Usage | None:
        used = super().usage()
        return used and msgspec.structs.replace(used, disk_bytes=self._setting.disk_used())
