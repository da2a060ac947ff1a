"""The parsed assembly of a job, the content of its artifact `.telerun/asm/asm.json`."""

from __future__ import annotations

from msgspec import Struct

from telerun_protocol.messages import Message

RESERVED_FOLDER = ".telerun"
"""Artifact paths below this are Telerun's own; a job's outputs cannot take them."""
LISTING_PATH = f"{RESERVED_FOLDER}/asm/asm.json"


class AsmRange(Struct, frozen=True, array_like=True):
    """Lines `first` to `last` (from 0, both included) of a function come from line `source` (from 1) of the file."""

    first: int
    last: int
    source: int


class AsmFunction(Message, frozen=True, kw_only=True):
    symbol: str
    name: str  # demangled
    text: tuple[str, ...]
    ranges: tuple[AsmRange, ...]


class AsmView(Message, frozen=True, kw_only=True):
    kind: str  # ptx, sass, host
    arch: str  # "sm_90", or the machine's ("x86_64")
    artifact: str  # path of the raw form
    functions: tuple[AsmFunction, ...]


class AsmListing(Message, frozen=True, kw_only=True):
    file: str  # the main source file
    source: tuple[str, ...]
    views: tuple[AsmView, ...]
    notes: tuple[str, ...] = ()  # why a view is missing or cut
