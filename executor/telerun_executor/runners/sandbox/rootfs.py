"""The root file system of every box: made once, where bubblewrap would put it together for each command.

That takes root. Its `/dev` has no devices but the harmless ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.runners.sandbox import storage

SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # beside /usr, or links into it
COVERED = tuple(Path("/", name) for name in ("proc", "dev", "tmp", "etc", "sys"))  # each box has its own there
NODES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
    "ptmx": "pts/ptmx",
}
INIT = ".telerun-init"


@dataclass(frozen=True, slots=True)
class RootFs:
    """`root` appears as /, `dev` as /dev, without the terminals and the shared memory that each job has of its own."""

    root: Path
    dev: Path

    @property
    def init(self) -> Path:
        return self.root / INIT

    def way_to(self, path: Path) -> Path:
        """Where what is bound to this path of a box needs a folder."""
        return self.root / path.relative_to("/")


def prepare(place: Path, visible: Sequence[Path], jobs: Path) -> RootFs:
    """Makes it in `place`, with these folders of the machine in it, none of which is in `COVERED`.

    Below `jobs` each job appears where it lies. All of it goes with the mount that `place` is. Raises OSError.
    """
    made = RootFs(place / "rootfs", place / "dev")
    _folder(made.root)
    for path in COVERED:
        _folder(made.way_to(path))
    for path in (Path("/", name) for name in ("usr", *SYSTEM)):
        if path.is_symlink():
            made.way_to(path).symlink_to(path.readlink())
        elif path.is_dir():
            _show(path, made)
    for path in visible:
        _show(path, made)
    _folder(made.way_to(jobs))
    made.way_to(jobs).chmod(0o711)  # who else has a job here is nobody's business
    for name in ("pts", "shm"):
        _folder(made.dev / name)
    for name in NODES:
        (made.dev / name).touch()
        storage.bind(Path("/dev", name), made.dev / name)
    for name, target in LINKS.items():
        (made.dev / name).symlink_to(target)
    return made


def _show(path: Path, made: RootFs) -> None:
    _folder(made.way_to(path))
    storage.bind(path, made.way_to(path))


def _folder(path: Path) -> None:
    """With those that lead to it, open to all whatever our own mask is."""
    for one in reversed([path, *path.parents]):
        if not one.exists():
            one.mkdir()
            one.chmod(0o755)
