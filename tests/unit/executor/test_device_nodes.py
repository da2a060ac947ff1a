"""Which device files a job gets: by the files of a driver as it lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from telerun_executor.devices.nodes import DeviceNode, nodes_for
from telerun_protocol.errors import SandboxError
from telerun_protocol.messages import Device

GPU = Device(kind="nvidia", name="NVIDIA H100", id="GPU-1", pci="00000000:3B:00.0")
PART = Device(
    kind="nvidia", name="x", id="MIG-1", parent="GPU-2", pci="00000000:5E:00.0", gpu_instance=7, compute_instance=1
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine on which NVML's first GPU is /dev/nvidia1."""
    text = {
        "proc/devices": "Character devices:\n  1 mem\n195 nvidia-frontend\n234 nvidia-caps\n510 nvidia-uvm\n\n"
        "Block devices:\n259 nvidia-uvm\n",
        "proc/driver/nvidia/gpus/0000:3b:00.0/information": "Model: \t\t x\nGPU UUID: \t GPU-1\nDevice Minor: \t 1\n",
        "proc/driver/nvidia/gpus/0000:5e:00.0/information": "Device Minor: \t 0\n",
        "proc/driver/nvidia/capabilities/gpu0/mig/gi7/access": "DeviceFileMinor: 66\nDeviceFileMode: 292\n",
        "proc/driver/nvidia/capabilities/gpu0/mig/gi7/ci1/access": "DeviceFileMinor: 68\n",
    }
    names = ["nvidiactl", "nvidia0", "nvidia1", "nvidia-uvm", "nvidia-uvm-tools"]
    text |= {f"dev/{name}": "" for name in (*names, "nvidia-caps/nvidia-cap66", "nvidia-caps/nvidia-cap68")}
    for path, content in text.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    return tmp_path


def nodes(root: Path, *devices: Device) -> dict[str, tuple[int, int | None]]:
    return {str(node.path): (node.major, node.minor) for node in nodes_for(devices, root)}


def test_a_gpu_is_its_own_file_and_the_common_ones(root: Path) -> None:
    common = {"/dev/nvidiactl": (195, 255), "/dev/nvidia-uvm": (510, 0), "/dev/nvidia-uvm-tools": (510, 1)}
    assert nodes(root, GPU) == {**common, "/dev/nvidia1": (195, 1)}
    assert nodes(root, GPU, PART) == {
        **common,
        "/dev/nvidia0": (195, 0),
        "/dev/nvidia1": (195, 1),
        "/dev/nvidia-caps/nvidia-cap66": (234, 66),
        "/dev/nvidia-caps/nvidia-cap68": (234, 68),
    }


def test_what_only_tools_need_may_be_missing(root: Path) -> None:
    (root / "dev/nvidia-uvm-tools").unlink()
    assert "/dev/nvidia-uvm-tools" not in nodes(root, GPU)


def test_what_is_emulated_has_none() -> None:
    assert nodes_for([Device(kind="emulated", name="CPU emulation")]) == ()
    assert nodes_for(()) == ()


@pytest.mark.parametrize("gone", ["dev/nvidia-uvm", "proc/driver/nvidia/gpus/0000:3b:00.0/information"])
def test_what_is_missing_is_named(root: Path, gone: str) -> None:
    (root / gone).unlink()
    with pytest.raises(SandboxError, match=gone):
        nodes_for([GPU], root)


def test_a_module_that_is_not_loaded(root: Path) -> None:
    (root / "proc/devices").write_text("Character devices:\n195 nvidia\n")
    with pytest.raises(SandboxError, match="nvidia-uvm"):
        nodes_for([GPU], root)


def test_nodes_are_named_once(root: Path) -> None:
    found = nodes_for([GPU, GPU], root)
    assert len(set(found)) == len(found)
    assert all(isinstance(node, DeviceNode) for node in found)
