"""What a box shows of the machine, as options of bubblewrap. Pure functions: nothing is run here.

Source of the options: bwrap(1), version 0.8.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.runners.sandbox.rootfs import INIT, SYSTEM, RootFs

ARGS_FD, SECCOMP_FD = 3, 4
INSIDE_USER = 1000


class Mode(enum.Enum):
    """How bubblewrap is started."""

    SLOT_USER = "slot_user"  # as an unprivileged user of the slot, in a user namespace
    ROOT = "root"  # as root where user namespaces are forbidden; the user changes inside, after all is set up
    OWN_USER = "own_user"  # as the executor's own unprivileged user


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the commands of one box see. `readable` are (where it is, where it appears)."""

    mode: Mode
    user: int  # the number that the program has outside; inside a user namespace it is another
    rootfs: RootFs | None  # None: it is put together from what is on the machine
    init: Path
    etc: Path  # appears as /etc
    readable: Sequence[tuple[Path, Path]]  # beside what is in `rootfs`
    workspace: Path  # readable as well
    writable: Sequence[Path]
    tmp: Path  # appears as /tmp
    shm: Path  # appears as /dev/shm
    terminals: Path  # appears as /dev/pts, with `rootfs`
    device_nodes: Sequence[Path] = ()
    network: bool = False
    disable_userns: bool = True  # bubblewrap 0.8 can


def options(view: View) -> tuple[str, ...]:
    """The options for `bwrap --args`."""
    readable = [*view.readable, (view.workspace, view.workspace)]
    return (
        *_namespaces(view),
        *("--hostname", "job", "--die-with-parent", "--new-session", "--as-pid-1"),
        *(("--ro-bind", str(view.rootfs.root), "/") if view.rootfs else _system(view)),
        *("--proc", "/proc", "--ro-bind", str(view.etc), "/etc"),
        *_devices(view),
        *("--bind", str(view.shm), "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108 - the box's own
        *("--bind", str(view.tmp), "/tmp"),  # noqa: S108 - the box's own
        *_ways([target for _, target in (view.readable if view.rootfs else readable)]),
        *(word for source, target in readable for word in ("--ro-bind", str(source), str(target))),
        *(word for path in view.writable for word in ("--bind", str(path), str(path))),
        *("--chdir", "/", "--remount-ro", "/", "--seccomp", str(SECCOMP_FD)),
    )


def argv(bwrap: Path, view: View) -> tuple[str, ...]:
    """The command line: `options` travel in a descriptor, so that they show in no list of processes."""
    inside: tuple[str, ...] = (f"/{INIT}",)
    if view.mode is Mode.ROOT:
        user = str(view.user)
        drop = ("--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
        inside = ("setpriv", "--reuid", user, "--regid", user, *drop, "--", *inside)
    return (str(bwrap), "--args", str(ARGS_FD), "--", *inside)


def _namespaces(view: View) -> Iterator[str]:
    if view.mode is Mode.ROOT:
        yield from ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
        yield from ("--cap-drop", "ALL")
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            yield from ("--cap-add", capability)
        return
    yield from ("--unshare-all", "--unshare-user", "--uid", str(INSIDE_USER), "--gid", str(INSIDE_USER))
    if view.disable_userns:
        yield "--disable-userns"
    if view.network or view.mode is Mode.SLOT_USER:  # whose launcher sees to the network
        yield "--share-net"


def _system(view: View) -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    yield from ("--ro-bind", str(view.init), f"/{INIT}")


def _ways(paths: Sequence[Path]) -> Iterator[str]:
    """The folders that lead to these paths, open to all: those that bubblewrap makes itself are its user's alone."""
    made = {Path("/")}
    for path in paths:
        for parent in reversed(path.parents):
            if parent not in made and not parent.is_relative_to("/usr"):
                made.add(parent)
                yield from ("--perms", "0755", "--dir", str(parent))


def _devices(view: View) -> Iterator[str]:
    if view.rootfs and not view.device_nodes:
        yield from ("--dev-bind", str(view.rootfs.dev), "/dev", "--dev-bind", str(view.terminals), "/dev/pts")
        return
    yield from ("--dev", "/dev")
    for node in view.device_nodes:
        yield from ("--dev-bind", str(node), str(node))
    if view.device_nodes:  # CUDA finds its devices there
        yield from ("--ro-bind", "/sys", "/sys")
        if Path("/usr/bin/nvidia-modprobe").exists():  # it is setuid root
            yield from ("--ro-bind", "/usr/bin/true", "/usr/bin/nvidia-modprobe")
