"""Variables and functions of a module, and where shared variables lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

from telerun_executor.emulator.codegen.identifiers import identifier
from telerun_executor.emulator.ptx.nodes import Function, Module, Variable
from telerun_executor.emulator.ptx.types import TYPES


def size_of(variable: Variable) -> int:
    """In bytes; 0 for an array whose length only the launch knows."""
    return TYPES[variable.type].size * variable.vector * prod(variable.dimensions)


RESERVED = Variable("shared", "b8", 1, 16, "%reserved", (288,), (), "", False, 0)
"""What a GPU reserves in shared memory for cooperative groups of several warps (`%reserved_smem_offset_1`)."""


class Symbols:
    """What a name outside of a function means.

    Shared variables get their offsets from `SharedLayout`, per kernel; a device function that several kernels call sees
    the same offsets in all of them.
    """

    def __init__(self, module: Module) -> None:
        self.variables: dict[str, Variable] = {RESERVED.name: RESERVED}
        self.functions: dict[str, Function] = {}
        for variable in module.variables:
            known = self.variables.get(variable.name)
            if known is None or known.linkage == "extern":
                self.variables[variable.name] = variable
        for function in module.functions:
            known_function = self.functions.get(function.name)
            if known_function is None or known_function.body is None:
                self.functions[function.name] = function
        self.aliases = module.aliases
        self.shared_used: dict[str, set[str]] = {}
        self.taken: set[str] = set()  # functions whose address something holds

    def function(self, name: str) -> Function | None:
        return self.functions.get(self.aliases.get(name, name))

    def declare_shared(self, variable: Variable) -> None:
        """A shared variable that a function declares inside of itself."""
        self.variables[variable.name] = variable

    def address(self, name: str, inside: Function) -> str | None:
        """The address of a variable or function, as an integer expression in C; `None` for an unknown name."""
        variable = self.variables.get(name)
        if variable is not None:
            if variable.space == "shared":
                self.shared_used.setdefault(inside.name, set()).add(name)
                return f"(uint64_t)SHARED_{identifier(inside.name)}_{identifier(name)}"
            if variable.managed:
                return f"(uint64_t)(uintptr_t){c_variable(name)}"
            return f"EMU_DEVICE({c_variable(name)})"
        function = self.function(name)
        if function is not None and not function.is_kernel:
            self.taken.add(function.name)
            return f"(uint64_t)(uintptr_t)&{c_function(function.name)}"
        return None


def c_variable(name: str) -> str:
    return f"variable_{identifier(name)}"


def c_function(name: str) -> str:
    return f"function_{identifier(name)}"


def reachable(start: str, calls: Mapping[str, set[str]], taken: Iterable[str], indirect: set[str]) -> set[str]:
    """What `start` may come to: what it calls by name and, through pointers, all whose address is taken."""
    found, waiting = set[str](), [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += calls.get(name, ())
        if name in indirect:
            waiting += taken
    return found


class SharedLayout:
    """Offsets of shared variables.

    What device functions use comes first, at one offset in all kernels; a kernel's own variables follow. Arrays without
    a length are dynamic shared memory and begin where the static part ends, rounded up to 16.
    """

    def __init__(self, symbols: Symbols, functions: Iterable[Function], reached: Mapping[str, set[str]]) -> None:
        self.bytes: dict[str, int] = {}
        self.dynamic: dict[str, bool] = {}
        self.offsets: dict[tuple[str, str], str] = {}
        used = symbols.shared_used
        functions = tuple(functions)
        shared = {name for function in functions if not function.is_kernel for name in used.get(function.name, ())}
        places, end = _placed(symbols, sorted(shared), 0)
        for function in functions:
            names = used.get(function.name, set())
            own, total = dict[str, int](), 0
            if function.is_kernel:
                all_used = {name for callee in reached[function.name] for name in used.get(callee, ())}
                own, total = _placed(symbols, sorted(names - places.keys()), end if all_used & places.keys() else 0)
                self.bytes[function.name] = total
                self.dynamic[function.name] = any(not size_of(symbols.variables[name]) for name in all_used)
            for name in names:
                if size_of(symbols.variables[name]):
                    self.offsets[function.name, name] = str(own.get(name, places.get(name)))
                elif function.is_kernel:
                    self.offsets[function.name, name] = str((total + 15) // 16 * 16)
                else:
                    self.offsets[function.name, name] = "((t->block->shared_static + 15) & ~15u)"


def _placed(symbols: Symbols, names: Iterable[str], start: int) -> tuple[dict[str, int], int]:
    places = dict[str, int]()
    for name in names:
        variable = symbols.variables[name]
        size = size_of(variable)
        if size:
            start = (start + variable.align - 1) // variable.align * variable.align
            places[name] = start
            start += size
    return places, start
