"""Requests that wait, and what wakes them."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class Waiter:
    """One waiting request. It is rung by what it listens to, and when its client goes away.

    Clear it before looking, look, then wait: a ring between the look and the wait is not slept through.
    """

    __slots__ = ("_rung", "gone")

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.gone = False

    def ring(self) -> None:
        self._rung.set()

    def leave(self) -> None:
        self.gone = True
        self._rung.set()

    def clear(self) -> None:
        self._rung.clear()

    async def wait(self, timeout_s: float | None) -> bool:
        """Whether it was rung within that time."""
        if timeout_s is not None and timeout_s <= 0:
            return self._rung.is_set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return False
        return True


class Wakeups:
    """Who listens to what. A topic is any key: ("claims", instance), ("events", owner), ("log", job id) …"""

    def __init__(self) -> None:
        self._waiters: dict[Hashable, set[Waiter]] = {}

    @contextmanager
    def listening(self, waiter: Waiter, *topics: Hashable) -> Iterator[None]:
        for topic in topics:
            self._waiters.setdefault(topic, set()).add(waiter)
        try:
            yield
        finally:
            for topic in topics:
                waiters = self._waiters[topic]
                waiters.discard(waiter)
                if not waiters:
                    del self._waiters[topic]

    def ring(self, topic: Hashable) -> None:
        for waiter in self._waiters.get(topic, ()):
            waiter.ring()

    def ring_all(self) -> None:
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.ring()

    def listeners(self, kind: str) -> int:
        """How many listen to topics of this kind."""
        return sum(
            len(waiters) for topic, waiters in self._waiters.items() if isinstance(topic, tuple) and topic[0] == kind
        )
