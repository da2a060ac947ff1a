"""What the handlers of one server share."""

from __future__ import annotations

import time
from dataclasses import dataclass

from telerun_server.accounts import Accounts
from telerun_server.config import Config
from telerun_server.files import Files
from telerun_server.logs import Logs
from telerun_server.metrics import Metrics
from telerun_server.queue import Queue
from telerun_server.store.base import Store
from telerun_server.wakeups import Wakeups


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the handlers work with."""

    config: Config
    store: Store
    accounts: Accounts
    queue: Queue
    files: Files
    logs: Logs
    wakeups: Wakeups
    metrics: Metrics
    requests: Requests


class Requests:
    """How many are open, and when a user last asked for something.

    What executors ask for and streams of events go on for ever: they do not count as a user's.
    """

    def __init__(self) -> None:
        self.open = 0
        self.open_of_users = 0
        self.user_at = time.monotonic()
