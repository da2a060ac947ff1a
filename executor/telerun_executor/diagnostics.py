"""A compiler's messages as data, read from what it printed. What is not recognised is left to the log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from telerun_executor.asm.demangle import demangle
from telerun_protocol.messages import Diagnostic

MOST = 200
LINE_CHARACTERS = 2000  # longer ones are no compiler's, or of no use to a person
EMULATION = "telerun emulation: "
_SEVERITY = r"(?P<severity>fatal error|catastrophic error|error|warning|note|remark)"
_PATTERNS = tuple(
    re.compile(text)
    for text in (
        # gcc, clang: main.cpp:3:5: error: expected ';'
        rf"(?P<file>[^\s:(][^:(]*):(?P<line>\d+):(?:(?P<column>\d+):)? {_SEVERITY}: (?P<message>.*)",
        # nvcc, cudafe++: main.cu(3): error: expected a ";"       main.cu(3): warning #177-D: variable …
        rf"(?P<file>[^\s(][^(]*)\((?P<line>\d+)\): {_SEVERITY}(?: (?P<number>#[\w-]+))?: (?P<message>.*)",
        # ptxas main.ptx, line 12; error : …
        rf"ptxas (?P<file>[^,]+), line (?P<line>\d+); {_SEVERITY}\s*: (?P<message>.*)",
        # ptxas error   : Entry function '_Z1kv' uses too much shared data      nvcc fatal   : …      nvlink error : …
        r"(?P<file>ptxas|nvlink|nvcc|cicc) (?P<severity>error|warning|fatal)\s*: (?P<message>.*)",
        # gcc's driver: g++: error: unrecognized command-line option '-x'       cc1plus: fatal error: …
        rf"(?P<file>[\w+./-]*(?:g\+\+|gcc|clang|clang\+\+|cc1|cc1plus)(?:-\d+)?): {_SEVERITY}: (?P<message>.*)",
        # ld: b.cpp:(.text+0x5): undefined reference to `f()'       /usr/bin/ld: b.cpp:2: multiple definition of `f()'
        r"(?:(?:\S*/)?ld(?:\.\w+)?: )?(?P<file>[^\s:]+):(?:(?P<line>\d+)|\(\.[^\s()]+\)): "
        r"(?P<message>(?:undefined reference|multiple definition) .*)",
        # telerun emulation: error: out-of-bounds write of 4 bytes … [kernel _Z1kPi, block (0,0,0), …] at /…/main.cu:3
        rf"{EMULATION}{_SEVERITY}: (?P<message>.*?)(?: \[kernel (?P<kernel>\w+)(?P<place>[^\]]*)\])?"
        r"(?: at (?P<file>/[^:]*|[^:\s]*):(?P<line>\d+))?",
        # ld: /usr/bin/ld: cannot find -lfoo: No such file or directory
        r"(?:\S*/)?ld(?:\.\w+)?: (?:error: )?(?P<message>(?:cannot find|cannot open|undefined symbol).*)",
    )
)
_SEVERITIES = {"fatal error": "error", "catastrophic error": "error", "fatal": "error", "remark": "note"}


def parse(log: bytes, folders: Sequence[Path]) -> tuple[Diagnostic, ...]:
    """The first messages of a compile log. Paths below one of `folders` are given relative to it."""
    found: dict[Diagnostic, None] = {}
    for diagnostic in _diagnostics(log.decode(errors="replace"), folders):
        found[diagnostic] = None
        if len(found) == MOST:
            break
    return tuple(found)


def _diagnostics(text: str, folders: Sequence[Path]) -> Iterator[Diagnostic]:
    for line in text.splitlines():
        if len(line) > LINE_CHARACTERS:
            continue
        for pattern in _PATTERNS:
            if match := pattern.fullmatch(line):
                named = match.groupdict()
                severity = named.get("severity") or "error"
                message = " ".join(filter(None, (named.get("number"), named["message"].strip())))
                if kernel := named.get("kernel"):
                    message += f" [kernel {demangle(kernel)}{named['place']}]"
                yield Diagnostic(
                    file=_relative(named.get("file") or "", folders),
                    line=int(named.get("line") or 0),
                    column=int(named.get("column") or 0),
                    severity=_SEVERITIES.get(severity, severity),
                    message=message,
                )
                break


def _relative(file: str, folders: Sequence[Path]) -> str:
    path = Path(file)
    for folder in folders:
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(path) if file else ""
