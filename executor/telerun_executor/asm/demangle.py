"""Readable names of C++ symbols."""

from __future__ import annotations

import ctypes
from functools import cache

LONGEST_SYMBOL = 10_000
LONGEST_NAME = 2_000


@cache
def _libraries() -> tuple[ctypes.CDLL, ctypes.CDLL] | None:
    try:
        cxx = ctypes.CDLL("libstdc++.so.6")
        libc = ctypes.CDLL(None)
        cxx.__cxa_demangle.restype = ctypes.c_void_p
        cxx.__cxa_demangle.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        libc.free.argtypes = [ctypes.c_void_p]
    except (OSError, AttributeError):
        return None
    return cxx, libc


def demangle(symbol: str) -> str:
    """The name as the source has it, or the symbol itself where it is no C++ name or no demangler is there."""
    libraries = _libraries()
    if libraries is None or not symbol.startswith("_Z") or "\0" in symbol or len(symbol) > LONGEST_SYMBOL:
        return symbol
    cxx, libc = libraries
    found = cxx.__cxa_demangle(symbol.encode(), None, None, None)
    if not found:
        return symbol
    try:
        # Templates repeat themselves: a short symbol can stand for megabytes.
        return ctypes.string_at(found).decode(errors="replace")[:LONGEST_NAME]
    finally:
        libc.free(found)
