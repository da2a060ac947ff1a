"""The back end: a tree of PTX as C."""

from __future__ import annotations

import gc

from telerun_executor.emulator.codegen.module import module_text
from telerun_executor.emulator.ptx.parser import parse


def translate(ptx: str) -> str:
    """The C text of a kernel library, as `runtime/kernel.h` describes it.

    Raises:
        PtxError: the PTX is none, or has something that the emulation does not have; the message is one line.
    """
    collects = gc.isenabled()
    gc.disable()  # nothing here is garbage before the end: looking for it takes a third of the time
    try:
        return module_text(parse(ptx))
    finally:
        if collects:
            gc.enable()
