"""Finding compilers and their tools on this machine, once a process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ASK_TIMEOUT_S = 30
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program and its version, as numbers to compare and as text to show."""

    name: str
    path: Path
    version: str

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nvcc:
    """The CUDA compiler. `tool.path` is the real one: nvcc looks for its parts beside the path it is called by."""

    tool: Tool
    codes: frozenset[str]  # what it compiles for: sm_XX
    archs: frozenset[str]  # compute_XX

    @property
    def top(self) -> Path:
        return self.tool.path.parent.parent

    @property
    def library_folder(self) -> Path | None:
        """Where the libraries are, where nvcc itself would look in vain: the wheels have `lib`, not `lib64`.

        Of wheels alone: their newer ones know, and do not mind.
        """
        folder = self.top / "lib"
        return folder if self.is_wheel and folder.is_dir() else None

    @property
    def is_wheel(self) -> bool:
        return self.top.parent.name == "nvidia"

    def supports(self, arch: str) -> bool:
        """Whether `arch` (sm_XX or compute_XX) can be compiled for; variants (sm_90a) are not in every nvcc's lists."""
        if arch in self.codes or arch in self.archs:
            return True
        base, variant = arch[:-1], arch[-1]
        least = {"a": 90, "f": 100}.get(variant)
        number = base.rpartition("_")[2]
        return least is not None and (base in self.codes or base in self.archs) and int(number) >= least


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaTools:
    """What compiling CUDA needs. `problem` says in a sentence what is missing, and then `nvcc` is of no use."""

    nvcc: Nvcc | None = None
    host: Tool | None = None
    nvdisasm: Tool | None = None
    cuobjdump: Tool | None = None
    problem: str = ""


@cache
def find_tool(name: str) -> Tool | None:
    """A program by name or path, with the version it tells, or None where there is none that runs."""
    found = shutil.which(name)
    if found is None:
        return None
    text = _ask(found, "--version")
    if text is None:
        return None
    return Tool(Path(name).name, Path(found).absolute(), _version(text))


def _version(text: str) -> str:
    """As CUDA's tools tell it ("release 13.0, V13.0.88"), or others ("g++ (Debian 12.2.0-14) 12.2.0"); 0: unknown."""
    if exact := re.search(r"\bV(\d+(?:\.\d+)+)", text):
        return exact[1]
    for line in text.splitlines():
        if numbers := re.findall(r"\b\d+(?:\.\d+)+", line):
            return str(numbers[-1])
    return "0"


@cache
def find_cuda_tools() -> CudaTools:
    """What this process compiles CUDA with, looked for once."""
    return look_for_cuda_tools(os.environ)


def look_for_cuda_tools(environ: Mapping[str, str]) -> CudaTools:
    """The CUDA compiler to use, the host compiler, and the newest disassembler: it reads what older compilers wrote."""
    host = find_tool("g++")
    try:
        nvcc = _find_nvcc(environ)
    except _UnusableCompilerError as error:
        return CudaTools(host=host, problem=str(error))
    problem = ""
    if nvcc is None:
        problem = "There is no CUDA compiler: pip install 'telerun-magic[cuda]', or put nvcc on PATH, or set CUDA_HOME."
    elif host is None:
        problem = "nvcc needs a C++ compiler: install g++ (Debian, Ubuntu: apt-get install g++)."
    return CudaTools(
        nvcc=nvcc,
        host=host,
        nvdisasm=_newest("nvdisasm", nvcc),
        cuobjdump=_newest("cuobjdump", nvcc),
        problem=problem,
    )


def job_path() -> str:
    """The PATH of jobs: the executor's own, and the folder of the CUDA compiler it found."""
    path = os.environ.get("PATH") or SYSTEM_PATH
    nvcc = find_cuda_tools().nvcc
    folder = str(nvcc.tool.path.parent) if nvcc else ""
    return path if not folder or folder in path.split(":") else f"{path}:{folder}"


def compiler_env(*tools: Tool | None) -> dict[str, str]:
    """Where a compiler finds itself, its host compiler and the linker, whatever is on the executor's own PATH."""
    folders = [str(tool.path.parent) for tool in tools if tool]
    return {"PATH": ":".join(dict.fromkeys([*folders, *SYSTEM_PATH.split(":")]))}


class _UnusableCompilerError(Exception):
    """A compiler that was asked for by name cannot be used: taking another one silently would surprise."""


def _find_nvcc(environ: Mapping[str, str]) -> Nvcc | None:
    if wanted := environ.get("NVCC"):
        nvcc = _nvcc(shutil.which(wanted, path=environ.get("PATH")) or wanted)
        if nvcc is None:
            raise _UnusableCompilerError(f"NVCC names {wanted}, which is no CUDA compiler that runs here: correct it.")
        return nvcc
    for candidate in _nvcc_candidates(environ):
        if nvcc := _nvcc(candidate):
            return nvcc
    return None


def _nvcc_candidates(environ: Mapping[str, str]) -> Iterator[str]:
    """A system's own compiler comes first: it fits the driver and the libraries that were installed with it."""
    if home := environ.get("CUDA_HOME"):
        yield str(Path(home) / "bin" / "nvcc")
    if found := shutil.which("nvcc", path=environ.get("PATH")):
        yield found
    yield "/usr/local/cuda/bin/nvcc"
    for folder in wheel_folders():
        yield str(folder / "bin" / "nvcc")


def wheel_folders() -> list[Path]:
    """The CUDA toolkits installed from PyPI, newest first: `<site-packages>/nvidia/cu13`."""
    spec = find_spec("nvidia")
    roots = [Path(root) for root in (spec.submodule_search_locations or ())] if spec else []
    found = {
        folder for root in (*roots, Path(sysconfig.get_path("purelib")) / "nvidia") for folder in root.glob("cu[0-9]*")
    }
    return sorted(found, key=lambda folder: (int(re.sub(r"\D", "", folder.name) or 0), str(folder)), reverse=True)


def _nvcc(candidate: str) -> Nvcc | None:
    if not shutil.which(candidate):
        return None
    # What is called nvcc may be a script that starts the real one, or a link, by which it does not find its parts.
    text = _ask(candidate, "--dryrun", "-E", "-x", "cu", os.devnull) or ""
    here = re.search(r"_HERE_=(.+)", text)
    tool = find_tool(str((Path(here[1].strip()) / "nvcc").resolve())) if here else None
    if tool is None or tool.version == "0":
        return None
    codes, archs = (
        frozenset(re.findall(rf"\b{kind}_\d+[af]?\b", _ask(str(tool.path), option) or ""))
        for kind, option in (("sm", "--list-gpu-code"), ("compute", "--list-gpu-arch"))
    )
    return Nvcc(tool=tool, codes=codes, archs=archs) if codes else None


def _newest(name: str, nvcc: Nvcc | None) -> Tool | None:
    folders = [folder / "bin" for folder in (*wheel_folders(), *sorted(Path("/usr/local").glob("cuda*")))]
    if nvcc:
        folders.append(nvcc.tool.path.parent)
    candidates = [shutil.which(name), *(str(folder / name) for folder in folders)]
    found = [tool for candidate in candidates if candidate and (tool := find_tool(candidate))]
    return max(found, key=lambda tool: tool.number, default=None)


def _ask(*argv: str) -> str | None:
    """What a tool prints about itself, or None where it does not run."""
    env = {"PATH": f"{Path(argv[0]).parent}:{os.environ.get('PATH', SYSTEM_PATH)}", "LANG": "C.UTF-8"}
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_TIMEOUT_S, env=env, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return (done.stdout + done.stderr).decode(errors="replace")
