"""The executor's end of a log, against a far end that keeps frames as the server does."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from telerun_executor.log_stream import APPEND_BYTES, BUFFER_BYTES, FRAME_BYTES, LogStream, Meter, Sieve
from telerun_protocol.logframes import HEADER, FrameDecoder


class FarEnd:
    """A log that starts at some offset, as after an earlier attempt."""

    def __init__(self, offset: int = 0) -> None:
        self.start = offset
        self.log = bytearray()
        self.appends = 0
        self.open = asyncio.Event()
        self.open.set()

    async def append(self, offset: int, frames: bytes) -> int:
        await self.open.wait()
        await asyncio.sleep(0)
        assert offset == self.start + len(self.log)
        assert len(frames) <= APPEND_BYTES + FRAME_BYTES + HEADER.size
        self.appends += 1
        self.log += frames
        return self.start + len(self.log)

    def streams(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for frame in FrameDecoder().feed(bytes(self.log)):
            found[frame.stream] = found.get(frame.stream, b"") + frame.payload
        return found


@asynccontextmanager
async def stream_to(far: FarEnd) -> AsyncIterator[LogStream]:
    stream = LogStream(far.append, far.start)
    async with asyncio.TaskGroup() as group:
        sender = group.create_task(stream.run())
        yield stream
        sender.cancel()


@pytest.mark.parametrize("seed", range(5))
async def test_every_byte_arrives_once_and_in_order(seed: int) -> None:
    chance = random.Random(seed)
    far, wanted = FarEnd(offset=chance.randrange(1000)), dict[int, bytes]()
    async with stream_to(far) as stream:
        for _ in range(300):
            number, data = chance.randrange(4), chance.randbytes(chance.choice([1, 10, 5000, FRAME_BYTES + 7]))
            wanted[number] = wanted.get(number, b"") + data
            await stream.write(number, data)
        await stream.drain()
    assert far.streams() == wanted


async def test_the_order_of_streams_is_kept() -> None:
    far = FarEnd()
    async with stream_to(far) as stream:
        for number in (1, 2, 1, 1, 3):
            await stream.write(number, b"%d" % number)
        await stream.drain()
    frames = [(frame.stream, frame.payload) for frame in FrameDecoder().feed(bytes(far.log))]
    assert frames == [(1, b"1"), (2, b"2"), (1, b"11"), (3, b"3")]


async def test_many_small_writes_cost_few_appends() -> None:
    far = FarEnd()
    async with stream_to(far) as stream:
        for number in range(10_000):
            await stream.write(1, b"line %d\n" % number)
        await stream.drain()
    assert far.appends < 100


async def test_a_far_end_that_is_away_holds_the_writer_up() -> None:
    far = FarEnd()
    far.open.clear()
    written = 0
    async with stream_to(far) as stream, asyncio.TaskGroup() as group:

        async def write() -> None:
            nonlocal written
            for _ in range(20):
                await stream.write(1, bytes(1 << 20))
                written += 1 << 20

        writing = group.create_task(write())
        await asyncio.wait({writing}, timeout=0.3)
        assert not writing.done()
        assert written <= BUFFER_BYTES + APPEND_BYTES + (2 << 20)
        far.open.set()
        await writing
        await stream.drain()
    assert len(far.streams()[1]) == 20 << 20


async def test_nothing_written_is_drained_at_once() -> None:
    far = FarEnd()
    async with stream_to(far) as stream:
        await stream.drain()
    assert far.appends == 0


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
async def test_a_meter_keeps_exactly_its_limit(size: int) -> None:
    kept, told = bytearray(), list[bool]()

    async def take(_: int, data: bytes) -> None:
        kept.extend(data)

    meter = Meter(take, 100, lambda: told.append(True))
    data = bytes(range(200)) * 10
    for start in range(0, len(data), size):
        await meter(1, data[start : start + size])
    assert bytes(kept) == data[:100]
    assert (meter.seen_bytes, meter.cut_bytes) == (2000, 1900)
    assert told == [True]


async def test_a_meter_lets_its_limit_through() -> None:
    kept = bytearray()

    async def take(_: int, data: bytes) -> None:
        kept.extend(data)

    meter = Meter(take, 100, lambda: pytest.fail("not exceeded"))
    await meter(1, bytes(100))
    assert (len(kept), meter.cut_bytes) == (100, 0)


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_sieve_leaves_whole_lines_out(size: int) -> None:
    shown = bytearray()

    async def show(stream: int, data: bytes) -> None:
        assert stream == 3
        shown.extend(data)

    sieve = Sieve(show, 3, re.compile(rb"info: |\s+\d+ bytes"))
    text = b"one\ninfo: x\n  12 bytes\n\nnot info: y\ninfo\n" + 3000 * b"long" + b"\ninfo: z"
    for start in range(0, len(text), size):
        await sieve(text[start : start + size])
    await sieve.flush()
    assert shown == b"one\n\nnot info: y\ninfo\n" + 3000 * b"long" + b"\n"
    await sieve(b"no line")
    await sieve.flush()
    assert shown.endswith(b"no line")


async def test_a_sieve_without_anything_to_leave_out_waits_for_no_line() -> None:
    seen: list[bytes] = []

    async def show(_: int, data: bytes) -> None:
        seen.append(data)

    sieve = Sieve(show, 3, None)
    await sieve(b"half a l")
    assert seen == [b"half a l"]
