"""Untrusted text made harmless to look at. What a job prints is text until proven otherwise."""

from __future__ import annotations

import codecs
import re

_HIDDEN = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that reorder the text around them: source that reads other than it runs."""

_SHOWN_AS = {ord(char): f"[U+{ord(char):04X}]" for char in _HIDDEN}
_CONTROL = {code: "\ufffd" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) not in "\t\n"}
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_OPEN_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?\Z")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m|\x1b\[[0-2]?K")
_STREAM_CONTROL = {code: shown for code, shown in _CONTROL.items() if chr(code) not in "\r\b\x1b"}
LONGEST_ESCAPE = 4096


def text(value: str) -> str:
    """For displays: no terminal sequences, no control characters but newline and tab, no hidden reordering."""
    return _ESCAPE.sub("", value).replace("\r\n", "\n").translate(_CONTROL | _SHOWN_AS)


def line(value: str, limit: int = 500) -> str:
    """`text` on one line, and not endless."""
    flat = " ".join(text(value).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


class StreamText:
    """Decodes one output stream piece by piece, for a notebook's stream or a terminal.

    Invalid bytes become U+FFFD. Colours, carriage return and backspace stay, since progress bars need them; every
    other terminal sequence is dropped, whichever pieces it comes in.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, data: bytes, *, last: bool = False) -> str:
        decoded = self._held + self._decoder.decode(data, final=last)
        self._held = ""
        if not last and (match := _OPEN_ESCAPE.search(decoded)) and len(match[0]) <= LONGEST_ESCAPE:
            decoded, self._held = decoded[: match.start()], match[0]
        kept = _ESCAPE.sub(lambda found: found[0] if _COLOUR.fullmatch(found[0]) else "", decoded)
        return _strip_stray_escapes(kept).translate(_STREAM_CONTROL | _SHOWN_AS)


def _strip_stray_escapes(value: str) -> str:
    return re.sub(r"\x1b(?!\[[0-9;]*[mK])", "\ufffd", value)
