"""Instructions whose meaning is a C expression in the table, comparisons and conversions."""

from __future__ import annotations

from collections.abc import Mapping

from telerun_executor.emulator.codegen.writer import Writer
from telerun_executor.emulator.ptx.forms import Form, FormOperand
from telerun_executor.emulator.ptx.nodes import Instruction, Integer, Operand, Pair, Sink
from telerun_executor.emulator.ptx.types import TYPES, Type

_PREDICATE = TYPES["pred"]
_ABSOLUTE = {"f32": "__builtin_fabsf"}


def expression(writer: Writer, instruction: Instruction, form: Form, modifiers: Mapping[str, str]) -> None:
    """An instruction with its `code` in the table."""
    fields = dict(modifiers)
    if "{site}" in form.code:
        fields["site"] = str(writer.site())
    if "carry" in form.code:
        writer.uses_carry = True
    sources = list[str]()
    for operand, wanted in zip(instruction.operands, form.operands, strict=False):
        if not wanted.written:
            fields[wanted.name] = _source(writer, operand, wanted, form, modifiers)
            sources.append(fields[wanted.name])
    result, wanted = instruction.operands[0], form.operands[0]
    kind = wanted.resolved(modifiers)
    assert kind is not None
    if modifiers.get("xorsign_abs"):
        sizes = {name: f"{_ABSOLUTE.get(kind.name, f'ptx_abs_{kind.name}')}({fields[name]})" for name in "ab"}
        code = f"ptx_xorsign_{kind.name}({form.code.format(**fields | sizes)}, {fields['a']}, {fields['b']})"
    else:
        code = form.code.format(**fields)
    for name in ("sat", "relu", "ftz"):  # in this order
        if modifiers.get(name) and name not in form.code:  # else the code does it itself
            code = f"ptx_{name}_{kind.name}({code})"
    with_predicate(writer, result, kind, code, arithmetic=not form.raw)


def with_predicate(writer: Writer, result: Operand, kind: Type, code: str, *, arithmetic: bool = False) -> None:
    """Assign `code`, which may set `p_` on the way for a second destination."""
    if isinstance(result, Pair):
        writer.emit("{ bool p_ = 0;")
        writer.assign(result.first, kind, code, arithmetic=arithmetic)
        writer.assign(result.second, _PREDICATE, "p_")
        writer.emit("}")
    elif "&p_" in code:
        writer.emit("{ bool p_ = 0;")
        writer.assign(result, kind, code, arithmetic=arithmetic)
        writer.emit("(void)p_; }")
    else:
        writer.assign(result, kind, code, arithmetic=arithmetic)


def _source(writer: Writer, operand: Operand, wanted: FormOperand, form: Form, modifiers: Mapping[str, str]) -> str:
    if wanted.type == "imm":
        if not isinstance(operand, Integer):
            raise writer.bad("expected an integer constant")
        return str(operand.value)
    kind = _PREDICATE if wanted.type == "!pred" else wanted.resolved(modifiers)
    assert kind is not None
    found = writer.value(operand, kind, raw=form.raw)
    flush = modifiers.get("ftz") or (modifiers.get("ftz_c") and wanted.name == "c")
    return f"ptx_ftz_{kind.name}({found})" if flush and kind.kind in "fh" else found


_RELATIONS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "lo": "<",
    "ls": "<=",
    "hi": ">",
    "hs": ">=",
}
_OPPOSITE = {"equ": "ne", "neu": "eq", "ltu": "ge", "leu": "gt", "gtu": "le", "geu": "lt"}
_BOOLEAN = {"and": "&", "or": "|", "xor": "^"}


def comparison(how: str, a: str, b: str, *, floating: bool) -> str:
    """A comparison as a C expression; ordered ones are false for a NaN, unordered ones (`equ`, ...) true."""
    if how == "num":
        return f"({a} == {a} && {b} == {b})"
    if how == "nan":
        return f"({a} != {a} || {b} != {b})"
    if how == "ne" and floating:
        return f"({a} < {b} || {a} > {b})"
    if how == "neu":
        return f"({a} != {b})"
    if how == "equ":
        return f"!({a} < {b} || {a} > {b})"
    if how in _OPPOSITE:
        return f"!({a} {_RELATIONS[_OPPOSITE[how]]} {b})"
    return f"({a} {_RELATIONS[how]} {b})"


def _compared(writer: Writer, operand: Operand, kind: Type, modifiers: Mapping[str, str], half: str = "") -> str:
    found = writer.value(operand, kind)
    if modifiers.get("ftz"):
        found = f"ptx_ftz_{kind.name}({found})"
    if kind.kind != "h":
        return found
    return f"ptx_from_{kind.name.removesuffix('x2')}({f'PTX_{half}({found})' if half else found})"


def _conditions(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str], first: int) -> list[str]:
    """What is compared; one condition for each half of a packed type."""
    kind, a, b = TYPES[modifiers["T"]], instruction.operands[first], instruction.operands[first + 1]
    floating = kind.kind in "fh"
    return [
        comparison(
            modifiers["cmp"],
            _compared(writer, a, kind, modifiers, half),
            _compared(writer, b, kind, modifiers, half),
            floating=floating,
        )
        for half in (("LOW", "HIGH") if kind.name.endswith("x2") else ("",))
    ]


def _combined(writer: Writer, condition: str, instruction: Instruction, modifiers: Mapping[str, str]) -> str:
    if "bool" not in modifiers:
        return condition
    return f"({condition} {_BOOLEAN[modifiers['bool']]} {writer.value(instruction.operands[3], _PREDICATE)})"


def setp(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    conditions = _conditions(writer, instruction, modifiers, 1)
    result = instruction.operands[0]
    if not isinstance(result, Pair):
        writer.assign(result, _PREDICATE, _combined(writer, conditions[0], instruction, modifiers))
        return
    second = conditions[1] if len(conditions) == 2 else "!c_"
    writer.emit(f"{{ bool c_ = {conditions[0]};")
    writer.emit(f"bool d_ = {_combined(writer, second, instruction, modifiers)};")
    writer.assign(result.first, _PREDICATE, _combined(writer, "c_", instruction, modifiers))
    writer.assign(result.second, _PREDICATE, "d_")
    writer.emit("}")


_TRUE = {
    "u32": "0xffffffffu",
    "s32": "-1",
    "u16": "0xffff",
    "s16": "-1",
    "f32": "1.0f",
    "f16": "0x3c00",
    "bf16": "0x3f80",
}


def set_(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    conditions = [
        _combined(writer, one, instruction, modifiers) for one in _conditions(writer, instruction, modifiers, 1)
    ]
    kind = TYPES[modifiers["D"]]
    if len(conditions) == 1:
        code = f"{conditions[0]} ? {_TRUE[kind.name]} : 0"
    else:
        true = _TRUE.get(kind.name.removesuffix("x2"), "0xffff") if kind.kind == "h" else "0xffff"
        code = f"PTX_PAIR({conditions[0]} ? {true} : 0, {conditions[1]} ? {true} : 0)"
    writer.assign(instruction.operands[0], kind, code)


def lop3(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    """`lop3.or.b32 d|p, a, b, c, table, q`: p tells whether the result is not zero, combined with q."""
    result, *sources, table, combined = instruction.operands
    a, b, c = (writer.value(source, TYPES["b32"]) for source in sources)
    if not isinstance(table, Integer):
        raise writer.bad("expected an integer constant")
    first, second = (result.first, result.second) if isinstance(result, Pair) else (result, Sink())
    writer.emit(f"{{ uint32_t d_ = ptx_lop3({a}, {b}, {c}, {table.value});")
    writer.emit(f"bool p_ = (d_ != 0) {_BOOLEAN[modifiers['op']]} {writer.value(combined, _PREDICATE)};")
    writer.assign(first, TYPES["b32"], "d_")
    writer.assign(second, _PREDICATE, "p_")
    writer.emit("}")
