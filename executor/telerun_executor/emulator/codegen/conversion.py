"""`mov` and `cvt`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from telerun_executor.emulator.codegen.writer import Writer
from telerun_executor.emulator.ptx.nodes import Instruction, Operand, Vector
from telerun_executor.emulator.ptx.types import TYPES, Type

_TO_INTEGER = {"rni": "__builtin_rint", "rzi": "", "rmi": "__builtin_floor", "rpi": "__builtin_ceil"}
_IN_PLACE = {**_TO_INTEGER, "rzi": "__builtin_trunc"}


def mov(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    result, source = instruction.operands
    kind = TYPES[modifiers["T"]]
    if isinstance(result, Vector):
        _unpack(writer, result.items, source, kind)
    elif isinstance(source, Vector):
        writer.assign(result, TYPES[f"b{kind.bits}"], _packed(writer, source.items, kind))
    else:
        register = writer.register(result)
        if kind.size == 4 and register is not None and register.holds.name == "f32":
            kind = TYPES["f32"]  # a float in a register of bits
        raw = kind.name != "f32" or register is None or not register.lazy
        writer.assign(result, kind, writer.value(source, kind, raw=raw))


def _packed(writer: Writer, items: Sequence[Operand], kind: Type) -> str:
    part, whole = TYPES[f"b{kind.bits // len(items)}"], TYPES[f"b{kind.bits}"]
    values = [
        f"(({whole.c}){writer.value(item, part, raw=True)}{f' << {index * part.bits}' if index else ''})"
        for index, item in enumerate(items)
    ]
    return " | ".join(values)


def _unpack(writer: Writer, items: Sequence[Operand], source: Operand, kind: Type) -> None:
    part, whole = TYPES[f"b{kind.bits // len(items)}"], TYPES[f"b{kind.bits}"]
    if isinstance(source, Vector):
        values = [writer.value(item, part, raw=True) for item in source.items]
        writer.emit(f"{{ {part.c} {', '.join(f'v{index}_ = {value}' for index, value in enumerate(values))};")
    else:
        writer.emit(f"{{ {whole.c} v_ = {writer.value(source, whole, raw=True)};")
        values = [f"({part.c})(v_ >> {index * part.bits})" for index in range(len(items))]
        writer.emit(f"{part.c} {', '.join(f'v{index}_ = {value}' for index, value in enumerate(values))};")
    for index, item in enumerate(items):
        writer.assign(item, part, f"v{index}_")
    writer.emit("}")


def cvt(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    to, source = TYPES[modifiers["D"]], TYPES[modifiers["S"]]
    operands = instruction.operands
    if to.name.endswith("x2"):
        code = _pair(writer, operands[1:], to, source, modifiers)
    elif source.kind in "us":
        code = _from_integer(writer.value(operands[1], source), to, source, modifiers)
    else:
        code = _from_float(_flushed(writer, operands[1], source, to, modifiers), to, source, modifiers)
    result = TYPES["b32"] if to.name == "tf32" else to
    writer.assign(operands[0], result, code, arithmetic=True)


def _from_integer(value: str, to: Type, source: Type, modifiers: Mapping[str, str]) -> str:
    if to.kind in "us":
        return _saturated(value, to, source) if modifiers.get("sat") else f"({to.c}){value}"
    rnd = modifiers["rnd"]
    if to.kind == "h":
        exact = f"ptx_odd_{source.name}({value})" if source.size == 8 else f"(double){value}"
        return _narrowed(exact, to, modifiers)
    wide = "u64" if source.name == "u64" else "s64"
    code = f"({to.c}){value}" if rnd == "rn" and source.name != "u64" else f"ptx_{to.name}_{rnd}_{wide}({value})"
    return f"ptx_sat_{to.name}({code})" if modifiers.get("sat") else code


def _saturated(value: str, to: Type, source: Type) -> str:
    """An integer clamped to the range of another integer type."""
    low, high = _range(to)
    source_low, source_high = _range(source)
    code = f"({to.c}){value}"
    if source_high > high:
        code = f"{value} > {high}{_suffix(source)} ? ({to.c}){high}ull : {code}"
    if source_low < low:
        bound = "0" if low == 0 else f"({low + 1}ll - 1)"
        code = f"{value} < {bound} ? ({to.c}){bound} : {code}"
    return code


def _range(kind: Type) -> tuple[int, int]:
    if kind.kind == "u":
        return 0, (1 << kind.bits) - 1
    return -(1 << (kind.bits - 1)), (1 << (kind.bits - 1)) - 1


def _suffix(kind: Type) -> str:
    return "ull" if kind.kind == "u" else "ll"


def _flushed(writer: Writer, operand: Operand, source: Type, to: Type, modifiers: Mapping[str, str]) -> str:
    """A floating-point source, as a double where it has no C type of its own."""
    value = writer.value(operand, source, raw=to.name == "f64")
    if modifiers.get("ftz") and source.name == "f32":  # it means f32 alone
        value = f"ptx_ftz_f32({value})"
    return f"ptx_from_{source.name}({value})" if source.kind == "h" else value


def _from_float(value: str, to: Type, source: Type, modifiers: Mapping[str, str]) -> str:
    rnd = modifiers.get("rnd", "")
    if to.kind in "us":
        nan = "0" if source.name != "f64" and to.size < 8 else f"({to.c})(1ull << {to.bits - 1})"
        return f"ptx_to_{to.name}({_TO_INTEGER[rnd]}({value}), {nan})"
    if rnd in _IN_PLACE:
        value = f"{_IN_PLACE[rnd]}({value})"
    if to.kind == "h":
        return _narrowed(value, to, modifiers)
    code = f"ptx_f32_{rnd}_f64({value})" if source.name == "f64" and to.name == "f32" else f"({to.c}){value}"
    if modifiers.get("sat"):
        code = f"ptx_sat_{to.name}({code})"
    return f"ptx_ftz_f32({code})" if modifiers.get("ftz") and to.name == "f32" else code


def _narrowed(value: str, to: Type, modifiers: Mapping[str, str]) -> str:
    """A double in a small format, rounded once."""
    if modifiers.get("relu"):
        value = f"ptx_relu_f64({value})"
    rnd = modifiers.get("rnd", "")
    software = f"PTX_{rnd if rnd in ('rn', 'rz', 'rm', 'rp', 'rna') else 'rn'}"
    code = f"ptx_to_{to.name}({value}, {software}, {int(bool(modifiers.get('satfinite')))})"
    return f"ptx_sat_{to.name}({code})" if modifiers.get("sat") else code


def _pair(writer: Writer, operands: Sequence[Operand], to: Type, source: Type, modifiers: Mapping[str, str]) -> str:
    """Two numbers in one register; the first operand is the upper half."""
    part = TYPES[to.name.removesuffix("x2")]
    if source.name.startswith("e"):
        code = f"ptx_{to.name}_{source.name}({writer.value(operands[0], source)})"
        return f"ptx_relu_{to.name}({code})" if modifiers.get("relu") else code
    if source.name == "f16x2":
        value = writer.value(operands[0], source)
        high, low = f"ptx_from_f16(PTX_HIGH({value}))", f"ptx_from_f16(PTX_LOW({value}))"
    else:
        high, low = (writer.value(operand, source) for operand in operands)
    high, low = _narrowed(high, part, modifiers), _narrowed(low, part, modifiers)
    if part.size == 1:
        return f"((uint16_t){high} << 8) | {low}"
    return f"PTX_PAIR({low}, {high})"
