"""What an operator sets for the boxes of an executor, and otherwise for those of a class of users."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits, IoLimit
from telerun_protocol.messages import Limits

Positive = Annotated[int, Meta(gt=0)]


class IoSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds for one block device, named by its numbers ("8:0", as `lsblk` shows them)."""

    device: Annotated[str, Meta(pattern=r"^[0-9]+:[0-9]+$")]
    read_bytes_s: Positive | None = None
    write_bytes_s: Positive | None = None
    read_iops: Positive | None = None
    write_iops: Positive | None = None


class BoxSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of each command beside the limits of its job. None: unlimited."""

    cpus: Annotated[float, Meta(gt=0)] | None = None  # at once, such as 1.5
    memory_high_bytes: Positive | None = None  # from here on a job is slowed down
    swap_bytes: Annotated[int, Meta(ge=0)] | None = 0
    io_weight: Annotated[int, Meta(ge=1, le=10_000)] | None = None  # against 100 of others
    io: tuple[IoSettings, ...] = ()
    files: Positive = 100_000  # files and folders that a job may make
    build_disk_bytes: Positive = 4 << 30  # the sources, what compilers write, and the inputs of a job

    def cgroup_limits(self, limits: Limits, own_processes: int, own_memory_bytes: int) -> CgroupLimits:
        """With what the box itself needs on top."""
        return CgroupLimits(
            memory_bytes=limits.memory_bytes + own_memory_bytes if limits.memory_bytes else None,
            memory_high_bytes=self.memory_high_bytes,
            swap_bytes=self.swap_bytes,
            processes=limits.processes + own_processes if limits.processes else None,
            cpus=self.cpus,
            io_weight=self.io_weight,
            io=tuple(IoLimit(**msgspec.structs.asdict(one)) for one in self.io),
        )


class SandboxSettings(BoxSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table [sandbox] of the configuration. A class of users that is not named has what stands there itself."""

    visible: tuple[str, ...] = ()  # folders outside /usr that programs may read
    classes: dict[str, BoxSettings] = {}

    def of(self, owner_class: str) -> BoxSettings:
        return self.classes.get(owner_class, self)

    @property
    def slows_down(self) -> bool:
        """Whether any jobs are to be slowed down from some use of memory on."""
        return any(settings.memory_high_bytes for settings in (self, *self.classes.values()))
