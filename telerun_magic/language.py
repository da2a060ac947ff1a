"""Which language a source is in: from what a person says, from a file's name, or from the text itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import PurePath

from telerun_protocol.errors import InvalidMessage
from telerun_protocol.states import Language

ALIASES = {
    "cuda": Language.CUDA,
    "c++": Language.CPP,
    "cc": Language.CPP,
    "cxx": Language.CPP,
    "python": Language.PYTHON,
    "python3": Language.PYTHON,
    "bash": Language.SHELL,
    "shell": Language.SHELL,
    "cmd": Language.COMMAND,
    **{language.value: language for language in Language},
}
NAMES = {
    Language.CUDA: "CUDA",
    Language.CPP: "C++",
    Language.C: "C",
    Language.PYTHON: "Python",
    Language.SHELL: "shell",
    Language.PROJECT: "project",
    Language.COMMAND: "command",
}
_BY_SUFFIX = {
    ".cu": Language.CUDA,
    ".cuh": Language.CUDA,
    ".cpp": Language.CPP,
    ".cc": Language.CPP,
    ".cxx": Language.CPP,
    ".c++": Language.CPP,
    ".c": Language.C,
    ".py": Language.PYTHON,
    ".sh": Language.SHELL,
    ".tar": Language.PROJECT,
    ".tgz": Language.PROJECT,
    ".gz": Language.PROJECT,
}

_COMMENTS_AND_STRINGS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
_CUDA = re.compile(
    r"\b__(?:global|device|shared|constant)__\b|<<<|\bcuda[A-Z]\w+\s*\(|#\s*include\s*<(?:cuda|cooperative_groups|cub/|thrust/|mma\.h)"
)
_CPP = re.compile(r"\b(?:using\s+namespace|namespace|template|constexpr)\b|\bstd\s*::|\bc(?:out|err)\s*<<")
_C_FAMILY = re.compile(
    r"""^[ \t]*#[ \t]*include\s*[<"]|^#(?:define|pragma|ifdef|ifndef)\b|\b(?:int|void)\s+main\s*\(""", re.MULTILINE
)
_PYTHON = re.compile(r"^[ \t]*(?:import \w|from [\w.]+ import |def \w+\(.*\).*:|print\()", re.MULTILINE)


def named(text: str) -> Language:
    """The language a person named, by its id or a usual other name."""
    if language := ALIASES.get(text.lower()):
        return language
    guess = closest(text.lower(), ALIASES)
    hint = f"Did you mean {guess}?" if guess else f"Choose from {', '.join(language.value for language in Language)}."
    raise InvalidMessage(f"{text!r} is not a language of Telerun.", hint=hint)


def of_file(path: PurePath) -> Language:
    """The language that a file's name stands for."""
    if language := _BY_SUFFIX.get(path.suffix.lower()):
        return language
    raise InvalidMessage(
        f"The name {path.name!r} does not say its language.",
        hint=f"Name the language, or use one of {' '.join(sorted(_BY_SUFFIX))}.",
    )


def of_text(source: str) -> tuple[Language, str] | None:
    """The language a text seems to be in and what gave it away; None where nothing does."""
    first = source.lstrip("\n").split("\n", 1)[0]
    if first.startswith("#!"):
        return (Language.PYTHON, "its #! line") if "python" in first else (Language.SHELL, "its #! line")
    c_family, python = _C_FAMILY.search(source), _PYTHON.search(source)
    if python and (c_family is None or python.start() < c_family.start()):  # whichever comes first holds the other
        return Language.PYTHON, python[0].strip(": \n")
    code = _COMMENTS_AND_STRINGS.sub(" ", source)
    if match := _CUDA.search(code):
        return Language.CUDA, match[0].strip("( ")
    if match := c_family or _CPP.search(code):
        return Language.CPP, " ".join(match[0].split()).strip('( <"')
    return None


def closest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, list(words), n=1)), None)
