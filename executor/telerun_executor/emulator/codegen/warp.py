"""Barriers, matrix operations, and `mbarrier`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from telerun_executor.emulator.codegen.writer import Writer
from telerun_executor.emulator.ptx.nodes import Instruction, Operand, Sink, Vector
from telerun_executor.emulator.ptx.types import TYPES, Type

_U32, _U64, _PREDICATE = TYPES["u32"], TYPES["u64"], TYPES["pred"]
_SHAPE = re.compile(r"m(\d+)n(\d+)k(\d+)")


def bar(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    operands, site = instruction.operands, writer.site()
    if "warp" in modifiers:
        writer.emit(f"emu_syncwarp(t, {writer.value(operands[0], _U32)}, {site});")
    elif modifiers["op"] == "red":
        result, name, *count, value = operands
        threads = writer.value(count[0], _U32) if count else "0"
        call = f"emu_barrier_reduce(t, EMU_BARRIER_{modifiers['kind'].upper()}, {writer.value(name, _U32)}, {threads}, "
        code = f"{call}{writer.value(value, _PREDICATE)}, {site})"
        writer.assign(result, TYPES[modifiers["T"]], code)
    else:
        threads = writer.value(operands[1], _U32) if len(operands) > 1 else "0"
        writer.emit(f"emu_barrier_{modifiers['op']}(t, {writer.value(operands[0], _U32)}, {threads}, {site});")


def mbarrier(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    operation = modifiers["op"]
    returns = operation in ("arrive", "arrive_drop", "test_wait", "try_wait")
    result, operands = (
        (instruction.operands[0], instruction.operands[1:]) if returns else (Sink(), instruction.operands)
    )
    at, site = writer.pointer(operands[0], modifiers["space"], 8, "ATOMIC"), writer.site()
    if operation == "inval":
        writer.emit(f"emu_mbarrier_inval(t, {at}, {site});")
    elif operation in ("init", "expect_tx", "complete_tx"):
        value = writer.value(operands[1], _U32)
        writer.emit(f"emu_mbarrier_{operation.removesuffix('_tx')}(t, {at}, {value}, {site});")
    elif operation in ("arrive", "arrive_drop"):
        value = writer.value(operands[1], _U32) if len(operands) > 1 else "1"
        count, bytes_ = ("1", value) if modifiers.get("expect_tx") else (value, "0")
        drop = int(operation == "arrive_drop")
        writer.assign(result, _U64, f"emu_mbarrier_arrive(t, {at}, {count}, {bytes_}, {drop}, {site})")
    elif modifiers.get("parity"):
        value = writer.value(operands[1], _U32)
        writer.assign(result, _PREDICATE, f"emu_mbarrier_test_parity(t, {at}, {value}, {site})")
    else:
        value = writer.value(operands[1], _U64)
        writer.assign(result, _PREDICATE, f"emu_mbarrier_test(t, {at}, {value}, {site})")


def _registers(operand: Operand) -> Sequence[Operand]:
    return operand.items if isinstance(operand, Vector) else (operand,)


def _fragment(writer: Writer, name: str, operand: Operand, kind: Type) -> None:
    """The registers of a fragment as an array of words, the lower word of a double first."""
    words = list[str]()
    for item in _registers(operand):
        if kind.size == 8:
            value = writer.value(item, TYPES["b64"], raw=True)
            words += [f"(uint32_t)({value})", f"(uint32_t)(({value}) >> 32)"]
        else:
            words.append(writer.value(item, TYPES["b32"], raw=True))
    writer.emit(f"uint32_t {name}[] = {{{', '.join(words)}}};")


def _results(writer: Writer, name: str, operand: Operand, kind: Type) -> None:
    for index, item in enumerate(_registers(operand)):
        if kind.size == 8:
            low, high = f"{name}[{2 * index}]", f"{name}[{2 * index + 1}]"
            writer.assign(item, TYPES["b64"], f"{low} | (uint64_t){high} << 32")
        else:
            writer.assign(item, TYPES["b32"], f"{name}[{index}]")


def _count(operand: Operand, kind: Type) -> int:
    return len(_registers(operand)) * (2 if kind.size == 8 else 1)


_ELEMENT_TYPES = {"s4": "b32", "u4": "b32", "b1": "b32"}  # types that only fragments have


def _kind(name: str) -> Type:
    return TYPES[_ELEMENT_TYPES.get(name, name)]


def _shape(shape: str, types: Mapping[str, str], **flags: bool) -> str:
    size = _SHAPE.fullmatch(shape)
    assert size, shape
    fields = [f".m = {size[1]}, .n = {size[2]}, .k = {size[3]}"]
    fields += [f".{name} = EMU_{kind.upper()}" for name, kind in types.items()]
    fields += [f".{name} = 1" for name, value in flags.items() if value]
    return f"{{ static const EmuMma shape_ = {{{', '.join(fields)}}};"


def mma(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str], function: str = "emu_mma") -> None:
    """`mma.sync` has its A in rows and its B in columns, other layouts are flags; so has `wmma.mma`."""
    d, a, b, c = instruction.operands
    a_kind = modifiers.get("A", "f16")
    types = {"a": a_kind, "b": modifiers.get("B", a_kind), "c": modifiers["C"], "d": modifiers["D"]}
    shape = _shape(
        modifiers["shape"],
        types,
        a_column=modifiers["a_layout"] == "col",
        b_row=modifiers["b_layout"] == "row",
        saturate=bool(modifiers.get("satfinite")),
        and_popc=modifiers.get("bits") == "and",
    )
    writer.emit(shape)
    for name, operand in (("a", a), ("b", b), ("c", c)):
        _fragment(writer, f"{name}_", operand, _kind(types[name]))
    writer.emit(f"uint32_t d_[{_count(d, _kind(types['d']))}];")
    writer.emit(f"{function}(t, &shape_, d_, a_, b_, c_, {writer.site()});")
    _results(writer, "d_", d, _kind(types["d"]))
    writer.emit("}")


def wmma(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    if modifiers["op"] == "mma":
        mma(writer, instruction, modifiers, "emu_wmma")
        return
    which, kind, column = modifiers["which"], modifiers["T"], int(modifiers["layout"] == "col")
    loads = modifiers["op"] == "load"
    fragment, memory = instruction.operands[:2] if loads else (instruction.operands[1], instruction.operands[0])
    writer.emit(_shape(modifiers["shape"], {which: kind}))
    base, offset = writer.base(memory)
    address = f"{base} + {offset}"
    if modifiers["space"].startswith("shared"):
        address = f"emu_shared_generic(t, {address})"
    if len(instruction.operands) > 2:
        stride = writer.value(instruction.operands[2], _U32)
    else:
        stride = str(_default_stride(modifiers["shape"], which, column=bool(column)))
    if loads:
        writer.emit(f"uint32_t d_[{_count(fragment, _kind(kind))}];")
        writer.emit(f"emu_wmma_load(t, &shape_, '{which}', {column}, d_, {address}, {stride}, {writer.site()});")
        _results(writer, "d_", fragment, _kind(kind))
    else:
        _fragment(writer, "a_", fragment, _kind(kind))
        writer.emit(f"emu_wmma_store(t, &shape_, {column}, a_, {address}, {stride}, {writer.site()});")
    writer.emit("}")


def _default_stride(shape: str, which: str, *, column: bool) -> int:
    """In elements, of a matrix that is stored without gaps."""
    size = _SHAPE.fullmatch(shape)
    assert size, shape
    m, n, k = (int(text) for text in size.groups())
    rows, columns = {"a": (m, k), "b": (k, n)}.get(which, (m, n))
    return rows if column else columns


def ldmatrix(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    d, memory = instruction.operands
    count, transposed = modifiers["count"][1:], int(bool(modifiers["trans"]))
    writer.emit(f"{{ uint32_t d_[{count}];")
    writer.emit(f"emu_ldmatrix(t, {count}, {transposed}, d_, {_row(writer, memory, modifiers)}, {writer.site()});")
    _results(writer, "d_", d, _U32)
    writer.emit("}")


def stmatrix(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    memory, a = instruction.operands
    count, transposed = modifiers["count"][1:], int(bool(modifiers["trans"]))
    writer.emit("{")
    _fragment(writer, "a_", a, _U32)
    writer.emit(f"emu_stmatrix(t, {count}, {transposed}, a_, {_row(writer, memory, modifiers)}, {writer.site()}); }}")


def _row(writer: Writer, memory: Operand, modifiers: Mapping[str, str]) -> str:
    base, offset = writer.base(memory)
    return f"{base} + {offset}" if modifiers["space"] else f"emu_shared_offset(t, {base} + {offset})"
