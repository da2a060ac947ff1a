"""Small pure parts of the server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telerun_protocol.errors import InvalidMessage
from telerun_protocol.limits import DEFAULTS, filled
from telerun_protocol.logframes import FrameDecoder, encode_frame
from telerun_protocol.messages import Limits
from telerun_server.admission import new_job_id
from telerun_server.config import MAXIMA, exceeded, load
from telerun_server.handlers.blobs import asked_range
from telerun_server.handlers.log import Text
from telerun_server.logs import Log, whole_frames
from telerun_server.wakeups import Waiter, Wakeups

FRAMES = st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=40)), max_size=12)


def test_job_ids_are_never_numbers() -> None:
    ids = {new_job_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 12 and one[0] == "j" and one.isalnum() and one.islower() for one in ids)


def test_limits_are_filled_and_compared() -> None:
    asked = filled(Limits(wall_time_s=5), DEFAULTS)
    assert (asked.wall_time_s, asked.processes) == (5, DEFAULTS.processes)
    assert None not in [getattr(DEFAULTS, name) for name in Limits.__struct_fields__]
    assert exceeded(asked, MAXIMA) is None
    assert exceeded(filled(Limits(processes=1 << 40), DEFAULTS), MAXIMA) == ("processes", "4096")
    assert exceeded(filled(Limits(wall_time_s=1e9), DEFAULTS), MAXIMA) == ("wall_time_s", "1 h 00 min")


def test_a_configuration_changes_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("blob_bytes = 5\narchs = ['sm_100a']\n[max_limits]\nwall_time_s = 90\n")
    limits = load(file).service_limits
    assert (limits.blob_bytes, limits.archs, limits.maxima.wall_time_s) == (5, ("sm_100a",), 90)
    assert limits.maxima.processes == MAXIMA.processes
    with pytest.raises(InvalidMessage, match="cannot be read"):
        load(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-", (10, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-", (0, 100)),
        ("bytes=0-1,5-6", (0, 100)),
        ("items=0-1", (0, 100)),
        ("bytes=" + "9" * 30 + "-", (0, 100)),
    ],
)
def test_asked_range(header: str | None, expected: tuple[int, int]) -> None:
    assert asked_range(header, 100) == expected


@given(FRAMES, st.integers(0, 3))
def test_text_of_frames_in_any_pieces(frames: list[tuple[int, bytes]], stream: int) -> None:
    data = b"".join(encode_frame(*frame) for frame in frames)
    text = Text(stream)
    pieces = [text(data[start : start + 7]) for start in range(0, len(data), 7)]
    whole = b"".join(payload for one, payload in frames if one == stream).decode(errors="replace")
    assert b"".join([*pieces, text(b"", final=True)]).decode() == whole


@given(FRAMES, st.integers(0, 600))
def test_a_log_cut_anywhere_keeps_its_whole_frames(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[int, bytes]], cut: int
) -> None:
    data = b"".join(encode_frame(*frame) for frame in frames)[:cut]
    path = tmp_path_factory.mktemp("log") / "x.log"
    path.write_bytes(data)
    log = Log(path, repair=True)
    decoder = FrameDecoder()
    list(decoder.feed(data))
    assert log.size == path.stat().st_size == decoder.offset
    assert list(whole_frames(data))[-1:] == ([decoder.offset] if decoder.offset else [])
    log.close()


async def test_a_ring_between_look_and_wait_is_not_slept_through() -> None:
    wakeups, waiter = Wakeups(), Waiter()
    with wakeups.listening(waiter, "a", "b"):
        waiter.clear()
        wakeups.ring("b")
        assert await waiter.wait(10)
        waiter.clear()
        assert not await waiter.wait(0)
        assert not await waiter.wait(0.01)
        asyncio.get_running_loop().call_soon(waiter.leave)
        assert await waiter.wait(None)
        assert waiter.gone
    wakeups.ring("a")
    assert wakeups.listeners("a") == 0
