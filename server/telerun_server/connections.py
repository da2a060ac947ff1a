"""The executor processes that this server process knows, and which of them answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from telerun_protocol.errors import Conflict, Forbidden
from telerun_protocol.messages import DeviceReading, Executor, ExecutorInfo
from telerun_server.needs import Needs, Offer, fits

HISTORY_S = 600.0  # how long readings of devices are kept
MOST_READINGS = 200  # of each device
READINGS_APART_S = 4.0  # those that come sooner take the place of the one before


@dataclass(slots=True)
class Connection:
    """One executor process. It is live while it waits for work, and for one lease after it was heard of, unless it has
    said that it leaves. `heard` is whether it has spoken to this server process.
    """

    offer: Offer
    lease_s: float
    seen_at: float
    live_until: float
    heard: bool
    polls: int = 0  # claims it waits in just now
    replaced: bool = False
    left: bool = False
    present: Offer = field(init=False)  # what of the offer can be had now: without devices in quarantine
    # When they came, when those whose place they took were taken by the executor's clock, and what they are.
    _readings: deque[tuple[float, float, tuple[DeviceReading, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        self.present = self.offer
        self._readings = deque(maxlen=MOST_READINGS)

    def read(self, readings: tuple[DeviceReading, ...]) -> bool:
        """Keeps what it told of its devices; returns whether others can be had now than before."""
        if not readings:
            return False
        now, began = time.time(), readings[0].at
        if self._readings and began - self._readings[-1][1] < READINGS_APART_S:
            now, began, _ = self._readings.pop()
        self._readings.append((now, began, readings))
        before = self.present.info.devices
        self.present = self.offer.without({one.id for one in readings if one.quarantined})
        return self.present.info.devices != before

    def readings(self, *, history: bool) -> tuple[DeviceReading, ...]:
        """The latest of each device, or those of the last minutes, oldest first; none of a process that is silent."""
        if not self.is_online:
            return ()
        if not history:
            return self._readings[-1][2] if self._readings else ()
        since = time.time() - HISTORY_S
        return tuple(one for at, _, readings in self._readings if at >= since for one in readings)

    def shown(self, held: Collection[tuple[str, str]], user: str, *, history: bool) -> Executor:
        """As a user sees it; `held` are id and owner of the jobs that it holds."""
        return Executor(
            name=self.offer.name,
            info=self.offer.info,
            online=self.is_online,
            last_seen_at=self.seen_at,
            running=tuple(job_id for job_id, owner in held if owner == user),
            busy=len(held),
            labels=self.offer.all_labels,
            readings=self.readings(history=history),
        )

    @property
    def instance(self) -> str:
        return self.offer.info.instance

    @property
    def is_live(self) -> bool:
        return not self.left and (self.polls > 0 or time.time() < self.live_until)

    @property
    def is_online(self) -> bool:
        """As people are told: what a former server process knew is no proof."""
        return self.is_live and self.heard

    def note(self) -> None:
        self.heard = True
        self.seen_at = time.time()
        self.live_until = self.seen_at + self.lease_s


class Connections:
    """By instance, in the order in which they came."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._known: dict[str, Connection] = {}
        self._were_live: set[str] = set()

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._known.values())

    @property
    def instances(self) -> tuple[str, ...]:
        return tuple(self._known)

    def add(self, name: str, info: ExecutorInfo, seen_at: float, *, heard: bool = True) -> None:
        live_until = time.time() + self._lease_s
        self._known[info.instance] = Connection(Offer.of(name, info), self._lease_s, seen_at, live_until, heard)

    def replace(self, instance: str) -> None:
        """It is dead: its successor said so."""
        if old := self._known.pop(instance, None):
            old.replaced = True

    def keep(self, instances: set[str]) -> None:
        for instance in self._known.keys() - instances:
            del self._known[instance]

    def seen(self, name: str, instance: str) -> Connection:
        """The process that speaks just now. Raises Conflict until it has registered."""
        connection = self._known.get(instance)
        if connection is None:
            raise Conflict("This executor process is not registered.", hint="Register it, then ask again.")
        if connection.offer.name != name:
            raise Forbidden("This executor process belongs to another account.")
        connection.note()
        return connection

    def live(self) -> list[Offer]:
        """What can be had now."""
        return [connection.present for connection in self if connection.is_live]

    def known(self) -> list[Offer]:
        """What can be had one day, as far as executors have told: also by those that are away."""
        return [connection.offer for connection in self]

    def waiting_for(self, needs: Needs) -> list[str]:
        """The instances that wait for work and can do this; where none can, all: it may fall to any of them."""
        waiting = [connection for connection in self if connection.polls]
        fitting = [connection for connection in waiting if fits(needs, connection.present)]
        return [connection.instance for connection in fitting or waiting]

    def some_went_silent(self) -> bool:
        """Whether one that was live when this was last asked is so no more."""
        live = {connection.instance for connection in self if connection.is_live}
        gone = self._were_live - live
        self._were_live = live
        return bool(gone)
