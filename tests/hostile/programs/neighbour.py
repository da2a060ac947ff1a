"""One of two jobs that run at once: leaves traces of its own, and looks for those of the other.

neighbour.py OWN-MARK OTHER-MARK SECONDS: prints what it sees of OTHER-MARK, which must be nothing.
"""

import ctypes
import os
import socket
import sys
import threading
import time

if "4026531836" in os.readlink("/proc/self/ns/pid") and os.getuid() == 0:
    print("guard: refusing to run hostile code as root in the initial PID namespace", file=sys.stderr)
    os._exit(99)

own, other = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
PLACES = (".", "out", "/tmp", "/dev/shm", "/var/tmp", "/run", "/run/lock", "/home", "/root", "/mnt", "/srv")


def leave_traces():
    for place in PLACES:
        try:
            path = os.path.join(place, own)
            with open(path, "w") as file:
                file.write(own)
            os.chmod(path, 0o777)
        except OSError:
            pass
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0" + own)
    abstract.listen()
    port = socket.socket()
    port.bind(("127.0.0.1", 0 if own > other else 17171))
    port.listen()
    if libc.shmget(int(own, 16) & 0x7FFFFFFF, 4096, 0o1000 | 0o666) < 0:
        print("no shared memory of its own")
    return abstract, port


def found():
    """Everything of the other's that can be seen."""
    for place in ("/", "/dev", "/proc", *PLACES):
        try:
            if other in os.listdir(place):
                yield f"file in {place}"
        except OSError:
            pass
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ", "comm", "mountinfo"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    content = file.read()
                    if other.encode() in content and own.encode() not in content:
                        yield f"{name} of a process"
            except OSError:
                pass
    with socket.socket(socket.AF_UNIX) as abstract:
        try:
            abstract.connect("\0" + other)
            yield "abstract socket"
        except OSError:
            pass
    if own > other:
        with socket.socket() as port:
            try:
                port.connect(("127.0.0.1", 17171))
                yield "port"
            except OSError:
                pass
    if libc.shmget(int(other, 16) & 0x7FFFFFFF, 4096, 0o666) >= 0:
        yield "shared memory"
    for name in ("/proc/net/unix", "/proc/sysvipc/shm", "/proc/net/tcp"):
        try:
            with open(name) as file:
                text = file.read()
            if other in text or (name.endswith("shm") and str(int(other, 16) & 0x7FFFFFFF) in text):
                yield name
        except OSError:
            pass


traces = leave_traces()
threading.Thread(target=lambda: None, name=own).start()
print("there", flush=True)
deadline = time.monotonic() + float(sys.argv[3])
seen = set()
while time.monotonic() < deadline:
    seen.update(found())
    time.sleep(0.02)
print("saw", sorted(seen))
