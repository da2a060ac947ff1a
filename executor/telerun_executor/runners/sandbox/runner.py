"""The sandbox: every command runs in namespaces of its own, as a user of its own, within bounds that the kernel keeps.

For each job there are two file systems in memory, one for the sources and what compilers write, one for what the
program writes (its folder, /tmp and /dev/shm together); for each command there is a cgroup, a bubblewrap, and `init.c`
as its first process. Without root there are neither the file systems nor the cgroups: then files lie on the disk, use
is watched instead of bounded, and the isolation is called degraded.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.devices.nodes import nodes_for
from telerun_executor.runners import native
from telerun_executor.runners.base import Box, Runner, Terms
from telerun_executor.runners.launch import Launchers
from telerun_executor.runners.launched import GRACE_S
from telerun_executor.runners.sandbox import bubblewrap, init, rootfs, storage
from telerun_executor.runners.sandbox.box import SandboxBox
from telerun_executor.runners.sandbox.bubblewrap import Mode, View
from telerun_executor.runners.sandbox.cgroups.base import Hierarchy
from telerun_executor.runners.sandbox.held import abandoned, hold
from telerun_executor.runners.sandbox.rootfs import RootFs
from telerun_executor.runners.sandbox.settings import SandboxSettings
from telerun_executor.runners.sandbox.slots import Slots
from telerun_executor.runners.sandbox.wrapper import WRAPPERS, Setting, Unkillable
from telerun_executor.workspace import Workspace, folder
from telerun_protocol.errors import SandboxError
from telerun_protocol.messages import Limits
from telerun_protocol.states import Isolation

RUN = Path("/run/telerun")
DIGITS = 12  # of the names that executors' places in it have
NAMES = "[0-9a-f]" * DIGITS
WRAPPERS_MEMORY_BYTES = 2 << 20
LEAST_DISK_BYTES = 1 << 20
OF_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "mime.types", "fonts")
OF_ETC_FOR_NETWORK = ("resolv.conf", "hosts", "nsswitch.conf", "services", "protocols", "ssl/certs")
USERS = "root:x:0:0:root:/root:/usr/sbin/nologin\njob:x:{user}:{user}:job:/tmp:/bin/sh\n"
GROUPS = "root:x:0:\njob:x:{user}:\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What this machine offers the sandbox, as it was detected."""

    isolation: Isolation
    mode: Mode
    bwrap: Path
    hierarchy: Hierarchy | None = None
    disable_userns: bool = True


@dataclass(slots=True)
class _Held:
    """What a job holds while its workspace exists."""

    user: int
    handed_over: bool = False
    stuck: bool = False


class SandboxRunner(Runner):
    """Runs commands in bubblewrap. Made by `start`; `jobs` and `records` are folders on the disk, as for the others."""

    def __init__(
        self, host: Host, jobs: Path, records: Path, *, settings: SandboxSettings, visible: Sequence[Path] = (),
        grace_s: float = GRACE_S,
    ) -> None:  # fmt: skip
        """`visible` are folders outside /usr that every box shows, such as that of a compiler."""
        self.isolation = host.isolation
        self._host = host
        self._jobs = jobs
        self._settings = settings
        self._visible = visible
        self._grace_s = grace_s
        self._as_root = host.mode is not Mode.OWN_USER
        name = hashlib.sha256(os.fsencode(jobs.absolute())).hexdigest()[:DIGITS]
        self._place = RUN / name if self._as_root else jobs.parent / "sandbox"
        self._launchers = Launchers(records, self._place / "launcher", alone=self._as_root)
        self._hold = -1  # of that place
        self._slots: Slots | None = None
        self._held: dict[Path, _Held] = {}
        self._rootfs: RootFs | None = None
        self._readable: list[tuple[Path, Path]] = []

    # ------------------------------------------------------------------------------------------ start and end

    async def start(self, commands_at_once: int) -> None:
        """Raises SandboxError where something of the sandbox cannot be set up."""
        try:
            self._lay_out(commands_at_once)
        except OSError as error:
            raise SandboxError(f"The sandbox cannot be set up: {error}.") from None
        await native.build(init.SOURCE, self._init)
        await self._launchers.fill(min(commands_at_once, 4))

    def _lay_out(self, jobs_at_once: int) -> None:
        if self._as_root:
            self._hold = hold(self._place)
            RUN.chmod(0o711)
            for left, _ in abandoned(RUN, NAMES):
                with contextlib.suppress(OSError):
                    left.rmdir()
            storage.bounded(self._place, 64 << 20, 65_536)
            self._slots = Slots(RUN / "users", jobs_at_once)
        else:
            self._place.mkdir(exist_ok=True, mode=0o711)
        if self._host.hierarchy:
            self._host.hierarchy.sweep()
        (self._place / "jobs").mkdir(exist_ok=True, mode=0o711)
        shutil.rmtree(self._etc(network=False), ignore_errors=True)
        shutil.rmtree(self._etc(network=True), ignore_errors=True)
        _copy_etc(self._etc(network=False), OF_ETC)
        _copy_etc(self._etc(network=True), (*OF_ETC, *OF_ETC_FOR_NETWORK))
        if not self._as_root:
            self._readable = [(path, path) for path in self._visible]
            return
        covered = [path for path in self._visible if any(path.is_relative_to(one) for one in rootfs.COVERED)]
        for number, path in enumerate(covered):
            target = self._place / f"visible{number}"  # where the jobs' users can get at it, wherever it lies
            target.mkdir(mode=0o755)
            storage.bind(path, target)
            self._readable.append((target, path))
        visible = [path for path in self._visible if path not in covered]
        self._rootfs = rootfs.prepare(self._place, visible, self._place / "jobs")

    @property
    def _init(self) -> Path:
        return self._rootfs.init if self._rootfs else self._place / "init"

    def _etc(self, *, network: bool) -> Path:
        return self._place / ("etc-network" if network else "etc")

    async def close(self) -> None:
        await self._launchers.close()
        if self._slots:
            self._slots.close()
        if self._host.hierarchy:
            self._host.hierarchy.close()
        if self._as_root and self._place.exists():
            with contextlib.suppress(OSError):
                storage.unmount(self._place)
            with contextlib.suppress(OSError):
                self._place.rmdir()
        if self._hold >= 0:
            os.close(self._hold)

    # ------------------------------------------------------------------------------------------- the workspace

    @contextlib.asynccontextmanager
    async def workspace(self, name: str, *, keep: bool = False) -> AsyncIterator[Workspace]:
        if not self._as_root:
            async with folder(self._jobs / name, keep=keep) as workspace:
                self._make_places(workspace)
                self._held[workspace.root] = _Held(os.geteuid())
                try:
                    yield workspace
                finally:
                    del self._held[workspace.root]
            return
        assert self._slots
        held = _Held(self._slots.take())
        workspace = Workspace(self._place / "jobs" / name)
        self._held[workspace.root] = held
        try:
            self._mount(workspace)
            yield workspace
        finally:
            if keep:
                with contextlib.suppress(OSError):
                    storage.unmount(_terminals(workspace))  # nothing to look at later
                await asyncio.to_thread(_keep, workspace.root, self._jobs / name)
            if any(storage.is_slow_to_free(path) for path in (workspace.root, workspace.run)):
                await asyncio.to_thread(self._unmount, workspace)
            else:
                self._unmount(workspace)
            del self._held[workspace.root]
            if not held.stuck:  # else nobody may become that user again
                self._slots.give_back(held.user)

    def _mount(self, workspace: Workspace) -> None:
        assert self._rootfs, "start() comes first"
        try:
            self._rootfs.way_to(workspace.root).mkdir(mode=0o711)
            workspace.root.mkdir(mode=0o711)
            storage.bounded(workspace.root, self._settings.build_disk_bytes, self._settings.files)
            workspace.run.mkdir(mode=0o711)
            storage.bounded(workspace.run, self._settings.build_disk_bytes, self._settings.files)
            _terminals(workspace).mkdir()
            storage.terminals(_terminals(workspace))
            workspace.create()
            self._make_places(workspace)
        except OSError as error:
            raise SandboxError(f"The job's folder cannot be set up: {error}.") from None

    def _unmount(self, workspace: Workspace) -> None:
        assert self._rootfs
        with contextlib.suppress(OSError):  # it was not mounted yet
            storage.unmount(workspace.root)
        for path in (workspace.root, self._rootfs.way_to(workspace.root)):
            with contextlib.suppress(OSError):
                path.rmdir()

    @staticmethod
    def _make_places(workspace: Workspace) -> None:
        for path in (_run_tmp(workspace), _shm(workspace)):
            path.mkdir(mode=0o700)

    def _hand_over(self, workspace: Workspace, held: _Held) -> None:
        """Once what the job brings is in place, and before any of it runs, all of it becomes the box's user's."""
        if held.handed_over:
            return
        held.handed_over = True
        if self._as_root:
            mine = (workspace.src, workspace.build, workspace.tmp, workspace.work, _run_tmp(workspace), _shm(workspace))
            for path in mine:
                _give(path, held.user)
            if workspace.stdin.exists():
                os.chown(workspace.stdin, held.user, held.user)

    @contextlib.asynccontextmanager
    async def open(self, workspace: Workspace, limits: Limits, terms: Terms) -> AsyncIterator[Box]:
        held = self._held[workspace.root]
        self._hand_over(workspace, held)
        settings = self._settings.of(terms.owner_class)
        if self._as_root:
            size, files = storage.used(workspace.run)
            allowed = max(limits.disk_bytes or settings.build_disk_bytes, LEAST_DISK_BYTES)
            storage.resize(workspace.run, size + allowed, files + settings.files)
        nodes = nodes_for(terms.devices)
        view = View(
            mode=self._host.mode,
            user=held.user,
            rootfs=self._rootfs,
            init=self._init,
            etc=self._etc(network=terms.network),
            readable=self._readable,
            workspace=workspace.root,
            writable=[workspace.work, *([workspace.build, workspace.tmp] if terms.building else [])],
            tmp=workspace.tmp if terms.building else _run_tmp(workspace),
            shm=_shm(workspace),
            terminals=_terminals(workspace),
            device_nodes=[node.path for node in nodes],
            network=terms.network,
            disable_userns=self._host.disable_userns,
        )
        setting = Setting(
            bwrap=self._host.bwrap,
            workspace=workspace,
            view=view,
            terms=terms,
            limits=limits,
            hierarchy=self._host.hierarchy,
            cgroup=settings.cgroup_limits(limits, WRAPPERS, WRAPPERS_MEMORY_BYTES),
            devices=[(node.major, node.minor) for node in nodes],
            grace_s=self._grace_s,
        )
        try:
            async with SandboxBox.opened(self._launchers, setting) as box:
                yield box
        except Unkillable:
            held.stuck = True
            raise


def _copy_etc(target: Path, names: Sequence[str]) -> None:
    """An /etc of a few harmless files: one folder to show instead of many files, and none of this machine's users."""
    target.mkdir(mode=0o755)
    for name in names:
        source = Path("/etc", name)
        (target / name).parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        with contextlib.suppress(OSError, shutil.Error):  # one that is not there, or dangling
            if source.is_dir():
                shutil.copytree(source, target / name, symlinks=True)
            else:
                shutil.copy(source, target / name)
                (target / name).chmod(0o644)
    (target / "passwd").write_text(USERS.format(user=bubblewrap.INSIDE_USER))
    (target / "group").write_text(GROUPS.format(user=bubblewrap.INSIDE_USER))
    for name in ("passwd", "group"):
        (target / name).chmod(0o644)


def _run_tmp(workspace: Workspace) -> Path:
    return workspace.run / "tmp"


def _shm(workspace: Workspace) -> Path:
    return workspace.run / "shm"


def _terminals(workspace: Workspace) -> Path:
    return workspace.root / "pts"


def _give(path: Path, user: int) -> None:
    """A folder with all that is in it becomes the user's; nothing is followed."""
    os.chown(path, user, user)
    for parent, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(f"{parent}/{name}", user, user, follow_symlinks=False)


def _keep(source: Path, target: Path) -> None:
    """Copies a workspace out of memory for a look at it; devices, pipes and links stay what they are."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", "--", str(source), str(target)], check=False)
