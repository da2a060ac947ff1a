"""Loads, stores, addresses, atomics and asynchronous copies."""

from __future__ import annotations

from collections.abc import Mapping

from telerun_executor.emulator.codegen.writer import Writer
from telerun_executor.emulator.ptx.nodes import Instruction, Integer, Operand, Sink, Vector
from telerun_executor.emulator.ptx.types import TYPES, Type

_LANES = {"": 1, "v2": 2, "v4": 4, "v8": 8}
_ORDERED = ("volatile", "relaxed", "acquire", "mmio", "release")


def _element(writer: Writer, operand: Operand, kind: Type) -> Type:
    """The type to access memory with: that of the register, so that floats move as floats and bits as bits."""
    if kind.kind == "s" and kind.size < 8:
        return kind
    register = writer.register(operand)
    if register is not None and register.holds.kind == "f" and register.holds.size == kind.size:
        return register.holds
    return TYPES[f"b{kind.bits}"] if kind.kind == "f" else kind


def _items(writer: Writer, operand: Operand, lanes: int) -> tuple[Operand, ...]:
    items = operand.items if isinstance(operand, Vector) else (operand,)
    if len(items) != lanes:
        raise writer.bad(f"{lanes} registers expected")
    return items


def ld(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    kind, lanes = TYPES[modifiers["T"]], _LANES[modifiers.get("vec", "")]
    items = _items(writer, instruction.operands[0], lanes)
    ordered = modifiers.get("sem") in _ORDERED
    at = writer.pointer(
        instruction.operands[1], modifiers.get("space", ""), kind.size * lanes, "ORDERED_LOAD" if ordered else "LOAD"
    )
    volatile = "volatile " if ordered else ""
    if ordered:
        writer.emit("emu_spin(t);")
    elements = [_element(writer, item, kind) for item in items]
    if lanes == 1:
        writer.assign(items[0], elements[0], f"*({volatile}{elements[0].c} *){at}")
    else:
        writer.emit(f"{{ {volatile}uint8_t *at_ = {at};")
        for index, element in enumerate(elements):
            writer.emit(f"{element.c} v{index}_ = *({volatile}{element.c} *)(at_ + {index * kind.size});")
        for index, (item, element) in enumerate(zip(items, elements, strict=True)):
            writer.assign(item, element, f"v{index}_")
        writer.emit("}")
    if modifiers.get("sem") == "acquire":
        writer.emit("__atomic_thread_fence(__ATOMIC_ACQUIRE);")


def st(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    kind, lanes = TYPES[modifiers["T"]], _LANES[modifiers.get("vec", "")]
    items = _items(writer, instruction.operands[1], lanes)
    if modifiers.get("sem") == "release":
        writer.emit("__atomic_thread_fence(__ATOMIC_SEQ_CST);")
    ordered = modifiers.get("sem") in _ORDERED
    volatile = "volatile " if ordered else ""
    access = "ORDERED_STORE" if ordered else "STORE"
    at = writer.pointer(instruction.operands[0], modifiers.get("space", ""), kind.size * lanes, access)
    elements = [_element(writer, item, kind) for item in items]
    values = [writer.value(item, element, raw=True) for item, element in zip(items, elements, strict=True)]
    if lanes == 1:
        writer.emit(f"*({volatile}{elements[0].c} *){at} = {values[0]};")
        return
    writer.emit(f"{{ {volatile}uint8_t *at_ = {at};")
    for index, (element, value) in enumerate(zip(elements, values, strict=True)):
        writer.emit(f"*({volatile}{element.c} *)(at_ + {index * kind.size}) = {value};")
    writer.emit("}")


def cvta(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    result, source = instruction.operands
    kind, space = TYPES["u64"], modifiers["space"].partition("::")[0]
    code = writer.value(source, kind)
    if space == "shared":
        code = f"emu_shared_{'offset' if modifiers.get('to') else 'generic'}(t, {code})"
    writer.assign(result, kind, code)


_IS_SPACE = {"global": "emu_is_global", "shared": "emu_is_shared", "local": "emu_is_local", "const": "emu_is_constant"}


def isspacep(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    result, source = instruction.operands
    test = _IS_SPACE[modifiers["space"].partition("::")[0]]
    writer.assign(result, TYPES["pred"], f"{test}(t, {writer.value(source, TYPES['u64'])})")


def ignored(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    """A hint to a cache, a mark for a profiler."""
    del writer, instruction, modifiers


def atom(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    returned, operands = (instruction.operands[0], instruction.operands[1:])
    _atomic(writer, returned, operands, modifiers)


def red(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    _atomic(writer, Sink(), instruction.operands, modifiers)


def _atomic(writer: Writer, result: Operand, operands: tuple[Operand, ...], modifiers: Mapping[str, str]) -> None:
    kind, operation = TYPES[modifiers["T"]], modifiers["op"]
    space = modifiers["space"].partition("::")[0]
    bits = TYPES[f"b{kind.bits}"]
    if kind.kind == "s" and operation != "add":
        bits = kind
    at = writer.pointer(operands[0], space, kind.size, "ATOMIC")
    values = ", ".join(writer.value(operand, bits, raw=True) for operand in operands[1:])
    if kind.kind == "h":
        code = f"emu_atom_update{kind.bits}(t, {at}, {values}, ptx_add_{kind.name})"
    elif kind.name == "f32":
        code = f"emu_atom_add_f32(t, {at}, {values}, {int(space == 'global')})"
    elif operation == "add":
        code = f"emu_atom_add_{'f64' if kind.kind == 'f' else f'u{kind.bits}'}(t, {at}, {values})"
    else:
        code = f"emu_atom_{operation}_{kind.name}(t, {at}, {values})"
    writer.assign(result, bits, code)


def cp(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    operation = modifiers.get("op")
    if operation == "commit_group":
        writer.emit("emu_cp_async_commit(t);")
    elif operation == "wait_all":
        writer.emit("emu_cp_async_wait_all(t);")
    elif operation == "wait_group":
        writer.emit(f"emu_cp_async_wait(t, {_constant(writer, instruction.operands[0])});")
    elif "mbarrier" in modifiers:
        at = writer.pointer(instruction.operands[0], "shared", 8, "ATOMIC")
        writer.emit(f"emu_cp_async_mbarrier(t, {at}, {int(bool(modifiers['noinc']))}, {writer.site()});")
    else:
        _copy(writer, instruction)


def _copy(writer: Writer, instruction: Instruction) -> None:
    """What lies beyond the bytes to read is filled with zeros and need not be there."""
    to, source, count, *rest = instruction.operands
    size = _constant(writer, count)
    target = writer.pointer(to, "shared", size, "STORE")
    if not rest:
        origin = writer.pointer(source, "global", size, "LOAD")
        writer.emit(f"emu_cp_async(t, {target}, {origin}, {size}, {size}, {writer.site()});")
        return
    whole, part = (writer.pointer(source, "global", width, "LOAD") for width in (size, 1))
    writer.emit(f"{{ uint32_t read_ = {writer.value(rest[0], TYPES['u32'])};")
    writer.emit(f"const void *from_ = read_ == 0 ? NULL : read_ == {size} ? {whole} : {part};")
    writer.emit(f"emu_cp_async(t, {target}, from_, {size}, read_, {writer.site()}); }}")


def _constant(writer: Writer, operand: Operand) -> int:
    if not isinstance(operand, Integer):
        raise writer.bad("expected an integer constant")
    return operand.value


def membar(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    del instruction, modifiers
    writer.emit("emu_fence();")


def alloca(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    del modifiers
    result, size, *rest = instruction.operands
    align = _constant(writer, rest[0]) if rest else 16
    code = f"(uint64_t)(uintptr_t)__builtin_alloca_with_align({writer.value(size, TYPES['u64'])}, {max(align, 16) * 8})"
    writer.assign(result, TYPES["u64"], code)


def stacksave(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    """What `alloca` took goes back when the function ends."""
    del modifiers
    writer.assign(instruction.operands[0], TYPES["u64"], "0")
