"""Integer arithmetic, logic, bits, shifts and selections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ptx_reference.words import BITS, PAIRS, Instruction, NotSpecified, clamped, kept, number, signed

ALL_ONES = 0xFFFFFFFF


def find(instruction: Instruction) -> Callable[..., Any] | None:
    return _KNOWN.get(instruction.opcode)


def _each_half(compute: Callable[[int, int], int], kind: str, *operands: int) -> int:
    low, high = (compute(*(number(operand >> shift, kind) for operand in operands)) for shift in (0, 16))
    return kept(low, kind) | kept(high, kind) << 16


def _carry_in(instruction: Instruction, more: tuple[int, ...]) -> int:
    return more[-1] & 1 if instruction.opcode in ("addc", "subc", "madc") else 0


def _with_carry(instruction: Instruction, exact: int, kind: str) -> Any:
    result = kept(exact, kind)
    if not instruction.has("cc"):
        return result
    return result, int(exact < 0 or exact >> BITS[kind] > 0)


def _add(i: Instruction, a: int, b: int, *more: int) -> Any:
    if i.type in PAIRS:
        return _each_half(lambda x, y: x + y, PAIRS[i.type], a, b)
    if i.has("sat"):
        return clamped(number(a, i.type) + number(b, i.type), i.type)
    return _with_carry(i, kept(a, i.type) + kept(b, i.type) + _carry_in(i, more), i.type)


def _sub(i: Instruction, a: int, b: int, *more: int) -> Any:
    if i.has("sat"):
        return clamped(number(a, i.type) - number(b, i.type), i.type)
    return _with_carry(i, kept(a, i.type) - kept(b, i.type) - _carry_in(i, more), i.type)


def _product(i: Instruction, a: int, b: int, kind: str) -> int:
    """As bits of the result's width."""
    exact = number(a, kind) * number(b, kind)
    if i.has("wide"):
        return exact & ((1 << (2 * BITS[kind])) - 1)
    return kept(exact >> BITS[kind] if i.has("hi") else exact, kind)


def _mul(i: Instruction, a: int, b: int) -> int:
    return _product(i, a, b, i.type)


def _mad(i: Instruction, a: int, b: int, c: int, *more: int) -> Any:
    value = _product(i, a, b, i.type)
    if i.has("wide"):
        return (value + c) & ((1 << (2 * BITS[i.type])) - 1)
    if i.has("sat"):
        return clamped(signed(value, 32) + signed(c, 32), "s32")
    return _with_carry(i, value + kept(c, i.type) + _carry_in(i, more), i.type)


def _product24(i: Instruction, a: int, b: int) -> int:
    first, second = (signed(x, 24) if i.type == "s32" else x & 0xFFFFFF for x in (a, b))
    return first * second >> 16 if i.has("hi") else first * second


def _mad24(i: Instruction, a: int, b: int, c: int = 0) -> int:
    value = signed(_product24(i, a, b), 32) if i.has("sat") else _product24(i, a, b)
    return clamped(value + signed(c, 32), "s32") if i.has("sat") else kept(value + c, i.type)


def _divide(i: Instruction, a: int, b: int) -> int:
    first, second = number(a, i.type), number(b, i.type)
    if second == 0 or (second == -1 and first == -(1 << (BITS[i.type] - 1))):
        raise NotSpecified("division by zero and overflow are machine-specific")
    quotient = abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)
    return kept(quotient if i.opcode == "div" else first - quotient * second, i.type)


def _pick(i: Instruction, a: int, b: int) -> int:
    choose = min if i.opcode == "min" else max
    floor = 0 if i.has("relu") else None

    def chosen(x: int, y: int) -> int:
        return choose(x, y) if floor is None else max(choose(x, y), floor)

    if i.type in PAIRS:
        return _each_half(chosen, PAIRS[i.type], a, b)
    return kept(chosen(number(a, i.type), number(b, i.type)), i.type)


def _find_bit(i: Instruction, a: int) -> int:
    """The most significant bit that is not the sign; with shiftamt how far it is from the top."""
    bits, value = BITS[i.type], number(a, i.type)
    value = ~value if value < 0 else value
    if value == 0:
        return ALL_ONES
    return bits - value.bit_length() if i.has("shiftamt") else value.bit_length() - 1


def _extract(i: Instruction, a: int, b: int, c: int) -> int:
    top, place, length = BITS[i.type] - 1, b & 255, c & 255
    sign = 0 if i.type[0] == "u" or length == 0 else a >> min(place + length - 1, top) & 1
    bits = (a >> (place + n) & 1 if n < length and place + n <= top else sign for n in range(top + 1))
    return sum(bit << n for n, bit in enumerate(bits))


def _insert(i: Instruction, a: int, b: int, c: int, d: int) -> int:
    place, length = c & 255, d & 255
    for n in range(length):
        if place + n < BITS[i.type]:
            b = b & ~(1 << (place + n)) | (a >> n & 1) << (place + n)
    return b


def _mask(i: Instruction, a: int, b: int) -> int:
    place, length = (min(x, 32) if i.has("clamp") else x & 31 for x in (a, b))
    return ((1 << length) - 1) << place & ALL_ONES


def _extend(i: Instruction, a: int, b: int) -> int:
    if i.has("clamp") and b >= 32:
        return a
    length = b & 31
    if length == 0:
        return 0
    return kept(signed(a, length) if i.type == "s32" else a & ((1 << length) - 1), "u32")


def _nth_bit(_i: Instruction, mask: int, base: int, offset: int) -> int:
    if base > 31:
        raise NotSpecified("fns from beyond the register")
    offset = signed(offset, 32)
    if offset == 0:
        return base if mask >> base & 1 else ALL_ONES
    places = range(base, 32) if offset > 0 else range(base, -1, -1)
    found = [place for place in places if mask >> place & 1]
    return found[abs(offset) - 1] if abs(offset) <= len(found) else ALL_ONES


def _dot(i: Instruction, a: int, b: int, c: int) -> int:
    first, second = (8 if kind[0] == "u" else -8 for kind in i.types)

    def part(x: int, place: int, bits: int, *, is_signed: bool) -> int:
        return signed(x >> place, bits) if is_signed else x >> place & ((1 << bits) - 1)

    if i.opcode == "dp4a":
        pairs = [(8 * n, 8, 8 * n) for n in range(4)]
    else:
        pairs = [(16 * n, 16, 8 * n + (16 if i.has("hi") else 0)) for n in range(2)]
    value = sum(
        part(a, place, bits, is_signed=first < 0) * part(b, other, 8, is_signed=second < 0)
        for place, bits, other in pairs
    )
    return kept(value + c, "u32")


_MODES = {
    "f4e": ("3210", "4321", "5432", "6543"),
    "b4e": ("5670", "6701", "7012", "0123"),
    "rc8": ("0000", "1111", "2222", "3333"),
    "ecl": ("3210", "3211", "3222", "3333"),
    "ecr": ("0000", "1110", "2210", "3210"),
    "rc16": ("1010", "3232", "1010", "3232"),
}


def _permute(i: Instruction, a: int, b: int, c: int) -> int:
    mode = next((word for word in i.words if word in _MODES), None)
    selectors = int(_MODES[mode][c & 3], 16) if mode else c
    pool, result = a | b << 32, 0
    for n in range(4):
        selector = selectors >> (4 * n) & 15
        byte = pool >> (8 * (selector & 7)) & 255
        result |= (byte if selector < 8 else 255 * (byte >> 7)) << (8 * n)
    return result


def _table(i: Instruction, a: int, b: int, c: int, q: int = 0) -> Any:
    result = 0
    for n in range(32):
        index = (a >> n & 1) << 2 | (b >> n & 1) << 1 | (c >> n & 1)
        result |= (i.immediate >> index & 1) << n
    if not (i.has("or") or i.has("and")):
        return result
    return result, int(bool(result) | q if i.has("or") else bool(result) & q)


def _shift(i: Instruction, a: int, b: int) -> int:
    bits = BITS[i.type]
    if i.opcode == "shl":
        return kept(a << b, i.type) if b < bits else 0
    return kept(number(a, i.type) >> min(b, bits), i.type)


def _funnel(i: Instruction, a: int, b: int, c: int) -> int:
    both, count = b << 32 | a, min(c, 32) if i.has("clamp") else c & 31
    return (both << count >> 32 if i.has("l") else both >> count) & ALL_ONES


def _logic(i: Instruction, a: int, b: int = 0) -> int:
    value = {"and": a & b, "or": a | b, "xor": a ^ b, "not": ~a, "cnot": int(a == 0)}[i.opcode]
    return value & 1 if i.type == "pred" else kept(value, i.type)


def _select(_i: Instruction, a: int, b: int, c: int) -> int:
    return a if c else b


def _distances(i: Instruction, a: int, b: int, c: int) -> int:
    """The distances of two or four parts, or their sum added to the third operand."""
    parts = int(i.opcode[-1])
    bits = 32 // parts
    mask = (1 << bits) - 1
    found = [abs((a >> n * bits & mask) - (b >> n * bits & mask)) for n in range(parts)]
    if i.has("add"):
        return kept(c + sum(found), "u32")
    return sum(distance << n * bits for n, distance in enumerate(found))


_KNOWN: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("vabsdiff2", "vabsdiff4"), _distances),
    **dict.fromkeys(("add", "addc"), _add),
    **dict.fromkeys(("sub", "subc"), _sub),
    "mul": _mul,
    **dict.fromkeys(("mad", "madc"), _mad),
    **dict.fromkeys(("mul24", "mad24"), _mad24),
    "sad": lambda i, a, b, c: kept(c + abs(number(a, i.type) - number(b, i.type)), i.type),
    **dict.fromkeys(("div", "rem"), _divide),
    "abs": lambda i, a: kept(abs(number(a, i.type)), i.type),
    "neg": lambda i, a: kept(-number(a, i.type), i.type),
    **dict.fromkeys(("min", "max"), _pick),
    "popc": lambda _, a: a.bit_count(),
    "clz": lambda i, a: BITS[i.type] - a.bit_length(),
    "brev": lambda i, a: int(f"{a:0{BITS[i.type]}b}"[::-1], 2),
    "bfind": _find_bit,
    "bfe": _extract,
    "bfi": _insert,
    "bmsk": _mask,
    "szext": _extend,
    "fns": _nth_bit,
    **dict.fromkeys(("dp4a", "dp2a"), _dot),
    "prmt": _permute,
    "lop3": _table,
    **dict.fromkeys(("shl", "shr"), _shift),
    "shf": _funnel,
    **dict.fromkeys(("and", "or", "xor", "not", "cnot"), _logic),
    "selp": _select,
    "mov": lambda _, a: a,
}
