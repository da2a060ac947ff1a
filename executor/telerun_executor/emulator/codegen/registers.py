"""Registers as C variables, and the scopes that their names hold in.

A register is a C variable of its width. One that only floating-point instructions use becomes a `float` or a `double`,
whatever its declaration says, so that gcc keeps it in a vector register.

A NaN that an f32 instruction gives has one fixed bit pattern on a GPU. x86 gives others, so results are made canonical;
a register that only arithmetic writes (`lazy`) is left alone until its bits are looked at, which costs loops nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from telerun_executor.emulator.ptx.errors import PtxSyntaxError
from telerun_executor.emulator.ptx.nodes import Block, Prototype, Registers, Targets, Variable
from telerun_executor.emulator.ptx.types import TYPES, Type


class RegisterInfo:
    """What is known of a register.

    Attributes:
        c: its name in C.
        type: as it was declared.
        as_float, as_integer: what reads or writes it.
        written_raw: something writes bits into it that may be a NaN with a payload.
        copied_from: the registers that `mov` copies into it.
    """

    __slots__ = ("as_float", "as_integer", "c", "copied_from", "lazy", "type", "written_raw")

    def __init__(self, c: str, kind: Type) -> None:
        self.c = c
        self.type = kind
        self.as_float = kind.kind == "f"
        self.as_integer = False
        self.written_raw = False
        self.lazy = False
        self.copied_from: list[RegisterInfo] = []

    @property
    def holds(self) -> Type:
        """The type of the C variable."""
        if self.type.kind in "pf":
            return self.type
        if self.as_float and not self.as_integer and self.type.size in (4, 8):
            return TYPES[f"f{self.type.bits}"]
        return TYPES["b128"] if self.type.size == 16 else TYPES[f"u{self.type.bits}"]


class Memory(NamedTuple):
    """A local array or a parameter of a call, as a C array or pointer."""

    c: str
    space: str
    size: int


class Scope:
    """The names that a block declares."""

    def __init__(self) -> None:
        self.registers: dict[str, RegisterInfo] = {}
        self.ranges: dict[str, tuple[int, str]] = {}
        self.memory: dict[str, Memory] = {}
        self.labels: dict[str, str] = {}
        self.targets: dict[str, Targets] = {}
        self.prototypes: dict[str, Prototype] = {}


class Names:
    """All scopes of a function; `enter` and `leave` follow its blocks, twice over: once to learn, once to write."""

    def __init__(self) -> None:
        self._scopes: list[Scope] = []
        self._by_block: dict[int, Scope] = {}
        self._used: set[str] = set()
        self.registers: list[RegisterInfo] = []

    def enter(self, block: Block) -> Scope:
        scope = self._by_block.setdefault(id(block), Scope())
        self._scopes.append(scope)
        return scope

    def leave(self) -> None:
        self._scopes.pop()

    def unique(self, name: str, prefix: str = "") -> str:
        """A C identifier that no other thing of the function has."""
        c = found = prefix + re.sub(r"\W|\$", "_", name.lstrip("%"))
        number = 1
        while c in self._used:
            number += 1
            c = f"{found}_{number}"
        self._used.add(c)
        return c

    def declare_registers(self, node: Registers, line: int) -> None:
        kind = TYPES.get(node.type)
        if kind is None or node.vector != 1:
            raise PtxSyntaxError(f"registers of type {node.type}", line)
        for name, count in node.names:
            if count is None:
                self._register(self._scopes[-1], name, kind)
            else:
                self._scopes[-1].ranges[name] = (count, node.type)

    def _register(self, scope: Scope, name: str, kind: Type) -> RegisterInfo:
        found = scope.registers.get(name)
        if found is None:
            found = scope.registers[name] = RegisterInfo(self.unique(name, "r_"), kind)
            self.registers.append(found)
        return found

    def register(self, name: str) -> RegisterInfo | None:
        for scope in reversed(self._scopes):
            found = scope.registers.get(name)
            if found is not None:
                return found
            place = len(name)
            while scope.ranges and place > 0 and name[place - 1].isdigit():
                place -= 1
                count, kind = scope.ranges.get(name[:place], (0, ""))
                if int(name[place:]) < count:
                    return self._register(scope, name, TYPES[kind])
        return None

    def memory(self, name: str) -> Memory | None:
        return next((scope.memory[name] for scope in reversed(self._scopes) if name in scope.memory), None)

    def declare_memory(self, variable: Variable, size: int, prefix: str) -> Memory:
        scope = self._scopes[-1]
        found = scope.memory.get(variable.name)
        if found is None:
            found = Memory(self.unique(variable.name, prefix), variable.space, size)
            scope.memory[variable.name] = found
        return found

    def label(self, name: str) -> str | None:
        return next((scope.labels[name] for scope in reversed(self._scopes) if name in scope.labels), None)

    def targets(self, name: str) -> Targets | None:
        return next((scope.targets[name] for scope in reversed(self._scopes) if name in scope.targets), None)

    def prototype(self, name: str) -> Prototype | None:
        return next((scope.prototypes[name] for scope in reversed(self._scopes) if name in scope.prototypes), None)

    def settle(self) -> None:
        """Decide which registers are lazy, once everything has been seen."""
        for register in self.registers:
            register.lazy = register.holds.name == "f32" and not register.written_raw
        changed = True
        while changed:
            changed = False
            for register in self.registers:
                if register.lazy and any(not source.lazy for source in register.copied_from):
                    register.lazy, changed = False, True
