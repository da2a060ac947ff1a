"""The assembly views of a CUDA build, from the files that nvcc kept and what nvdisasm made of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from telerun_executor.asm.assembly import AsmFile, Assembly
from telerun_executor.asm.bounds import bounded, read_bytes, read_lines, write_lines
from telerun_executor.asm.cubin import Cubin, MalformedCubin
from telerun_executor.asm.debug_line import LineTable, MalformedTable
from telerun_executor.asm.host import host_view, without_fat_binary
from telerun_executor.asm.ptx import ptx_arch, ptx_functions
from telerun_executor.asm.resources import arch_order, kernel_resources
from telerun_executor.asm.sass import sass_functions
from telerun_executor.asm.source import MainSource
from telerun_executor.workspace import Workspace
from telerun_protocol.listing import RESERVED_FOLDER, AsmListing, AsmView

MAX_CUBINS = 40
MAX_LINES = 1_000_000
MAX_HOST_BYTES = 256 << 20
_NO_NVDISASM = "There is no SASS because nvdisasm is missing on the executor: pip install 'telerun-magic[cuda]' there."


def sass_path(workspace: Workspace, arch: str) -> Path:
    """Where nvdisasm's output for one architecture goes."""
    return workspace.build / f"sass.{arch}.txt"


def shown_cubins(main_path: str, workspace: Workspace) -> dict[str, Path]:
    """The cubin with the code of each architecture.

    nvcc's file names do not always tell the architecture, so each file is asked. With relocatable device code the
    linked one has the code that runs; without, the linked one is empty.
    """
    stem = MainSource(path=main_path, workspace=workspace).stem
    found: dict[str, Path] = {}
    for prefix in (f"{workspace.program.name}_dlink.", f"{stem}."):
        for path in _kept(workspace, prefix, ".cubin")[:MAX_CUBINS]:
            try:
                cubin = Cubin.read(path)
            except (MalformedCubin, OSError):
                continue
            if any(cubin.kernels.values()):
                found.setdefault(cubin.arch, path)
    return dict(sorted(found.items(), key=lambda item: arch_order(item[0])))


def read_cuda_assembly(
    main_path: str, workspace: Workspace, compile_log: bytes, *, views: bool, disassembled: bool
) -> Assembly:
    """Everything of one build; with `views` false only what each kernel needs.

    `disassembled` is whether there was an nvdisasm to run.
    """
    kernels = kernel_resources(compile_log)
    if not views:
        return Assembly(kernels=kernels)
    reading = _Reading(MainSource(path=main_path, workspace=workspace), disassembled)
    reading.ptx()
    reading.cubins()
    reading.host({kernel.symbol for kernel in kernels})
    listing = AsmListing(
        file=main_path, source=reading.main.lines(), views=tuple(reading.views), notes=tuple(reading.notes)
    )
    return Assembly(
        files=tuple(reading.files),
        listing=bounded(listing),
        kernels=tuple(
            # ptxas does not print it for sm_90 and later.
            replace(
                kernel,
                constant_bytes=kernel.constant_bytes or reading.constant_bytes.get((kernel.symbol, kernel.arch), 0),
            )
            for kernel in kernels
        ),
    )


@dataclass
class _Reading:
    """What was read so far."""

    main: MainSource
    disassembled: bool
    lines: int = 0
    notes: list[str] = field(default_factory=list)
    views: list[AsmView] = field(default_factory=list)
    files: list[AsmFile] = field(default_factory=list)
    constant_bytes: dict[tuple[str, str], int] = field(default_factory=dict)

    def ptx(self) -> None:
        found: dict[str, tuple[Path, list[str]]] = {}
        for path in _kept(self.main.workspace, f"{self.main.stem}.", ".ptx")[:MAX_CUBINS]:
            lines = self._read(path, f"PTX ({path.name})")
            if lines is not None and (arch := ptx_arch(lines)):
                found.setdefault(arch, (path, lines))
        for arch, (path, lines) in sorted(found.items(), key=lambda item: arch_order(item[0])):
            name = self._keep(f"{arch}.ptx", path)
            functions = tuple(ptx_functions(lines, self.main))
            self.views.append(AsmView(kind="ptx", arch=arch, artifact=name, functions=functions))

    def cubins(self) -> None:
        shown = shown_cubins(self.main.path, self.main.workspace)
        if not shown:
            self.notes.append("There is no SASS: the build left no machine code of a GPU.")
        elif not self.disassembled:
            self.notes.append(_NO_NVDISASM)
        for arch, path in shown.items():
            self._keep(f"{arch}.cubin", path, "application/octet-stream")
            table = LineTable()
            try:
                cubin = Cubin.read(path)
                for symbol, size in cubin.constant_bytes.items():
                    self.constant_bytes[symbol, arch] = size
                table = cubin.lines()
            except (MalformedCubin, MalformedTable, OSError) as error:
                self.notes.append(
                    f"The SASS for {arch} is not tied to the source, because the cubin is unusual: {error}."
                )
            if not self.disassembled:
                continue
            sass = sass_path(self.main.workspace, arch)
            lines = self._read(sass, f"SASS {arch}")
            if lines is not None and any(lines):
                name = self._keep(f"{arch}.sass", sass)
                functions = tuple(sass_functions(lines, table, self.main))
                self.views.append(AsmView(kind="sass", arch=arch, artifact=name, functions=functions))

    def host(self, kernels: Collection[str]) -> None:
        """Without the stubs that launch kernels: they bear the kernels' names and are nvcc's own code."""
        build = self.main.workspace.build
        path = build / f"{self.main.stem}.host.s"
        try:
            text = read_bytes(build / f"{self.main.stem}.s", MAX_HOST_BYTES).decode(errors="surrogateescape")
            write_lines(path, without_fat_binary(f"{line}\n" for line in text.split("\n")))
        except OSError as error:
            self.notes.append(f"The host assembly is missing: {error.strerror or error}.")
            return
        lines = self._read(path, "The host assembly")
        if lines is not None:
            name = self._keep("host.s", path)
            self.views.append(host_view(lines, self.main, name, kernels))

    def _read(self, path: Path, what: str) -> list[str] | None:
        if self.lines > MAX_LINES:
            self.notes.append(f"{what} was not read, because the others are so long; the raw file has it.")
            return None
        lines, notes = read_lines(path, what)
        self.notes += notes
        self.lines += len(lines or ())
        return lines

    def _keep(self, ending: str, path: Path, media_type: str = "text/plain") -> str:
        name = f"{self.main.stem}.{ending}"
        self.files.append(AsmFile(name=name, path=path, media_type=media_type))
        return f"{RESERVED_FOLDER}/asm/{name}"


def _kept(workspace: Workspace, prefix: str, suffix: str) -> list[Path]:
    """Files that nvcc left; by name, because a stem may hold what a pattern would read as its own."""
    return sorted(
        path for path in workspace.build.iterdir() if path.name.startswith(prefix) and path.name.endswith(suffix)
    )
