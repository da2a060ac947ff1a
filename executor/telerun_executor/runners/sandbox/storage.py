"""Places for the files of boxes: file systems in memory, each of a bounded size, in a mount namespace of our own.

What is mounted here is seen by this process and its children alone, and is gone when they are.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x8, 0x20, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2


def enter_private_namespace() -> None:
    """Takes a mount namespace for this process; call it before there are threads, which would stay behind.

    Raises OSError where it is not permitted.
    """
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    _mount("none", Path("/"), None, MS_REC | MS_PRIVATE, "")


def bounded(path: Path, size_bytes: int, files: int) -> None:
    """Mounts an empty file system of that size and so many files, owned by root, that others may only pass through."""
    _mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size_bytes},nr_inodes={files},mode=0711")


def resize(path: Path, size_bytes: int, files: int) -> None:
    """Gives a bounded file system another size, not below what it holds."""
    _mount("tmpfs", path, "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV, f"size={size_bytes},nr_inodes={files}")


def terminals(path: Path) -> None:
    """Mounts pseudo-terminals that have nothing to do with those of others."""
    _mount("devpts", path, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")


def bind(source: Path, target: Path) -> None:
    """With what is mounted below."""
    _mount(str(source), target, None, MS_BIND | MS_REC, "")


def unmount(path: Path) -> None:
    """Lets go of it and what is mounted below; what is still held open by somebody goes with its last user."""
    _check(_libc.umount2(os.fsencode(path), MNT_DETACH), str(path))


def used(path: Path) -> tuple[int, int]:
    """Bytes and files that a bounded file system holds."""
    told = os.statvfs(path)
    return (told.f_blocks - told.f_bfree) * told.f_frsize, told.f_files - told.f_ffree


def is_full(path: Path) -> bool:
    """Whether the next page or the next file would have no place."""
    return os.statvfs(path).f_bfree == 0 or files_ran_out(path)


def files_ran_out(path: Path) -> bool:
    return os.statvfs(path).f_ffree == 0


def is_slow_to_free(path: Path) -> bool:
    """Whether unmounting it may take more than a millisecond or so."""
    try:
        size, files = used(path)
    except FileNotFoundError:  # it was not made yet
        return False
    return size > 16 << 20 or files > 1000


def _mount(source: str, target: Path, kind: str | None, flags: int, data: str) -> None:
    words = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None)
    _check(_libc.mount(*words, ctypes.c_ulong(flags), data.encode()), str(target))


def _check(answer: int, what: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
