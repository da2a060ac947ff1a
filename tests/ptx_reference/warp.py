"""What operations of a warp give: for all of its 32 lanes at once, of which `mask` takes part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from ptx_reference.words import signed

Lanes = Sequence[int]


def shuffle(mode: str, values: Lanes, b: Lanes, c: int, mask: int) -> list[tuple[int, int]]:
    """`shfl.sync`: each lane's value and whether its source was in range, as the manual's program computes them."""
    limit, segment = c & 31, c >> 8 & 31
    found = []
    for lane in range(32):
        highest = (lane & segment) | (limit & ~segment & 31)
        lowest = lane & segment
        count = b[lane] & 31
        source, inside = {
            "up": (lane - count, lane - count >= highest),
            "down": (lane + count, lane + count <= highest),
            "bfly": (lane ^ count, (lane ^ count) <= highest),
            "idx": (lowest | (count & ~segment & 31), (lowest | (count & ~segment & 31)) <= highest),
        }[mode]
        source = source if inside else lane
        found.append((values[source] if mask >> source & 1 else -1, int(inside)))
    return found


def vote(mode: str, values: Lanes, mask: int) -> int:
    lanes = [bool(values[lane]) for lane in range(32) if mask >> lane & 1]
    if mode == "ballot":
        return sum(1 << lane for lane in range(32) if mask >> lane & 1 and values[lane])
    return int({"all": all(lanes), "any": any(lanes), "uni": len(set(lanes)) == 1}[mode])


def match_any(values: Lanes, mask: int) -> list[int]:
    return [
        sum(1 << other for other in range(32) if mask >> other & 1 and values[other] == values[lane])
        for lane in range(32)
    ]


def match_all(values: Lanes, mask: int) -> tuple[int, int]:
    same = len({values[lane] for lane in range(32) if mask >> lane & 1}) == 1
    return (mask, 1) if same else (0, 0)


def reduction(operation: str, kind: str, values: Lanes, mask: int) -> int:
    read: Callable[[int], int] = (lambda value: signed(value, 32)) if kind == "s32" else lambda value: value
    combine: dict[str, Callable[[int, int], int]] = {
        "add": lambda x, y: x + y,
        "min": min,
        "max": max,
        "and": lambda x, y: x & y,
        "or": lambda x, y: x | y,
        "xor": lambda x, y: x ^ y,
    }
    return reduce(combine[operation], (read(values[lane]) for lane in range(32) if mask >> lane & 1)) & 0xFFFFFFFF
