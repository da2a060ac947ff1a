"""The files a job left: pictures and tables are shown, the others named with their size."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from telerun_magic.render import clean, png
from telerun_magic.render.blocks import Block, Details, Image, Table, Tone, line
from telerun_protocol.messages import Artifact
from telerun_protocol.units import show_size

MAX_PREVIEWS = 12
MAX_PREVIEW_BYTES = 2_000_000
MAX_NETPBM_BYTES = 50_000_000
MAX_ALL_BYTES = 6_000_000
MAX_LISTED = 100
ROWS, COLUMNS, CELL = 20, 20, 60
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".ppm", ".pgm")
_TABLES = (".csv", ".tsv")


def outputs(artifacts: Sequence[Artifact]) -> list[Artifact]:
    return [artifact for artifact in artifacts if artifact.kind == "output"]


def to_preview(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """Which files are worth fetching for a look."""
    chosen = []
    for artifact in outputs(artifacts):
        suffix = _suffix(artifact.path)
        most = MAX_NETPBM_BYTES if suffix in (".ppm", ".pgm") else MAX_PREVIEW_BYTES
        if suffix in _IMAGES + _TABLES and 0 < artifact.size_bytes <= most:
            chosen.append(artifact)
    return chosen[:MAX_PREVIEWS]


def images(previews: Mapping[str, bytes]) -> list[Image]:
    """Every picture among the fetched files; what only claims to be one is none."""
    found, size = [], 0
    for path, data in previews.items():
        picture = _image(path, data)
        if picture and size + len(picture.data) <= MAX_ALL_BYTES:
            size += len(picture.data)
            found.append(picture)
    return found


def tables(previews: Mapping[str, bytes]) -> list[Block]:
    return [table for path, data in previews.items() if _suffix(path) in _TABLES and (table := _table(path, data))]


def listing(artifacts: Sequence[Artifact], number: int) -> list[Block]:
    """All files of the job with size and type, and how to get them."""
    found = outputs(artifacts)
    if not found:
        return []
    rows = tuple((artifact.path, show_size(artifact.size_bytes), artifact.media_type) for artifact in found)
    inner: list[Block] = [Table(("", "", ""), rows[:MAX_LISTED], numeric=frozenset({1}))]
    if len(rows) > MAX_LISTED:
        inner.append(line(f"… and {len(rows) - MAX_LISTED} more", Tone.DIM))
    inner.append(line(f"telerun_magic.job({number}).files[{_quoted(clean.line(found[0].path, 80))}]", Tone.DIM))
    total = show_size(sum(artifact.size_bytes for artifact in found))
    return [Details(f"{len(found)} file{'' if len(found) == 1 else 's'}, {total}", tuple(inner), len(found) <= 8)]


def _quoted(text: str) -> str:
    return repr(text) if '"' in text or "\\" in text else f'"{text}"'


def _suffix(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return f".{name.rsplit('.', 1)[-1].lower()}" if "." in name else ""


def _image(path: str, data: bytes) -> Image | None:
    suffix = _suffix(path)
    if suffix == ".svg":  # in an <img>, a browser neither runs its scripts nor loads what it links to
        return Image(path, "image/svg+xml", data) if b"<svg" in data[:2000] else None
    if suffix in (".ppm", ".pgm"):
        converted = png.from_netpbm(data)
        return Image(path, "image/png", converted) if converted and len(converted) <= MAX_PREVIEW_BYTES else None
    kind = png.media_type(data) if suffix in _IMAGES else None
    return Image(path, kind, data) if kind else None


def _table(path: str, data: bytes) -> Block | None:
    text = data.decode("utf-8-sig", "replace")
    first = text.split("\n", 1)[0]
    delimiter = "\t" if _suffix(path) == ".tsv" else max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error:
        return None
    if not rows:
        return None
    width = min(COLUMNS, max(len(row) for row in rows[: ROWS + 1]))
    shown = [tuple(clean.line(cell, CELL) for cell in (row + [""] * width)[:width]) for row in rows[: ROWS + 1]]
    numeric = frozenset(column for column in range(width) if all(_is_number(row[column]) for row in shown[1:]))
    more = f", the first {ROWS} shown" if len(rows) - 1 > ROWS else ""
    table = Table(shown[0], tuple(shown[1:]), numeric=numeric)
    return Details(f"{path}: {len(rows) - 1:,} rows, {max(map(len, rows))} columns{more}", (table,), is_open=True)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text
    return True
