"""Reads of textures; reads and writes of surfaces."""

from __future__ import annotations

from collections.abc import Mapping

from telerun_executor.emulator.codegen.writer import Writer
from telerun_executor.emulator.ptx.nodes import Instruction, Operand, Register, TexelAddress, Vector
from telerun_executor.emulator.ptx.types import TYPES, Type


def tex(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    """`tex.2d.v4.f32.f32 {r, g, b, a}, [texture, {x, y}]`; levels and gradients choose among mipmaps: there is one."""
    coordinate = TYPES[modifiers["C"]]
    function = "emu_texture" if coordinate.kind == "f" else "emu_texture_fetch"
    writer.emit("{ uint32_t v_[4];")
    writer.emit(
        f"{function}(t, {_place(writer, instruction.operands[1], modifiers, coordinate)}, v_, {writer.site()});"
    )
    _assign(writer, instruction.operands[0])


def tld4(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    place = instruction.operands[1]
    at = _coordinates(writer, _texel(writer, place), 0, TYPES["f32"], 2)
    channel = "rgba".index(modifiers["channel"])
    writer.emit("{ uint32_t v_[4];")
    writer.emit(f"emu_texture_gather(t, {_handle(writer, place)}, {channel}, {at}, v_, {writer.site()});")
    _assign(writer, instruction.operands[0])


def suld(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    result, place = instruction.operands
    kind, items = _surface(writer, result, place, modifiers, "LOAD")
    for index in range(len(items)):
        writer.emit(f"{kind.c} v{index}_ = at_ ? *({kind.c} *)(at_ + {index * kind.size}) : 0;")
    for index, item in enumerate(items):
        writer.assign(item, kind, f"v{index}_")
    writer.emit("}")


def sust(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    place, source = instruction.operands
    kind, items = _surface(writer, source, place, modifiers, "STORE")
    writer.emit("if (at_) {")
    for index, item in enumerate(items):
        writer.emit(f"*({kind.c} *)(at_ + {index * kind.size}) = {writer.value(item, kind, raw=True)};")
    writer.emit("} }")


def _surface(
    writer: Writer, values: Operand, place: Operand, modifiers: Mapping[str, str], access: str
) -> tuple[Type, tuple[Operand, ...]]:
    """Opens a block in which `at_` is where the bytes are, or null."""
    kind = TYPES[modifiers["T"]]
    items = values.items if isinstance(values, Vector) else (values,)
    where = _place(writer, place, modifiers, TYPES["s32"])
    outside = f"EMU_OUTSIDE_{modifiers['outside'].upper()}"
    size = kind.size * len(items)
    writer.emit(f"{{ uint8_t *at_ = emu_surface(t, {where}, {size}, {outside}, EMU_{access}, {writer.site()});")
    return kind, items


def _assign(writer: Writer, result: Operand) -> None:
    if not isinstance(result, Vector) or len(result.items) != 4:
        raise writer.bad("4 registers expected")
    for index, item in enumerate(result.items):
        writer.assign(item, TYPES["b32"], f"v_[{index}]")
    writer.emit("}")


def _place(writer: Writer, operand: Operand, modifiers: Mapping[str, str], kind: Type) -> str:
    """The arguments that say where: the handle, how many axes, the layer, and the coordinates."""
    place, shape = _texel(writer, operand), modifiers["shape"]
    layered, axes = shape.startswith("a"), int(shape[-2])
    items = place.coordinates.items
    layer = f"(int64_t){writer.value(items[0], TYPES['u32'])}" if layered else "-1"
    return f"{_handle(writer, operand)}, {axes}, {layer}, {_coordinates(writer, place, int(layered), kind, axes)}"


def _coordinates(writer: Writer, place: TexelAddress, first: int, kind: Type, axes: int) -> str:
    items = place.coordinates.items[first : first + axes]
    if len(items) < axes:
        raise writer.bad(f"{axes} coordinates expected")
    return f"({kind.c}[]){{{', '.join(writer.value(item, kind) for item in items)}}}"


def _handle(writer: Writer, operand: Operand) -> str:
    return writer.value(Register(_texel(writer, operand).base), TYPES["u64"])


def _texel(writer: Writer, operand: Operand) -> TexelAddress:
    if not isinstance(operand, TexelAddress):
        raise writer.unsupported("a texture or surface that is no object")
    return operand
