"""The devices of this executor and who may use them now."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from telerun_protocol.messages import Device


class Devices:
    """A pool of devices, each lent to one job at a time; jobs that wait are served in order."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self.all = tuple(devices)
        self._free = list(devices)
        self._turn = asyncio.Lock()
        self._returned = asyncio.Event()

    @property
    def free(self) -> int:
        return len(self._free)

    @contextlib.asynccontextmanager
    async def lease(self, count: int) -> AsyncIterator[tuple[Device, ...]]:
        """`count` devices, once they are free; the caller has checked that there are as many at all."""
        assert count <= len(self.all), "more devices than there are would be waited for in vain"
        async with self._turn:
            while len(self._free) < count:
                self._returned.clear()
                await self._returned.wait()
            lent = tuple(self._free[:count])
            del self._free[:count]
        try:
            yield lent
        finally:
            self._free += lent
            self._returned.set()
