"""Reports of the emulation, picked out of what a program prints."""

from __future__ import annotations

import pytest

from telerun_executor.emulation_reports import MOST_BYTES, Reports, hint_on_archs
from telerun_protocol.client import file_ref
from telerun_protocol.messages import Device, JobSpec
from telerun_protocol.states import Language

LINE = b"telerun emulation: error: a fault at c.cu:3\n"


async def passed_on(kept: bytearray, *pieces: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    seen: list[tuple[int, bytes]] = []

    async def write(stream: int, data: bytes) -> None:
        seen.append((stream, data))

    reports = Reports(write, kept)
    for stream, data in pieces:
        await reports(stream, data)
    return seen


async def test_lines_are_found_however_they_come_and_everything_goes_on() -> None:
    pieces = [(2, b"mine\ntelerun emu"), (1, LINE), (2, LINE.removeprefix(b"telerun emu") + b"more"), (2, b"\n")]
    kept = bytearray()
    assert await passed_on(kept, *pieces) == pieces
    assert kept == LINE


async def test_a_flood_is_bounded() -> None:
    kept = bytearray()
    await passed_on(kept, (2, b"x" * (1 << 20)), *[(2, LINE * 100)] * 100)
    assert len(kept) < MOST_BYTES + 200 * len(LINE)


@pytest.mark.parametrize(
    ("archs", "kind", "told"),
    [(("sm_80", "sm_90a"), "emulated", True), (("sm_75",), "emulated", False), (("sm_90",), "nvidia", False)],
)
def test_who_compiles_for_newer_gpus_is_told_what_is_emulated(archs: tuple[str, ...], kind: str, told: bool) -> None:
    spec = JobSpec(language=Language.CUDA, files=(file_ref("a.cu", b""),), archs=archs)
    hint = hint_on_archs(spec, (Device(id="0", kind=kind, name="one"),))
    assert ("compute_80" in hint) == told
