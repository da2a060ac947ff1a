"""Pictures that browsers do not show (PPM, PGM, PBM is left out) as PNG, and what a picture is by its content."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence

MAX_PIXELS = 16_000_000
_HEADER = re.compile(rb"(P[2356])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s")
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def media_type(data: bytes) -> str | None:
    """The type of a picture that a browser shows, told by its first bytes."""
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)


def from_netpbm(data: bytes) -> bytes | None:
    """A PPM or PGM picture as PNG; None for anything else, or for a picture that is cut or too large."""
    match = _HEADER.match(data[:1000])
    if match is None:
        return None
    width, height, highest = int(match[2]), int(match[3]), int(match[4])
    channels = 3 if match[1] in (b"P3", b"P6") else 1
    count = width * height * channels
    if not count or width * height > MAX_PIXELS or not 0 < highest < 65536:
        return None
    is_text, body = match[1] in (b"P2", b"P3"), data[match.end() :]
    samples = _text_samples(body, count) if is_text else _raw_samples(body, count, wide=highest > 255)
    if samples is None:
        return None
    if highest != 255 or not isinstance(samples, bytes):
        samples = bytes(min(255, sample * 255 // highest) for sample in samples)
    return encode(width, height, channels, samples)


def _raw_samples(body: bytes, count: int, *, wide: bool) -> Sequence[int] | None:
    size = 2 * count if wide else count
    if len(body) < size:
        return None
    return struct.unpack(f">{count}H", body[:size]) if wide else body[:size]


def _text_samples(text: bytes, count: int) -> Sequence[int] | None:
    words = re.sub(rb"#[^\n]*", b"", text).split()[:count]
    if len(words) < count or not all(word.isdigit() for word in words):
        return None
    return tuple(map(int, words))


def encode(width: int, height: int, channels: int, samples: bytes) -> bytes:
    """8-bit grey (1 channel) or RGB (3) samples, row by row, as PNG."""
    stride = width * channels
    rows = b"".join(b"\0" + samples[start : start + stride] for start in range(0, height * stride, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
