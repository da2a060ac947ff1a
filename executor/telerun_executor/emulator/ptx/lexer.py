"""PTX text as tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from telerun_executor.emulator.ptx.errors import PtxSyntaxError

WORD, DOT, NUMBER, STRING, MARK, PLACE, END = "word", "dot", "number", "string", "mark", "place", "end"

_TOKEN = re.compile(
    r"""
      (?P<space>[^\S\n]+|//[^\n]*)
    | (?P<newline>\n)
    | (?P<comment>/\*.*?\*/)
    | (?P<section>\.section\b[^{]*\{[^}]*\})
    | (?P<place>\.loc\b[^\n;]*)
    | (?P<dot>\.[A-Za-z0-9_]+(?:::[A-Za-z0-9_]+)*)
    | (?P<number>
          0[fF][0-9a-fA-F]{8}(?![0-9a-fA-F]) | 0[dD][0-9a-fA-F]{16}(?![0-9a-fA-F])
        | \d+\.\d+(?:[eE][+-]?\d+)? | \d+[eE][+-]?\d+
        | 0[xX][0-9a-fA-F]+U? | 0[bB][01]+U? | \d+U?)
    | (?P<word>[A-Za-z_$%][A-Za-z0-9_$]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<mark>[{}\[\](),;:@!|+\-=<>~*/&^])
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One token: what it is, its text and the line of the PTX that it begins in, from 1."""

    kind: str
    text: str
    line: int


def tokens(text: str) -> list[Token]:
    """All tokens of a PTX module, closed by one of kind `END`.

    Debug sections are left out as wholes: they hold names as lists of numbers, more text than everything else. A `.loc`
    is one token, since a line ends it.
    """
    found, line, position = list[Token](), 1, 0
    text = text.rstrip("\0")  # a fat binary pads its PTX
    for match in _TOKEN.finditer(text):
        if match.start() != position:
            break
        position, kind = match.end(), match.lastgroup
        if kind == "newline":
            line += 1
        elif kind in ("comment", "section"):
            line += match.group().count("\n")
        elif kind != "space":
            found.append(Token(kind or "", match.group(), line))
    if position != len(text):
        raise PtxSyntaxError(f"unexpected character {text[position]!r}", line)
    found.append(Token(END, "", line))
    return found
