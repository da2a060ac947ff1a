"""The device files that a program needs to use its leased devices, and no others of the same driver.

Device numbers of the unified memory and of the parts of a GPU are the kernel's choice: they are read, never assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from telerun_protocol.errors import SandboxError
from telerun_protocol.matching import NVIDIA
from telerun_protocol.messages import Device

GPU_MAJOR, CONTROL_MINOR = 195, 255  # fixed by the driver
UVM, CAPS = "nvidia-uvm", "nvidia-caps"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceNode:
    """A character device. A minor of None stands for all of a major number."""

    path: Path
    major: int
    minor: int | None


def nodes_for(devices: Sequence[Device], root: Path = Path("/")) -> tuple[DeviceNode, ...]:
    """What to bind for these devices; nothing for those that are emulated. Raises SandboxError for what is not there.

    `root` is where /dev and /proc are read.
    """
    gpus = [device for device in devices if device.kind == NVIDIA]
    if not gpus:
        return ()
    majors = _majors(root)
    found = [DeviceNode(path=Path("/dev/nvidiactl"), major=GPU_MAJOR, minor=CONTROL_MINOR)]
    tools = DeviceNode(path=Path(f"/dev/{UVM}-tools"), major=_known(majors, UVM), minor=1)
    found.append(DeviceNode(path=Path("/dev", UVM), major=tools.major, minor=0))
    if (root / tools.path.relative_to("/")).exists():  # for debuggers and profilers; containers may lack it
        found.append(tools)
    minors = {device.id: _minor(device, root) for device in gpus}
    found += [
        DeviceNode(path=Path(f"/dev/nvidia{minor}"), major=GPU_MAJOR, minor=minor)
        for minor in sorted(set(minors.values()))
    ]
    for device in gpus:
        found += _capabilities(device, minors[device.id], majors, root)
    for node in found:
        if not (root / node.path.relative_to("/")).exists():
            raise SandboxError(
                f"The device file {node.path} is missing.",
                hint="`nvidia-modprobe -u -c0` makes it, or the persistence daemon at the start of the machine.",
            )
    return tuple(dict.fromkeys(found))


def _capabilities(device: Device, minor: int, majors: dict[str, int], root: Path) -> Iterator[DeviceNode]:
    """Access to one part of a GPU: to its share of the GPU, and to the compute instance in that."""
    if device.gpu_instance is None or device.compute_instance is None:
        return
    share = root / f"proc/driver/nvidia/capabilities/gpu{minor}/mig/gi{device.gpu_instance}"
    for file in (share / "access", share / f"ci{device.compute_instance}" / "access"):
        number = _number(file, r"DeviceFileMinor:\s*(\d+)")
        path = Path(f"/dev/{CAPS}/nvidia-cap{number}")
        yield DeviceNode(path=path, major=_known(majors, CAPS), minor=number)


def _minor(device: Device, root: Path) -> int:
    """N of /dev/nvidiaN. NVML counts differently, and so does CUDA: the driver's own file decides."""
    domain, _, rest = device.pci.lower().partition(":")
    file = root / "proc/driver/nvidia/gpus" / f"{domain[-4:]}:{rest}" / "information"
    return _number(file, r"Device Minor:\s*(\d+)")


def _number(file: Path, pattern: str) -> int:
    try:
        match = re.search(pattern, file.read_text())
    except OSError as error:
        raise SandboxError(f"{file} cannot be read: {error.strerror}.") from error
    if match is None:
        raise SandboxError(f"{file} does not tell the number of a device file.")
    return int(match[1])


def _majors(root: Path) -> dict[str, int]:
    """The numbers of character devices by name."""
    characters, _, _ = (root / "proc/devices").read_text().partition("Block devices:")
    return {name: int(number) for number, name in re.findall(r"^\s*(\d+) (\S+)$", characters, re.MULTILINE)}


def _known(majors: dict[str, int], name: str) -> int:
    if name not in majors:
        raise SandboxError(f"The kernel knows no {name}.", hint="Load it: `nvidia-modprobe -u -c0`.")
    return majors[name]
