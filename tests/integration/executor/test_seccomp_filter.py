"""The seccomp filter in the kernel: what a program in bubblewrap gets to hear from the calls that it tries."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from telerun_executor.runners.sandbox import seccomp

TRIES = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *nothing(void *given) { return given; }
static void told(const char *name, long result) { printf("%s %d\n", name, result < 0 ? errno : 0); fflush(stdout); }
static long child(long pid) { if (pid == 0) _exit(0); if (pid > 0) waitpid(pid, 0, 0); return pid; }

int main(int count, char **words) {
  if (count > 1 && !strcmp(words[1], "int80")) { __asm__ volatile("int $0x80" : : "a"(20)); return 0; }
  if (count > 1 && !strcmp(words[1], "x32")) { syscall(0x40000000 + SYS_getpid); return 0; }
  char buffer[256] = {0};
  pthread_t thread;
  told("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
  told("alg", socket(38, SOCK_SEQPACKET, 0));
  told("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
  told("inet", socket(AF_INET, SOCK_STREAM, 0));
  told("inet6", socket(AF_INET6, SOCK_STREAM, 0));
  told("unix", socket(AF_UNIX, SOCK_STREAM, 0));
  told("keyctl", syscall(SYS_keyctl, 0, -3, 0));
  told("io_uring", syscall(SYS_io_uring_setup, 1, buffer));
  told("clone3", syscall(SYS_clone3, buffer, 0));
  told("tiocsti", ioctl(0, 0x5412, "x"));
  told("tcgets", ioctl(0, 0x5401, buffer));
  told("mount", syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0, 0));
  told("newest", syscall(999));
  told("fork", child(fork()));
  told("thread", pthread_create(&thread, 0, nothing, 0) || pthread_join(thread, 0) ? -1 : 0);
  told("clone", child(syscall(SYS_clone, CLONE_NEWUSER | 17, 0, 0, 0, 0)));
  told("unshare", syscall(SYS_unshare, CLONE_NEWUSER));
  return 0;
}
"""
REFUSED = {
    "vsock": errno.EAFNOSUPPORT, "alg": errno.EAFNOSUPPORT, "netlink": errno.EAFNOSUPPORT, "inet": 0,
    "inet6": errno.EAFNOSUPPORT, "unix": 0, "keyctl": errno.ENOSYS, "io_uring": errno.ENOSYS, "clone3": errno.ENOSYS,
    "tiocsti": errno.EPERM, "tcgets": errno.ENOTTY, "mount": errno.EPERM,
    "newest": errno.ENOSYS, "fork": 0, "thread": 0, "clone": errno.EPERM, "unshare": errno.EPERM,
}  # fmt: skip
USER = "61000"


def run(*argv: str, program: bytes | None, bind: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs something in bubblewrap with this filter, by root as another user, otherwise in a user namespace."""
    options = ["--unshare-pid", "--unshare-net", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr"]
    options += [word for name in ("bin", "lib", "lib64") for word in ("--symlink", f"usr/{name}", f"/{name}")]
    options += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chmod", "1777", "/tmp"]
    options += ["--ro-bind", str(bind), "/tries"] if bind else []
    if os.geteuid() == 0:
        powers = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
        options += ["--cap-drop", "ALL", *(word for name in powers for word in ("--cap-add", name))]
        drop = ("--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--")
        argv = ("setpriv", "--reuid", USER, "--regid", USER, *drop, *argv)
    else:
        options.append("--unshare-user")
    fd = os.memfd_create("filter")
    try:
        if program is not None:
            os.write(fd, program)
            os.lseek(fd, 0, os.SEEK_SET)
            options += ["--seccomp", str(fd)]
        return subprocess.run(
            ["bwrap", *options, "--", *argv], pass_fds=(fd,), env={"PATH": "/usr/bin"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(fd)


@pytest.fixture(scope="module", autouse=True)
def _usable() -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    if (done := run("true", program=None)).returncode:
        pytest.skip(f"bubblewrap cannot be used here: {done.stderr}")


@pytest.fixture(scope="module")
def tries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    path = tmp_path_factory.mktemp("seccomp") / "tries"
    subprocess.run(["gcc", "-pthread", "-x", "c", "-o", path, "-"], input=TRIES.encode(), check=True)
    return path


def answers(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode == 0, done.stderr
    return {name: int(number) for name, number in (line.split() for line in done.stdout.splitlines())}


def test_what_the_kernel_answers(tries: Path) -> None:
    assert answers(run("/tries", program=seccomp.program(), bind=tries)) == REFUSED


def test_with_a_network(tries: Path) -> None:
    told = answers(run("/tries", program=seccomp.program(network=True), bind=tries))
    assert told["inet6"] in (0, errno.EAFNOSUPPORT)  # where the kernel has none
    assert told | {"inet6": 0} == REFUSED | {"inet6": 0}


def test_it_is_the_filter_that_refuses(tries: Path) -> None:
    told = answers(run("/tries", program=None, bind=tries))
    assert [name for name in ("keyctl", "tiocsti", "netlink", "clone3") if told[name] == REFUSED[name]] == []


@pytest.mark.parametrize("how", ["int80", "x32"])
def test_the_side_entrances_are_closed(how: str, tries: Path) -> None:
    done = run("/tries", how, program=seccomp.program(), bind=tries)
    assert done.returncode == 128 + signal.SIGSYS


def test_programs_run_under_it() -> None:
    """A compiler with its processes, and a Python with threads and processes."""
    compiling = "cd /tmp && echo 'int main() { return 7; }' | gcc -x c -o it - ; ./it; echo $?"
    python = (
        "import subprocess, threading\n"
        "thread = threading.Thread(target=print, args=(1,))\n"
        "thread.start(); thread.join()\n"
        "print(subprocess.run(['echo', '2'], capture_output=True, text=True).stdout)\n"
    )
    done = run("sh", "-c", f'{compiling}; python3 -c "$1"', "sh", python, program=seccomp.program())
    assert done.stdout.split() == ["7", "1", "2"], done.stderr


def test_the_leak_check_works_under_it(tmp_path: Path) -> None:
    """It traces the program that it is part of."""
    for body, status in (("free(malloc(100))", 0), ("*(void *volatile *)malloc(100) = 0", 1)):
        source = f"#include <stdlib.h>\nint main() {{ {body}; return 0; }}"
        argv = ["gcc", "-fsanitize=address", "-x", "c", "-o", str(tmp_path / "tries"), "-"]
        if (done := subprocess.run(argv, input=source, text=True, check=False, capture_output=True)).returncode:
            pytest.skip(f"there is no address sanitizer here: {done.stderr}")
        ended = run("/tries", program=seccomp.program(), bind=tmp_path / "tries")
        assert ended.returncode == status, ended.stderr
        assert ("detected memory leaks" in ended.stderr) is bool(status)
