"""The event loop behind everything here, in one daemon thread.

Magics cannot be coroutines and a kernel's own loop is busy running the cell, so all I/O happens on a loop of its own.
It starts on first use, once a process: a forked child gets a new one.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
WAKE_S = 0.25  # how long a wait may keep a KeyboardInterrupt from being noticed
CLOSE_S = 1.0

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def start(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Begins to run a coroutine there."""
    return asyncio.run_coroutine_threadsafe(coroutine, _running_loop())


def call(coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
    """Runs a coroutine there and waits for it; whatever ends the waiting (an interrupt, the timeout) cancels it."""
    future = start(coroutine)
    try:
        return wait(future, timeout)
    except BaseException:
        future.cancel()
        raise


def wait(future: Future[T], timeout: float | None = None) -> T:
    """The future's result; raises TimeoutError after `timeout` seconds. The future goes on in any case."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = WAKE_S if deadline is None else min(WAKE_S, max(0.0, deadline - time.monotonic()))
        try:
            return future.result(left)
        except TimeoutError:
            if future.done() or (deadline is not None and time.monotonic() >= deadline):
                raise


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603 - one loop a process is the point
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="telerun-io", daemon=True).start()
            atexit.register(_close, _loop, os.getpid())
        return _loop


def _close(loop: asyncio.AbstractEventLoop, pid: int) -> None:
    """Lets what still runs close its connections, so that leaving Python is silent."""
    if pid != os.getpid() or not loop.is_running():
        return

    async def end() -> None:
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    try:
        asyncio.run_coroutine_threadsafe(end(), loop).result(CLOSE_S)
    except TimeoutError:
        return
    loop.call_soon_threadsafe(loop.stop)


def _forget() -> None:
    """In a forked child, where the thread does not exist and the lock may be held by nobody."""
    global _loop, _lock
    _loop, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
