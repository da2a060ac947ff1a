"""Shuffles, votes, matches and reductions of whole and partial warps against a reference written from the manual."""

from __future__ import annotations

import random
import struct

import pytest
from ptx_reference import warp
from tests_ptx import HEADER, SLOT, PtxDevice, entry, load, store

WARPS = 24  # each with values of its own
MASKS = (0xFFFFFFFF, 0x0000FFFF, 0xAAAAAAAA, 0x80000001, 0x00000010, 0x7FFFFFF0)
SEGMENTS = (0x1F, 0x0, 0x181F, 0x1C1F, 0x1C03, 0x1000, 0x101F, 0x0A15)  # the third operand of a shuffle


class Warps:
    """Values for warps: a and b of every lane, and a mask; lanes that are not in the mask do not take part."""

    def __init__(self, name: str, bits: int, few: bool) -> None:
        choose = random.Random(name)
        self.masks = [choose.choice((*MASKS, choose.getrandbits(32) | 1)) for _ in range(WARPS)]
        pool = [choose.getrandbits(bits) for _ in range(3)]
        alike = [choose.random() < 0.3 for _ in range(WARPS)]
        self.a = [
            [pool[0] if alike[n] else choose.choice(pool) if few else choose.getrandbits(bits) for _ in range(32)]
            for n in range(WARPS)
        ]
        self.b = [
            [choose.choice((0, 1, 2, 5, 16, 31, choose.getrandbits(32))) for _ in range(32)] for _ in range(WARPS)
        ]

    def data(self) -> bytes:
        rows = zip(self.a, self.b, self.masks, strict=True)
        return b"".join(struct.pack("<3Q", x, y, mask) for a, b, mask in rows for x, y in zip(a, b, strict=True))


def kernel(name: str, instruction: str, letter: str, result: str) -> str:
    """One operation by the lanes of the mask; the others go around it."""
    body = "".join(load(kind, number, number) for number, kind in enumerate((letter, "r", "r")))
    body += f"""    mov.u32 %r90, %laneid;
    shr.u32 %r91, %r2, %r90;
    and.b32 %r91, %r91, 1;
    setp.eq.u32 %p5, %r91, 0;
    setp.ne.b32 %p0, %r0, 0;
    mov.b32 %r50, 0;
    setp.ne.u32 %p50, %r50, 0;
    setp.ne.u32 %p51, %r50, 0;
    @%p5 bra $around;
    {instruction};
$around:
"""
    body += store("p" if result == "pred" else "r", 50, 0) + store("p", 51, 1)
    return entry(name, body, 3, 2)


def run(device: PtxDevice, instruction: str, letter: str, result: str, warps: Warps) -> list[list[tuple[int, int]]]:
    text = HEADER + kernel("k", instruction, letter, result)
    (output,) = device.run(text, [("k", warps.data(), WARPS * 32 * 2 * SLOT, WARPS * 32)])
    values = list(struct.iter_unpack("<2Q", output))
    return [values[first : first + 32] for first in range(0, len(values), 32)]


def taking_part(mask: int) -> list[int]:
    return [lane for lane in range(32) if mask >> lane & 1]


@pytest.mark.parametrize("mode", ["up", "down", "bfly", "idx"])
def test_shuffles(device: PtxDevice, mode: str) -> None:
    for segment in SEGMENTS:
        warps = Warps(f"{mode}{segment}", 32, few=False)
        instruction = f"shfl.sync.{mode}.b32 %r50|%p51, %r0, %r1, {segment}, %r2"
        found = run(device, instruction, "r", "b32", warps)
        for n, mask in enumerate(warps.masks):
            wanted = warp.shuffle(mode, warps.a[n], warps.b[n], segment, mask)
            for lane in taking_part(mask):
                value, inside = wanted[lane]
                assert found[n][lane][1] == inside, (segment, hex(mask), lane)
                if value >= 0:  # else it is a lane's that takes no part: undefined
                    assert found[n][lane][0] == value, (segment, hex(mask), lane)


@pytest.mark.parametrize("mode", ["all", "any", "uni", "ballot"])
def test_votes(device: PtxDevice, mode: str) -> None:
    kind = "b32" if mode == "ballot" else "pred"
    warps = Warps(mode, 1, few=False)
    found = run(device, f"vote.sync.{mode}.{kind} %{'r' if mode == 'ballot' else 'p'}50, %p0, %r2", "r", kind, warps)
    for n, mask in enumerate(warps.masks):
        wanted = warp.vote(mode, warps.a[n], mask)
        assert {found[n][lane][0] for lane in taking_part(mask)} == {wanted}, hex(mask)


@pytest.mark.parametrize(("kind", "letter", "bits"), [("b32", "r", 32), ("b64", "d", 64)])
def test_matches(device: PtxDevice, kind: str, letter: str, bits: int) -> None:
    warps = Warps(kind, bits, few=True)
    found = run(device, f"match.any.sync.{kind} %r50, %{letter}0, %r2", letter, "b32", warps)
    for n, mask in enumerate(warps.masks):
        wanted = warp.match_any(warps.a[n], mask)
        assert [found[n][lane][0] for lane in taking_part(mask)] == [wanted[lane] for lane in taking_part(mask)]
    found = run(device, f"match.all.sync.{kind} %r50|%p51, %{letter}0, %r2", letter, "b32", warps)
    for n, mask in enumerate(warps.masks):
        assert {found[n][lane] for lane in taking_part(mask)} == {warp.match_all(warps.a[n], mask)}


@pytest.mark.parametrize(
    ("operation", "kind"),
    [(name, kind) for name in ("add", "min", "max") for kind in ("u32", "s32")]
    + [(name, "b32") for name in ("and", "or", "xor")],
)
def test_reductions(device: PtxDevice, operation: str, kind: str) -> None:
    warps = Warps(f"{operation}{kind}", 32, few=False)
    found = run(device, f"redux.sync.{operation}.{kind} %r50, %r0, %r2", "r", "b32", warps)
    for n, mask in enumerate(warps.masks):
        wanted = warp.reduction(operation, kind, warps.a[n], mask)
        assert {found[n][lane][0] for lane in taking_part(mask)} == {wanted}, hex(mask)
