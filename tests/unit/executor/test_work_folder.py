"""The executor's folder on disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from telerun_executor.work_folder import WorkFolderInUse, hold
from telerun_executor.workspace import remove

NOBODY = 65534


def test_one_holds_it_and_the_next_hears_of_it(tmp_path: Path) -> None:
    with hold(tmp_path / "w") as first:
        assert first.replaces is None
        with pytest.raises(WorkFolderInUse, match=str(tmp_path)), hold(tmp_path / "w"):
            pass
    with hold(tmp_path / "w") as second:
        assert second.replaces == first.instance != second.instance


def test_a_predecessors_jobs_are_removed_unless_kept(tmp_path: Path) -> None:
    with hold(tmp_path) as folder:
        (folder.jobs / "left").mkdir()
    with hold(tmp_path, keep=True) as folder:
        assert (folder.jobs / "left").is_dir()
    with hold(tmp_path) as folder:
        assert not list(folder.jobs.iterdir())


def test_a_damaged_note_is_no_predecessor(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("../../etc")
    with hold(tmp_path) as folder:
        assert folder.replaces is None


@pytest.fixture
def as_anybody() -> Iterator[Path]:
    """A folder of an ordinary user, and being that user: permissions mean nothing to root."""
    folder = Path(tempfile.mkdtemp())
    user = os.geteuid()
    if user == 0:
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
    yield folder
    os.seteuid(user)
    remove(folder)


def test_a_job_cannot_make_its_folder_stay(as_anybody: Path) -> None:
    job, outside = as_anybody / "job", as_anybody / "outside"
    (job / "a" / "b").mkdir(parents=True)
    (job / "a" / "b" / "file").touch()
    outside.mkdir(mode=0o500)
    (job / "a" / "link").symlink_to(outside)
    (job / "a" / "b").chmod(0)
    (job / "a").chmod(0o500)
    remove(job)
    assert not job.exists()
    assert outside.stat().st_mode & 0o777 == 0o500
