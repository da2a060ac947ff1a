"""The process behind `telerun up`: leaves its caller, keeps a server and an executor, goes when the server is idle."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import msgspec
import psutil

from telerun_magic import config
from telerun_magic.local import local_server
from telerun_magic.local.supervisor import Interrupted, Supervisor, died
from telerun_protocol.errors import TelerunError

LOCK_S = 30.0  # a predecessor may still be ending


def main() -> int:
    if os.fork():  # the caller waits for this process only: the other is nobody's child, and no zombie later
        return 0
    os.setsid()
    try:
        _serve(int(os.environ.pop("TELERUN_READY_FD")))
    except Interrupted:
        return 0
    except (TelerunError, OSError) as error:
        print(error, *getattr(error, "items", ()), sep="\n", file=sys.stderr)  # noqa: T201 - the starter reads it
        return 1
    return 0


def _serve(ready_fd: int) -> None:
    os.set_inheritable(ready_fd, False)
    with Supervisor(local_server.data_folder(), lock_s=LOCK_S) as supervisor:
        service = supervisor.start_service(idle_exit_s=local_server.idle_exit_s())
        state = local_server.LocalServer(
            pid=os.getpid(),
            started_at=psutil.Process().create_time(),
            url=service.url,
            token_file=str(service.user_token_file),
            data=str(supervisor.data),
            emulates=service.emulates,
        )
        try:
            config.write(local_server.state_file(), msgspec.json.encode(state).decode())
            with suppress(BrokenPipeError):  # the starter has gone; those who come later need us
                os.write(ready_fd, b"ready\n")
            os.close(ready_fd)
            ended = supervisor.wait()
        finally:
            local_server.state_file().unlink(missing_ok=True)  # first of all: nobody is to come any more
        if ended and not (ended.name == "server" and ended.process.returncode == 0):
            raise died(ended)


if __name__ == "__main__":
    sys.exit(main())
