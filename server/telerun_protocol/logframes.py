"""The framing of a job's log: what an executor sends, what lies on disk and what a follower reads are the same bytes.

A frame is 1 byte stream, 3 zero bytes, 4 bytes payload length (big endian), payload: the format of Docker's
multiplexed streams. A log is frames one after another; a position in it is a byte offset.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from telerun_protocol.errors import InvalidMessage

HEADER = struct.Struct(">B3xI")
MAX_PAYLOAD_BYTES = 1 << 20
MAX_STREAM = 3


@dataclass(frozen=True, slots=True)
class Frame:
    stream: int
    payload: bytes


def encode_frame(stream: int, payload: bytes) -> bytes:
    return HEADER.pack(stream, len(payload)) + payload


class FrameDecoder:
    """Takes a log's bytes in pieces of any size and gives whole frames.

    `offset` is the position after the last whole frame: where to resume reading after a lost connection.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yields the frames completed by `data`; raises InvalidMessage on bytes that are no frame."""
        self._rest += data
        position = 0
        try:
            while len(self._rest) - position >= HEADER.size:
                stream, length = HEADER.unpack_from(self._rest, position)
                if stream > MAX_STREAM or length > MAX_PAYLOAD_BYTES or any(self._rest[position + 1 : position + 4]):
                    raise InvalidMessage(f"Not a log frame at byte {self.offset}.")
                end = position + HEADER.size + length
                if len(self._rest) < end:
                    break
                payload = bytes(self._rest[position + HEADER.size : end])
                self.offset += end - position
                position = end
                yield Frame(stream, payload)
        finally:
            del self._rest[:position]

    def reset(self) -> None:
        """Forget a half-read frame: the next bytes will come from `offset`."""
        self._rest.clear()
