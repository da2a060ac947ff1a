"""A real server and a real executor as processes of their own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from telerun_protocol.client import Client

START_S = 60


class _Process:
    """A program that a test ends, in good order or not."""

    process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_S)


class ServerProcess(_Process):
    """`telerun-server run` on a free port of 127.0.0.1, with its data in a folder of the test's."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.tokens = folder / "tokens"
        self.log = folder / "server.log"
        self.options = options
        self.port = port
        self.url = ""

    @property
    def user_token_file(self) -> Path:
        return self.tokens / "user.token"

    @property
    def executor_token_file(self) -> Path:
        return self.tokens / "executor.token"

    def start(self, *, keep_tokens: bool = False) -> ServerProcess:
        """Starts (again, on the same port). `keep_tokens` leaves the accounts as they were."""
        self.folder.mkdir(parents=True, exist_ok=True)
        accounts = () if keep_tokens else ("--accounts-for-run", str(self.tokens))
        argv = [sys.executable, "-m", "telerun_server", "run", "--data", str(self.data), "--port", str(self.port)]
        reader, writer = os.pipe()
        try:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [*argv, *accounts, *self.options],
                    env={**os.environ, "TELERUN_READY_FD": str(writer)},
                    pass_fds=(writer,),
                    stdout=log,
                    stderr=log,
                )
            os.close(writer)
            writer = -1
            ready, _, _ = select.select([reader], [], [], START_S)
            self.url = os.read(reader, 200).decode().strip() if ready else ""
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        assert self.url, f"the server did not start:\n{self.log.read_text()}"
        self.port = int(self.url.rsplit(":", 1)[1])
        return self

    def client(self, **more: float) -> Client:
        return Client(self.url, self.user_token_file.read_text().strip(), **more)

    def environment(self, **more: str) -> dict[str, str]:
        """For programs that should use this server."""
        return {
            **os.environ,
            "TELERUN_URL": self.url,
            "TELERUN_TOKEN_FILE": str(self.user_token_file),
            **more,
        }


class ExecutorProcess(_Process):
    """`telerun-executor run` for a server of the test's. `emulation`: it offers CUDA on the CPU where it can."""

    def __init__(self, server: ServerProcess, folder: Path, *options: str, emulation: bool = False) -> None:
        self.server = server
        self.folder = folder
        self.options = options if emulation else (*options, "--no-emulation")
        self.log = folder / "executor.log"

    def start(self) -> ExecutorProcess:
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "telerun_executor", "run", "--server", self.server.url]
        argv += ["--token-file", str(self.server.executor_token_file), "--work-dir", str(self.folder / "work")]
        argv += ["--require-isolation", "none"]  # what most tests are about holds in every sandbox
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*argv, *self.options], stdout=log, stderr=log)
        return self
