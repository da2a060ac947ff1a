"""The first walk over a function: what its registers are used for."""

from __future__ import annotations

from telerun_executor.emulator.codegen.registers import Names, RegisterInfo
from telerun_executor.emulator.ptx.nodes import (
    Block,
    Call,
    Instruction,
    Label,
    Negated,
    Operand,
    Pair,
    Prototype,
    Real,
    Register,
    Registers,
    Targets,
    TexelAddress,
    Vector,
)
from telerun_executor.emulator.ptx.table import find
from telerun_executor.emulator.ptx.types import TYPES, Type

_CARRIES_BITS = frozenset({"mov", "ld", "ldu", "st", "selp", "shfl", "atom", "red", "cvta", "mma", "wmma"})
_QUIET_EXPONENT = 0x7F800000


def learn(body: Block, names: Names) -> None:
    """Declare the registers and labels of a function, and note how each register is used."""
    _walk(body, names)
    names.settle()


def _walk(block: Block, names: Names) -> None:
    scope = names.enter(block)
    for statement in block.statements:  # labels may be named before they stand
        if isinstance(statement, Label):
            scope.labels[statement.name] = names.unique(statement.name.lstrip("$"), "at_")
        elif isinstance(statement, Targets):
            scope.targets[statement.name] = statement
        elif isinstance(statement, Prototype):
            scope.prototypes[statement.name] = statement
    for statement in block.statements:
        if isinstance(statement, Block):
            _walk(statement, names)
        elif isinstance(statement, Registers):
            names.declare_registers(statement, 0)
        elif isinstance(statement, Instruction):
            _note(statement, names)
        elif isinstance(statement, Call):
            names.register(statement.target)
    names.leave()


def _note(instruction: Instruction, names: Names) -> None:
    form, modifiers = find(instruction.opcode, instruction.modifiers)
    carries = instruction.opcode in _CARRIES_BITS
    arithmetic = not carries and not form.raw
    for operand, wanted in zip(instruction.operands, form.operands, strict=False):
        kind = wanted.resolved(modifiers) or (TYPES.get(modifiers.get("T", "")) if carries else None)
        for register in _registers(operand, names):
            _view(register, kind, carries)
            if not wanted.written:
                continue
            if instruction.opcode == "mov" and kind is not None and kind.size == 4:
                _copied(register, instruction.operands[1], names)
            elif not (arithmetic and kind is not None and kind.name == "f32"):
                register.written_raw = True


def _copied(register: RegisterInfo, source: Operand, names: Names) -> None:
    if isinstance(source, Register) and (found := names.register(source.name)) is not None:
        register.copied_from.append(found)
    elif not (isinstance(source, Real) and source.width == 32 and source.bits & _QUIET_EXPONENT != _QUIET_EXPONENT):
        register.written_raw = True


def _view(register: RegisterInfo, kind: Type | None, carries: bool) -> None:
    if kind is not None and kind.kind == "f":
        register.as_float = True
    elif not carries:
        register.as_integer = True


def _registers(operand: Operand, names: Names) -> list[RegisterInfo]:
    if isinstance(operand, Register):
        found = names.register(operand.name)
        return [found] if found is not None else []
    if isinstance(operand, Vector):
        return [register for item in operand.items for register in _registers(item, names)]
    if isinstance(operand, TexelAddress):
        return _registers(Vector((Register(operand.base), *operand.coordinates.items)), names)
    if isinstance(operand, Pair):
        return _registers(operand.first, names) + _registers(operand.second, names)
    if isinstance(operand, Negated):
        return _registers(operand.operand, names)
    return []
