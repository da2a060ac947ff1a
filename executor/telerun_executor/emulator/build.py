"""Builds what the emulation consists of: the runtime library, once per machine, and kernel libraries from PTX.

Standard library only: the stand-in runtime starts this module inside a user's program to translate PTX on the spot.

    python -m telerun_executor.emulator.build runtime <cache> <include>       prints the folder of libcudart.so
    python -m telerun_executor.emulator.build ptx <file.ptx> <out.so> <checks>
    python -m telerun_executor.emulator.build program <program> <folder> <checks>
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from telerun_executor.emulator.codegen import translate
from telerun_executor.emulator.fatbinary import ptx_of_program
from telerun_executor.emulator.ptx.errors import PtxError

SOURCES = Path(__file__).parent / "runtime"
DRIVER = SOURCES / "driver" / "driver.c"  # a library of its own, on top of the runtime API
FIRST_WITH_LIBRARIES = 12080  # the CUDA version whose runtime API loads PTX by itself
RUNTIME_FLAGS = (
    "-std=gnu11", "-O2", "-g1", "-w", "-fPIC", "-fvisibility=hidden", "-fno-strict-aliasing", "-pthread",
)  # fmt: skip
# For the machine that compiles: fma is an instruction there and a slow call elsewhere.
KERNEL_FLAGS = (
    "-std=gnu11", "-march=native", "-fPIC", "-shared", "-w", "-fno-strict-aliasing", "-fwrapv",
    "-ffp-contract=off", "-fno-math-errno", "-fstack-clash-protection",
)  # fmt: skip
LARGE_CHARACTERS = 400_000  # C text beyond this is compiled for less speed: in a fifth of the time for a Thrust program
COMPILE_TIMEOUT_S = 600
CHECKS = {"memory": 1, "init": 2, "barriers": 4, "races": 8, "all": 15, "none": 0}  # EMU_CHECK_* in runtime/kernel.h


class EmulatorBuildError(Exception):
    """The emulation cannot be built here; the text says why."""


def build_runtime(cache: Path, include: Path) -> Path:
    """The folder with libcudart.so, libcudart.so.<major> and libcuda.so.1, built if it is not there yet.

    `include` is the toolkit's folder of cuda_runtime_api.h: structures differ between CUDA's versions, so the library
    is built against the headers that programs are compiled with. Raises EmulatorBuildError.
    """
    if platform.machine() != "x86_64":
        raise EmulatorBuildError(
            f"the CPU emulation of CUDA runs on x86-64 alone, and this machine is {platform.machine()}"
        )
    gcc = find_gcc()
    version = cuda_version(include)
    sources = sorted([*SOURCES.glob("*.[ch]"), DRIVER])
    digest = hashlib.sha256(f"{gcc_version(gcc)}\n{version}\n{RUNTIME_FLAGS}\n".encode())
    for source in sources:
        digest.update(f"{source.name}\n".encode())
        digest.update(source.read_bytes())
    folder = cache / f"runtime-{digest.hexdigest()[:24]}"
    if (folder / "libcudart.so").exists():
        return folder
    name = f"libcudart.so.{version // 1000}"
    what = "the emulation's runtime library"
    with _temporary_folder(cache) as temporary:
        built = temporary / "built"
        built.mkdir()
        script = temporary / "versions"
        script.write_text(f"{name} {{ global: cuda*; __cuda*; emu_*; local: *; }};\n")
        compilations = {
            temporary / f"{source.stem}.o": [
                gcc,
                *RUNTIME_FLAGS,
                f"-I{SOURCES}",
                f"-I{include}",
                "-c",
                str(source),
                "-o",
            ]
            for source in sources
            if source.suffix == ".c" and source != DRIVER
        }
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(lambda item: _compile([*item[1], str(item[0])], what), compilations.items()))
        linking = (f"-Wl,-soname,{name}", f"-Wl,--version-script={script}", "-Wl,-z,now", "-Wl,--no-undefined")
        objects = [str(target) for target in compilations]
        _compile([gcc, "-shared", "-pthread", *linking, "-o", str(built / name), *objects, "-ldl", "-lm"], what)
        (built / "libcudart.so").symlink_to(name)
        if version >= FIRST_WITH_LIBRARIES:
            linking = ("-shared", "-Wl,-soname,libcuda.so.1", "-Wl,--no-undefined", f"-L{built}")
            driver = built / "libcuda.so.1"
            _compile([gcc, *RUNTIME_FLAGS, f"-I{include}", *linking, "-o", str(driver), str(DRIVER), "-lcudart"], what)
            (built / "libcuda.so").symlink_to(driver.name)
        with contextlib.suppress(OSError):  # another process was first: its folder is the same
            built.rename(folder)
    return folder


def build_kernels(ptx: str, library: Path, checks: int) -> None:
    """Translates PTX to C and compiles it to `library`, in one step as seen by others. Raises EmulatorBuildError."""
    gcc = find_gcc()
    try:
        text = translate(ptx)
    except PtxError as error:
        raise EmulatorBuildError(str(error)) from error
    with _temporary_folder(library.parent) as temporary:
        source = temporary / "kernels.c"
        source.write_text(text)
        built = temporary / "kernels.so"
        _compile(
            [
                gcc,
                *KERNEL_FLAGS,
                *(("-O1", "-DEMU_LARGE") if len(text) > LARGE_CHARACTERS else ("-O2",)),
                f"-I{SOURCES}",
                f"-DEMU_CHECKS={checks}",
                "-o",
                str(built),
                str(source),
                "-lm",
            ],
            "the translated kernels",
        )
        built.replace(library)


def build_program(program: Path, folder: Path, checks: int) -> list[Path]:
    """The kernel libraries of a program that nvcc linked, one for each PTX in it; those that exist are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    libraries = []
    for ptx in ptx_of_program(program.read_bytes()):
        library = folder / library_name(ptx, checks)
        if not library.exists():
            build_kernels(ptx.decode(), library, checks)
        libraries.append(library)
    return libraries


def check_bits(text: str) -> int:
    """The checks as a number: `7`, `memory,init,barriers`, `all`, `none`. Raises EmulatorBuildError."""
    if text.isdecimal():
        return int(text)
    bits = 0
    for word in filter(None, text.split(",")):
        if word not in CHECKS:
            raise EmulatorBuildError(f"there is no check {word!r}; there are {', '.join(CHECKS)}")
        bits |= CHECKS[word]
    return bits


def library_name(ptx: bytes, checks: int) -> str:
    """Where the runtime looks for the kernels of a PTX; trailing white space and zeros do not count."""
    return f"{hashlib.sha256(ptx.rstrip(bytes((0, 9, 10, 13, 32)))).hexdigest()}-{checks}.so"


def cuda_version(include: Path) -> int:
    """CUDART_VERSION of the headers, 13000 for 13.0. Raises EmulatorBuildError."""
    header = include / "cuda_runtime_api.h"
    try:
        found = re.search(r"#define\s+CUDART_VERSION\s+(\d+)", header.read_text(errors="replace"))
    except OSError as error:
        raise EmulatorBuildError(f"cannot read {header}: {error.strerror}") from error
    if found is None:
        raise EmulatorBuildError(f"{header} does not say its version")
    return int(found[1])


def find_gcc() -> str:
    """The compiler of the runtime and of translated kernels. Raises EmulatorBuildError."""
    found = shutil.which(os.environ.get("TELERUN_EMULATOR_GCC", "gcc"))
    if found is None:
        raise EmulatorBuildError("the CPU emulation of CUDA needs gcc, which is not installed")
    return found


def gcc_version(gcc: str) -> str:
    """The first line of `gcc --version`."""
    return subprocess.run(
        [gcc, "--version"], capture_output=True, text=True, check=False, timeout=COMPILE_TIMEOUT_S
    ).stdout.partition("\n")[0]


def _compile(command: list[str], what: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "LD_LIBRARY_PATH")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=COMPILE_TIMEOUT_S,
        env=environment,
    )
    if done.returncode != 0:
        raise EmulatorBuildError(f"gcc could not compile {what}:\n{done.stderr.strip()[-4000:]}")


@contextlib.contextmanager
def _temporary_folder(beside: Path) -> Iterator[Path]:
    """A folder on the same file system as the result, so that the result can be moved into place in one step."""
    try:
        beside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=beside, prefix=".building-", ignore_cleanup_errors=True) as name:
            yield Path(name)
    except OSError as error:
        raise EmulatorBuildError(f"cannot write to {beside}: {error.strerror}") from error


def main(arguments: list[str]) -> int:
    """The command line above; 0 when all went well, else 1 with a text on stderr."""
    try:
        match arguments:
            case ["runtime", cache, include]:
                sys.stdout.write(f"{build_runtime(Path(cache), Path(include))}\n")
            case ["ptx", ptx, library, checks]:
                build_kernels(Path(ptx).read_text(), Path(library), check_bits(checks))
            case ["program", program, folder, checks]:
                build_program(Path(program), Path(folder), check_bits(checks))
            case _:
                sys.stderr.write(__doc__ or "")
                return 2
    except EmulatorBuildError as error:
        sys.stderr.write(f"telerun emulation: error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
