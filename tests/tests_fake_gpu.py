"""NVIDIA GPUs that do not exist: stand-ins for the driver's libraries, and the file that describes the machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent / "fake_gpu"
LIBRARIES = {"nvml.c": "libnvidia-ml.so.1", "cuda.c": "libcuda.so.1"}
GIB = 1 << 30


class FakeGpus:
    """Builds the libraries in `folder`; `environment` is for the programs that are to see the GPUs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.file = folder / "gpus"
        self.file.write_text("driver version 580.65.06\n")
        for source, library in LIBRARIES.items():
            flags = ["-shared", "-fPIC", f"-Wl,-soname,{library}"]
            subprocess.run(["gcc", *flags, "-o", str(folder / library), str(SOURCES / source)], check=True, timeout=60)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": str(self.folder), "TELERUN_FAKE_GPUS": str(self.file)}

    def say(self, who: object, **facts: object) -> None:
        """Changes what a GPU tells; a fact of None is not known any more to the one who reads."""
        lines = "".join(f"{who} {key.replace('_', '-')} {value}\n" for key, value in facts.items())
        with self.file.open("a") as file:
            file.write(lines)

    def add(self, index: int, *, name: str = "NVIDIA H100 80GB HBM3", capability: str = "9.0", **facts: object) -> None:
        self.say(
            index,
            uuid=f"GPU-{index}",
            name=name,
            capability=capability,
            memory=80 * GIB,
            used=0,
            pci=f"00000000:{index + 16:02X}:00.0",
            ecc=1,
            mig=0,
            max_sm_clock=1980,
            max_memory_clock=2619,
            **{**MEASURES, **facts},
        )

    def divide(self, index: int, parts: int) -> None:
        """As MIG does."""
        self.say(index, mig=1)
        for part in range(parts):
            self.say(
                f"{index}.{part}",
                uuid=f"MIG-{index}-{part}",
                name="NVIDIA H100 80GB HBM3 MIG 1g.10gb",
                memory=10 * GIB,
                used=0,
                gi=7 + part,
                ci=0,
            )


MEASURES: dict[str, object] = {
    "utilization": 50,
    "power": 300_000,
    "temperature": 60,
    "sm_clock": 1500,
    "throttle": 0,
}
