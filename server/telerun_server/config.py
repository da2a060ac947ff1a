"""What the server gives and takes. Every value has a default; a TOML file changes those it names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from telerun_protocol.codec import convert
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.limits import DEFAULTS, GIB, MIB, filled, show_limit
from telerun_protocol.messages import Limits, PositiveFloat, PositiveInt, ServiceLimits

DAY_S = 86_400.0

MAXIMA = Limits(
    wall_time_s=3600,
    cpu_time_s=DAY_S,
    memory_bytes=256 * GIB,
    output_bytes=GIB,
    disk_bytes=64 * GIB,
    processes=4096,
    compile_time_s=600,
)


class ConfigLimits(Limits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits as a configuration file names them: a misspelt one is an error, not a default."""


Arch = Annotated[str, Meta(pattern=r"^sm_[0-9]{2,3}[af]?$")]


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    default_limits: ConfigLimits = ConfigLimits()
    max_limits: ConfigLimits = ConfigLimits()
    request_bytes: PositiveInt = 16 * MIB  # of a JSON body, or of one append to a log
    blob_bytes: PositiveInt = GIB
    queued_jobs_per_user: PositiveInt = 5000
    archs: tuple[Arch, ...] = ("sm_80", "sm_90")  # compiled for where no device decides
    emulation: Literal["never", "allow"] = "never"  # of GPUs on the CPU, for jobs that say nothing about it
    network_classes: tuple[str, ...] = ("local",)  # of users whose jobs may use the network when they ask for it
    retention_s: PositiveFloat = 7 * DAY_S  # finished jobs with their logs and files
    blob_retention_s: PositiveFloat = 3600.0  # uploads that no job names
    event_retention_s: PositiveFloat = DAY_S
    lease_s: PositiveFloat = 30.0
    heartbeat_s: PositiveFloat = 5.0
    max_attempts: PositiveInt = 3
    purge_every_s: PositiveFloat = 60.0

    def __post_init__(self) -> None:
        if self.heartbeat_s * 2 > self.lease_s:
            raise ValueError("lease_s must be at least twice heartbeat_s")
        maxima = filled(self.max_limits, MAXIMA)
        if over := exceeded(filled(self.default_limits, DEFAULTS), maxima):
            raise ValueError(f"the default of {over[0]} is above its maximum")

    @property
    def service_limits(self) -> ServiceLimits:
        return ServiceLimits(
            defaults=filled(self.default_limits, DEFAULTS),
            maxima=filled(self.max_limits, MAXIMA),
            request_bytes=self.request_bytes,
            blob_bytes=self.blob_bytes,
            queued_jobs_per_user=self.queued_jobs_per_user,
            archs=self.archs,
            emulation=self.emulation,
            retention_s=self.retention_s,
        )


def exceeded(limits: Limits, maxima: Limits) -> tuple[str, str] | None:
    """The first limit above its maximum, with that maximum as people read it."""
    for name in Limits.__struct_fields__:
        value, most = getattr(limits, name), getattr(maxima, name)
        if value is not None and most is not None and value > most:
            return name, show_limit(name, most)
    return None


def load(path: Path | None) -> Config:
    """The configuration in a TOML file; InvalidMessage names the file and the place of what is wrong."""
    if path is None:
        return Config()
    try:
        return convert(tomllib.loads(path.read_text("utf-8")), Config)
    except OSError as error:
        raise InvalidMessage(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidMessage(f"The configuration {path} is not TOML: {error}.") from error
    except InvalidMessage as error:
        raise InvalidMessage(f"The configuration {path} is wrong at {error.message}", path=error.path) from None
