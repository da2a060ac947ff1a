"""What instructions of PTX compute, written from NVIDIA's manual and from nothing of the emulation.

`reference("add.rm.ftz.f32", [a, b])` takes operands and gives results as bits: a list with one entry for each
destination, which is a number, or an `Accepted` where the manual leaves a choice. Exact rational arithmetic throughout.
"""

from __future__ import annotations

from collections.abc import Sequence

from ptx_reference import conversion, floating, integer
from ptx_reference.floats import Accepted

__all__ = ["Accepted", "NotSpecified", "reference"]

from ptx_reference.words import Instruction, NotSpecified


def reference(name: str, operands: Sequence[int], immediate: int = 0) -> list[int | Accepted]:
    """The results of an instruction. Raises NotSpecified where the manual says nothing."""
    instruction = Instruction.read(name, immediate)
    for part in (conversion, floating, integer):
        found = part.find(instruction)
        if found is not None:
            result = found(instruction, *operands)
            return list(result) if isinstance(result, tuple) else [result]
    raise NotSpecified(name)
