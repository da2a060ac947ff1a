"""What a job printed, as the streams below its cell: for cells that no kernel writes into any more."""

from __future__ import annotations

from collections import deque
from itertools import groupby

from msgspec import Struct

from telerun_magic.render.clean import StreamText
from telerun_protocol.client import Client
from telerun_protocol.states import StreamId
from telerun_protocol.units import show_size

MOST_BYTES = 1_500_000  # at once: a notebook is to stay openable
TAIL_BYTES = 64_000  # of what is longer
NAMES = {StreamId.STDOUT: "stdout", StreamId.STDERR: "stderr"}


class StreamPiece(Struct, frozen=True, kw_only=True):
    name: str
    text: str


class CellOutput(Struct, frozen=True, kw_only=True):
    """In the order of printing. `offset` is the place in the log where to go on."""

    streams: tuple[StreamPiece, ...]
    offset: int


async def cell_output(client: Client, ref: str, offset: int) -> CellOutput:
    """What was printed after a byte offset of the log; where that is very long, its end and a line that says so."""
    kept: deque[tuple[int, bytes]] = deque()
    size = skipped = 0
    async for after, frame in client.log_with_offsets(ref, offset=offset):
        offset = after
        if frame.stream in NAMES:
            kept.append((frame.stream, frame.payload))
            size += len(frame.payload)
            if size > MOST_BYTES or skipped:
                while kept and size - len(kept[0][1]) >= TAIL_BYTES:
                    size -= len(kept[0][1])
                    skipped += len(kept.popleft()[1])
    texts = {stream: StreamText() for stream in NAMES}
    pieces = [(stream, texts[stream].feed(payload)) for stream, payload in kept]
    pieces += [(stream, text.feed(b"", last=True)) for stream, text in texts.items()]
    if skipped:
        number = (await client.job(ref)).number
        note = f"… {show_size(skipped)} not shown, see telerun_magic.job({number}).stdout\n"
        pieces.insert(0, (StreamId.STDOUT, note))
    runs = [(stream, "".join(text for _, text in run)) for stream, run in groupby(pieces, key=lambda piece: piece[0])]
    streams = tuple(StreamPiece(name=NAMES[stream], text=text) for stream, text in runs if text)
    return CellOutput(streams=streams, offset=offset)
