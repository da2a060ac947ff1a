"""What is read from a build: raw files to keep, the parsed listing, and what each kernel needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from telerun_protocol.listing import AsmListing
from telerun_protocol.messages import KernelResources


@dataclass(frozen=True, slots=True, kw_only=True)
class AsmFile:
    """A raw assembly file to keep as an artifact under `.telerun/asm/<name>`."""

    name: str
    path: Path
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The views of one build: raw files, the parsed listing, and what each kernel needs."""

    files: tuple[AsmFile, ...] = ()
    listing: AsmListing | None = None
    kernels: tuple[KernelResources, ...] = ()
