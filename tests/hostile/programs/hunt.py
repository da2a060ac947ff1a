"""Prints everything that could hold a secret: environments, command lines, open files, and readable files."""

import os
import re
import sys

if "4026531836" in os.readlink("/proc/self/ns/pid") and os.getuid() == 0:
    print("guard: refusing to run hostile code as root in the initial PID namespace", file=sys.stderr)
    os._exit(99)

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sys", sys.prefix, sys.base_prefix)


def show(path):
    try:
        with open(path, "rb") as file:
            content = file.read(1 << 16)
    except OSError as error:
        print(path, "-", error.strerror)
    else:
        print(path, repr(content))


def walk(top):
    for parent, folders, files in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(parent, name) not in SYSTEM]
        for name in files:
            path = os.path.join(parent, name)
            if not os.path.islink(path) and os.path.isfile(path):
                yield path


print(dict(os.environ))
for pid in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
    for name in ("environ", "cmdline", "mountinfo", "cgroup", "maps"):
        show(f"/proc/{pid}/{name}")
    for name in ("cwd", "root", "exe"):
        try:
            print(pid, name, os.readlink(f"/proc/{pid}/{name}"))
        except OSError as error:
            print(pid, name, "-", error.strerror)
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            print(pid, fd, os.readlink(f"/proc/{pid}/fd/{fd}"))
            if pid != str(os.getpid()):
                show(f"/proc/{pid}/fd/{fd}")
    except OSError as error:
        print(pid, "fd -", error.strerror)
for path in walk("/"):
    if os.path.getsize(path) < 1 << 20 and not re.match(r"/dev/(?!shm)", path):
        show(path)
print("the hunt is over")
