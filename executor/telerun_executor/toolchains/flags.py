"""Which flags of a job its compilers get: those of an allow-list, whatever a server let through.

A compiler runs where a job's program runs, without devices, so a flag cannot do more than a program can. But
compiling is not meant to run a stranger's code at all: what loads plugins, names other programs, reads flags from files
or reaches outside the job's folder is refused, and so is what is not known. Projects bring their own build scripts:
their flags are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from telerun_executor.toolchains import flag_words as words
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import JobSpec

SYSTEM_FOLDER = "/usr/"  # headers and libraries of the machine itself
SHELL_CHARACTERS = "$`\\\n\r"
"""nvcc runs its steps through a shell, which finds these inside the quotes that nvcc puts."""

_Check = Callable[[str], str | None]
"""Why a value is not allowed, None when it is."""


def check_host_flags(spec: JobSpec) -> None:
    """Raises InvalidMessage for the first flag that gcc, g++ and clang do not get."""
    _check(spec.compile_flags, _HOST, _files(spec))


def check_nvcc_flags(spec: JobSpec) -> None:
    """Raises InvalidMessage for the first flag that nvcc does not get, or does not hand on."""
    for flag in spec.compile_flags:
        if bad := sorted(set(flag) & set(SHELL_CHARACTERS)):
            raise _refused(flag, f"nvcc's shell would read {' '.join(map(repr, bad))} as its own")
    forwards = any(words.NVCC_FORWARDS.fullmatch(flag) for flag in spec.compile_flags)
    _check(spec.compile_flags, {**_NVCC, **_HOST} if forwards else _NVCC, _files(spec))


def as_operand(path: str) -> str:
    """A file's path as an argument that no compiler takes for a flag or for a file of flags."""
    return f"./{path}" if path[0] in "-@" else path


def _files(spec: JobSpec) -> frozenset[str]:
    return frozenset(file.path for file in spec.files)


def _refused(flag: str, why: str) -> InvalidMessage:
    shown = flag if len(flag) <= 100 else f"{flag[:100]}…"
    return InvalidMessage(
        f"The compiler flag {shown!r} is not allowed: {why}.", hint="Leave it out.", path="$.spec.compile_flags"
    )


def _check(flags: Sequence[str], known: dict[str, _Check | None], files: Collection[str]) -> None:
    rest = iter(flags)
    for flag in rest:
        if not flag.startswith("-"):
            if flag not in files or flag.startswith("@"):
                raise _refused(flag, words.reason_against(flag) or "it is neither a flag nor one of the job's files")
        elif why := _problem(flag, rest, known):
            raise _refused(flag, why)


def _problem(flag: str, rest: Iterator[str], known: dict[str, _Check | None]) -> str | None:
    """Tries a flag as a whole, with its value in the next argument, after an `=` or directly behind it."""
    why = None
    for pattern, check in known.items():
        match = re.fullmatch(pattern, flag, re.DOTALL)
        if not match:
            continue
        if check is None:
            return None
        value = match.groupdict().get("value")
        if value is None and (value := next(rest, None)) is None:
            return "its value is missing"
        why = check(value)
        if why is None:
            return None
        break
    return why or words.reason_against(flag) or "it is not among those that this executor passes on"


# ------------------------------------------------------------------------------------------------------ values


def _matching(pattern: str) -> _Check:
    return lambda value: None if re.fullmatch(pattern, value) else f"{value[:100]!r} is no value for it"


def _inside(value: str) -> str | None:
    """Paths (nvcc takes several, with commas) in the job's folder or in the system's own."""
    for path in value.split(","):
        if not path or path[0] in "=$~@-" or (path.startswith("/") and not path.startswith(SYSTEM_FOLDER)):
            return "it names a path outside the job's folder"
        if ".." in path.split("/"):
            return "its path leads out of its folder"
    return None


def _each(pattern: re.Pattern[str]) -> _Check:
    """Options for another program, between commas."""

    def check(value: str) -> str | None:
        for piece in value.split(","):
            if not pattern.fullmatch(piece):
                return f"it hands on {piece[:100]!r}, which is not among what is passed on"
        return None

    return check


def _host_flags(value: str) -> str | None:
    """What nvcc hands to its host compiler, separated by commas or, in its shell's eyes, by spaces."""
    if bad := sorted(set(value) & set(words.SHELL_SYNTAX)):
        return f"nvcc's shell would read {' '.join(bad)} as its own"
    rest = iter([word for word in re.split(r"[,\s]+", value) if word])
    for flag in rest:
        if why := _problem(flag, rest, _HOST):
            return f"{flag[:100]!r}: {why}"
    return None


_ANY = _matching(r"(?s:.*)")
_NAME = _matching(r"[A-Za-z_]\w*")
_LIBRARY = _matching(r":?[A-Za-z0-9_+][A-Za-z0-9_+.-]*")
_HOST: dict[str, _Check | None] = {
    words.HOST: None,
    r"-D(?P<value>.+)?": _ANY,
    r"-U(?P<value>.+)?": _NAME,
    r"-(I|L)(?P<value>.+)?": _inside,
    r"-(isystem|iquote|idirafter|include|imacros)(?P<value>.+)?": _inside,
    r"-l(?P<value>.+)?": _LIBRARY,
    r"-x(?P<value>.+)?": _matching(r"c|c\+\+|none"),
    r"--param(=(?P<value>.+))?": _matching(r"[a-z0-9-]+=\d+"),
    r"-Wl,(?P<value>.*)": _each(words.LINKER),
}
_NVCC: dict[str, _Check | None] = {
    words.NVCC: None,
    r"(-D|--define-macro)(=?(?P<value>(?<=[D=]).+))?": _ANY,
    r"(-U|--undefine-macro)(=?(?P<value>(?<=[U=]).+))?": _NAME,
    r"(-I|--include-path|-L|--library-path)(=?(?P<value>(?<=[IL=]).+))?": _inside,
    r"(-isystem|--system-include|-include|--pre-include)(=(?P<value>.+))?": _inside,
    r"(-l(?!(dir|ib|ink|toir)\b)|--library)(=?(?P<value>(?<=[l=]).+))?": _LIBRARY,
    r"(-x|--x)(=?(?P<value>(?<=[x=]).+))?": _matching(r"cu|c|c\+\+"),
    rf"--?{words.NVCC_VALUED}(=(?P<value>.+))?": _matching(r"[\w,.+\[\]-]+"),
    r"--?(gencode|generate-code)(=(?P<value>.+))?": _matching(r"[\w,=\[\]\"-]+"),
    r"(-Xcompiler|--compiler-options)(=(?P<value>.+))?": _host_flags,
    r"(-Xptxas|--ptxas-options)(=(?P<value>.+))?": _each(words.PTXAS),
    r"--?Xcudafe(=(?P<value>.+))?": _each(words.CUDAFE),
    r"(-Xfatbin|--fatbin-options)(=(?P<value>.+))?": _each(words.FATBIN),
}
