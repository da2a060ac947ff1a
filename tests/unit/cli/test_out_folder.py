"""Nothing a job names leads out of the folder that was meant for it."""

from pathlib import Path

import pytest

from telerun_magic.cli.out_folder import OutFolder
from telerun_protocol.errors import InvalidMessage


def test_files_and_folders_are_made(tmp_path: Path) -> None:
    folder = OutFolder(tmp_path / "a" / "b")
    folder.write("c/d.txt", b"one")
    folder.write("c/d.txt", b"two")
    assert (tmp_path / "a/b/c/d.txt").read_bytes() == b"two"
    assert [path.name for path in (tmp_path / "a/b/c").iterdir()] == ["d.txt"]


def test_nothing_is_made_before_the_first_file(tmp_path: Path) -> None:
    OutFolder(tmp_path / "later")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", ".", "a//b", "a\nb"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidMessage):
        OutFolder(tmp_path / "out").write(path, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_folder_is_not_entered(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "out"
    root.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(InvalidMessage, match="link/x"):
        OutFolder(root).write("link/x", b"")
    assert list(outside.iterdir()) == []


def test_a_link_to_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    root = tmp_path / "out"
    root.mkdir()
    (root / "x").symlink_to(precious)
    OutFolder(root).write("x", b"job's")
    assert precious.read_text() == "mine"
    assert (root / "x").read_text() == "job's"
    assert not (root / "x").is_symlink()


async def test_a_broken_download_leaves_nothing(tmp_path: Path) -> None:
    async def blocks():  # type: ignore[no-untyped-def]
        yield b"half"
        raise InvalidMessage("cut")

    (tmp_path / "x").write_text("before")
    with pytest.raises(InvalidMessage, match="cut"):
        await OutFolder(tmp_path).save("x", blocks())
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "before"


def test_a_folder_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(InvalidMessage, match="x cannot be written"):
        OutFolder(tmp_path).write("x", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
