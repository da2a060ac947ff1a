"""Host assembly: the command that writes it and the reader that ties it to the source."""

from __future__ import annotations

import platform
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from telerun_executor.asm.assembly import AsmFile, Assembly
from telerun_executor.asm.bounds import bounded, read_lines
from telerun_executor.asm.demangle import demangle
from telerun_executor.asm.source import MainSource, ranges, unquote
from telerun_executor.runners.base import Command
from telerun_executor.workspace import Workspace
from telerun_protocol.listing import RESERVED_FOLDER, AsmFunction, AsmListing, AsmView

_FILE = re.compile(r'\s*\.file\s+(\d+)\s+"((?:[^"\\]|\\.)*)"(?:\s+"((?:[^"\\]|\\.)*)")?')
_LOC = re.compile(r"\s*\.loc\s+(\d+)\s+(\d+)")
_TYPE = re.compile(r"\s*\.type\s+\"?([^\s\",]+)\"?\s*,\s*[@%]function")
_LABEL = re.compile(r'"?([^\s":#]+)"?:')
_LOCAL_LABEL = re.compile(r"\.L[\w$.]+")
_MANGLED = re.compile(r"_Z\w+")
_COMMENT = re.compile(r"\s*(#.*)?$")
_OF_NVCC = re.compile(r"__nv_|__cuda|__sti____|__device_stub_")
"""Functions that nvcc adds to the host code and attributes to the user's file."""


def host_asm_path(workspace: Workspace) -> Path:
    """Where `host_asm_command` writes and `read_host_assembly` reads."""
    return workspace.build / "host.s"


def host_asm_command(compiler: Sequence[str], source: str, workspace: Workspace, *, env: Mapping[str, str]) -> Command:
    """The command that writes the assembly of one C or C++ file.

    `compiler` is the compiler with its flags, as for the build but without the sources, libraries and `-o`.
    """
    intel = ("-masm=intel",) if platform.machine() in ("x86_64", "i686") else ()
    # -w: the build has shown the warnings already. -g1 is what .loc needs and changes no code.
    return Command(
        argv=(*compiler, "-S", "-g1", *intel, "-fno-lto", "-w", "-o", str(host_asm_path(workspace)), source),
        cwd=workspace.src,
        env=env,
    )


def read_host_assembly(main_path: str, workspace: Workspace) -> Assembly:
    """What `host_asm_command` wrote: the raw file and its listing. Empty, with a note, where it wrote nothing."""
    main, path = MainSource(path=main_path, workspace=workspace), host_asm_path(workspace)
    name = f"{main.stem}.host.s"
    lines, notes = read_lines(path, "The host assembly")
    views = (host_view(lines, main, f"{RESERVED_FOLDER}/asm/{name}"),) if lines is not None else ()
    return Assembly(
        files=(AsmFile(name=name, path=path),) if views else (),
        listing=bounded(AsmListing(file=main_path, source=main.lines(), views=views, notes=tuple(notes))),
    )


def host_view(lines: Sequence[str], main: MainSource, artifact: str, hidden: Collection[str] = ()) -> AsmView:
    """The functions of an assembler file that have code of the main file, without directives, save `hidden` ones."""
    functions = tuple(
        function
        for function in _functions(lines, main)
        if function.ranges and function.symbol not in hidden and not _OF_NVCC.search(function.symbol)
    )
    return AsmView(kind="host", arch=platform.machine(), artifact=artifact, functions=functions)


def without_fat_binary(lines: Iterable[str]) -> Iterator[str]:
    """The lines of nvcc's host assembly without the device code that is embedded in it as numbers."""
    inside = False
    for line in lines:
        if ".nv_fatbin" in line and line.lstrip().startswith(".section"):
            inside = True
        elif inside and not line.lstrip().startswith((".align", "fatbinData:", ".quad", ".byte", ".long", "#APP")):
            inside = False
        if not inside:
            yield line


def _functions(lines: Sequence[str], main: MainSource) -> Iterator[AsmFunction]:
    ours = set[str]()  # numbers of the .file directives that name the main file
    symbols = {match[1] for line in lines if (match := _TYPE.match(line))}
    symbol, body, source = "", list[tuple[str, int | None]](), None
    for line in lines:
        if match := _FILE.match(line):
            path = unquote(match[2] if match[3] is None else f"{match[2]}/{match[3]}")
            (ours.add if main.is_named(path) else ours.discard)(match[1])
        elif match := _LOC.match(line):
            source = int(match[2]) if match[1] in ours else None
        elif match := _LABEL.match(line):
            if match[1] in symbols:
                if symbol:
                    yield _function(symbol, body)
                symbol, body, source = match[1], [], None
            if symbol:
                body.append((line.rstrip(), None))
        elif symbol and line.lstrip().startswith(f".size\t{symbol},"):
            yield _function(symbol, body)
            symbol, body = "", []
        elif symbol and not line.lstrip().startswith(".") and not _COMMENT.match(line):
            body.append((_MANGLED.sub(lambda name: demangle(name[0]), line.rstrip().expandtabs(8)), source))
    if symbol:
        yield _function(symbol, body)


def _function(symbol: str, body: Sequence[tuple[str, int | None]]) -> AsmFunction:
    """Without the labels that no instruction uses: compilers mark the bounds of scopes with them."""
    used = {label for line, _ in body if not _LABEL.match(line) for label in _LOCAL_LABEL.findall(line)}
    kept = [
        (line, source)
        for line, source in body
        if not ((match := _LABEL.match(line)) and match[1].startswith(".L") and match[1] not in used)
    ]
    return AsmFunction(
        symbol=symbol,
        name=demangle(symbol),
        text=tuple(line for line, _ in kept),
        ranges=ranges(source for _, source in kept),
    )
