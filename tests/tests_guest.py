"""Another kernel for tests: user-mode Linux, an ordinary process that boots in seconds and has only a cgroup2.

The guest sees the host's files and can write in one folder. It runs in bubblewrap without any capability: what root in
it may do ends there.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = "linux.uml"
MEMORY = "768M"
DISK_BYTES = 16 << 20
SHARE = "/run/share"  # in the guest
PROJECT = Path(__file__).parents[1]  # which may lie below what the guest has of its own, such as /tmp
INIT = """#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmpfs /run
mkdir {share}; mount -t hostfs -o {folder} none {share}
mount -t tmpfs tmpfs /tmp; mkdir -p /dev/shm /dev/pts; mount -t tmpfs tmpfs /dev/shm; mount -t devpts devpts /dev/pts
mkdir -p {project}; mount -t hostfs -o {project} none {project}
mount -t cgroup2 none /sys/fs/cgroup
touch {share}/started
cd {share}; sh ./command > {share}/output 2>&1 < /dev/null
echo $? > {share}/status
sync; echo o > /proc/sysrq-trigger; sleep 60
"""


class Guest:
    """A boot of the guest and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.console = ""

    def run(self, argv: Sequence[str], *, timeout_s: float) -> int:
        """Boots, runs a program as root, shuts down; returns its exit status. Skips the test where it does not boot."""
        (self.folder / "command").write_text(f"exec {shlex.join(argv)}\n")
        (self.folder / "init").write_text(INIT.format(share=SHARE, folder=self.folder, project=PROJECT))
        (self.folder / "init").chmod(0o755)
        with (self.folder / "disk").open("wb") as disk:
            disk.truncate(DISK_BYTES)
        kernel = [
            PROGRAM, f"mem={MEMORY}", "rootfstype=hostfs", "rootflags=/", "ro", f"init={self.folder}/init", "quiet",
            "con=null", "con0=fd:0,fd:1", f"ubd0={self.folder}/disk", "umid=guest", f"uml_dir={self.folder}/",
        ]  # fmt: skip
        confined = [
            "bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent", "--new-session",
            "--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
            "--bind", str(self.folder), str(self.folder), "--chdir", "/", "--",
        ]  # fmt: skip
        process = subprocess.Popen(
            [*confined, *kernel],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"TMPDIR": "/dev/shm", "PATH": os.defpath},
        )
        try:
            said, _ = process.communicate(timeout=timeout_s)
            self.console = said.decode(errors="replace")
        finally:
            process.kill()  # bubblewrap, and with it all that is the guest
        if not (self.folder / "started").exists():
            pytest.skip(f"user-mode Linux does not boot here: {self.console[-500:]}")
        assert (self.folder / "status").exists(), f"the guest went down:\n{self.console}\n{self.output}"
        return int((self.folder / "status").read_text())

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")


@contextmanager
def guest() -> Iterator[Guest]:
    """A guest that was not booted yet. Skips the test where none can be."""
    for program, package in ((PROGRAM, "user-mode-linux"), ("bwrap", "bubblewrap")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian package {package})")
    folder = Path(tempfile.mkdtemp(prefix="telerun-guest-", dir="/tmp"))
    try:
        folder.chmod(0o700)
        yield Guest(folder)
    finally:
        shutil.rmtree(folder)
