"""The server as a process of its own, to be stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Process:
    popen: subprocess.Popen[bytes]
    url: str
    data: Path

    def token(self, who: str) -> str:
        return (self.data / "tokens" / f"{who}.token").read_text().strip()

    def end(self, number: int = signal.SIGTERM, timeout_s: float = 30) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(timeout_s)


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "telerun_server", *args]


@contextmanager
def server_process(data: Path, *args: str, port: int = 0, log: Path | None = None) -> Iterator[Process]:
    reading, writing = os.pipe()
    argv = command("run", "--data", str(data), "--port", str(port), "--accounts-for-run", str(data / "tokens"), *args)
    with (log or Path(os.devnull)).open("ab") as output:
        popen = subprocess.Popen(
            argv,
            env={**os.environ, "TELERUN_READY_FD": str(writing)},
            pass_fds=(writing,),
            stdout=output,
            stderr=output,
        )
    os.close(writing)
    try:
        with os.fdopen(reading) as ready:
            url = ready.readline().strip()
        assert url, "the server did not start"
        yield Process(popen, url, data)
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait()
