"""What is collected of a folder that a stranger filled."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from telerun_executor.artifacts import MOST_DEPTH, MOST_FILES, Collection, collect, is_empty, media_type


class Store:
    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    async def __call__(self, path: Path) -> str:
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        self.contents[sha256] = content
        return sha256


async def collected(out: Path, most_bytes: int | None = None) -> tuple[dict[str, bytes], Collection]:
    store = Store()
    collection = await collect(out, most_bytes, store)
    return {one.path: store.contents[one.sha256] for one in collection.artifacts}, collection


async def test_files_in_folders(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/x.png").write_bytes(b"png")
    (tmp_path / "ü y.txt").write_bytes(b"")
    files, collection = await collected(tmp_path)
    assert files == {"a/b/x.png": b"png", "ü y.txt": b""}
    assert [one.media_type for one in collection.artifacts] == ["image/png", "text/plain"]
    assert collection.notes() == ()


async def test_nothing_is_followed(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (out / "link").symlink_to(outside / "secret")
    (out / "folder").symlink_to(outside)
    (out / "hard").hardlink_to(outside / "secret")
    (out / "dangling").symlink_to("nowhere")
    os.mkfifo(out / "pipe")
    (out / "kept").write_text("kept")
    files, collection = await collected(out)
    assert files == {"kept": b"kept"}
    assert collection.notes() == ("5 files under out/ were left out: it is not a plain readable file.",)


@pytest.mark.parametrize("kind", ["missing", "file", "link"])
async def test_a_folder_that_is_none(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("x")
    elif kind == "link":
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "y").write_text("z")
        out.symlink_to(tmp_path / "x")
    files, collection = await collected(out)
    assert bool(collection.notes()) is (kind != "missing")  # it is told, unless there is nothing to tell
    assert is_empty(out) is (kind == "missing")
    assert files == {}


async def test_bounds(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 3):
        (tmp_path / f"f{number:03}").write_bytes(b"x")
    files, collection = await collected(tmp_path)
    assert len(files) == MOST_FILES
    assert collection.notes() == (f"3 files under out/ were left out: only {MOST_FILES} files of a job are kept.",)


async def test_bytes_are_bounded_and_smaller_files_still_fit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(60))
    (tmp_path / "b").write_bytes(bytes(60))
    (tmp_path / "c").write_bytes(bytes(40))
    files, collection = await collected(tmp_path, 100)
    assert set(files) == {"a", "c"}
    assert "disk limit" in collection.notes()[0]


async def test_depth(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * (MOST_DEPTH - 1))
    (deep / "d").mkdir(parents=True)
    (deep / "file").write_bytes(b"kept")
    (deep / "d" / "file").write_bytes(b"too deep")
    files, collection = await collected(tmp_path)
    assert list(files.values()) == [b"kept"]
    assert len(collection.notes()) == 1


async def test_names(tmp_path: Path) -> None:
    (tmp_path / ".telerun").mkdir()
    (tmp_path / ".telerun" / "asm.json").write_text("forged")
    (tmp_path / "new\nline").write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_text("x")
    (tmp_path / ".hidden").write_text("fine")
    files, collection = await collected(tmp_path)
    assert set(files) == {".hidden"}
    assert collection.left_out.total() == 3


def test_emptiness(tmp_path: Path) -> None:
    assert is_empty(tmp_path)
    assert is_empty(tmp_path / "missing")
    (tmp_path / "x").touch()
    assert not is_empty(tmp_path)


def test_media_types() -> None:
    assert media_type("a/b.csv") == "text/csv"
    assert media_type("x.ppm") == "image/x-portable-pixmap"
    assert media_type("x") == "application/octet-stream"
