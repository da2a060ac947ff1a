"""A kernel or device function as a C function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType

from telerun_executor.emulator.codegen import arithmetic, conversion, memory, texture, warp
from telerun_executor.emulator.codegen.calls import call
from telerun_executor.emulator.codegen.identifiers import string
from telerun_executor.emulator.codegen.learn import learn
from telerun_executor.emulator.codegen.registers import Names
from telerun_executor.emulator.codegen.symbols import c_function, size_of
from telerun_executor.emulator.codegen.writer import Writer
from telerun_executor.emulator.ptx.errors import UnsupportedPtx
from telerun_executor.emulator.ptx.nodes import (
    Block,
    Call,
    Guard,
    Instruction,
    Label,
    Place,
    Register,
    Variable,
)
from telerun_executor.emulator.ptx.table import find
from telerun_executor.emulator.ptx.types import TYPES


def write_function(writer: Writer) -> None:
    """The body of `writer.function`, line by line.

    Where it has an instruction that the emulation does not have, `writer.refused` says so with its place, and to come
    to the function ends a kernel with those words.
    """
    function = writer.function
    assert function.body is not None
    with suppress(UnsupportedPtx):  # met again below, where the place is known
        learn(function.body, writer.names)
    try:
        _block(writer, function.body, outermost=True)
    except UnsupportedPtx as error:
        error.kernel = error.kernel or function.name
        error.ptx_line = error.ptx_line or writer.ptx_line
        error.source = error.source or writer.source
        writer.refused = error
        writer.locals, writer.uses_carry, writer.names = [], False, Names()
        writer.lines = [f"emu_unsupported(t, {string(error.message)}, {writer.site()});"]


def head(writer: Writer) -> str:
    """The C function's type and name."""
    function = writer.function
    parameters = ["EmuThread *t"]
    if not function.is_kernel:
        parameters += [
            f"uint8_t *{_parameter(index)}" for index in range(len(function.returned) + len(function.parameters))
        ]
    return f"static void {c_function(function.name)}({', '.join(parameters)})"


def _parameter(index: int) -> str:
    return f"parameter_{index}"


def parameter_offsets(parameters: tuple[Variable, ...]) -> list[tuple[int, int]]:
    """(offset, size) of each parameter of a kernel, in bytes."""
    found, end = list[tuple[int, int]](), 0
    for parameter in parameters:
        start = (end + parameter.align - 1) // parameter.align * parameter.align
        found.append((start, size_of(parameter)))
        end = start + size_of(parameter)
    return found


def text(writer: Writer) -> str:
    """The whole C function, after `write_function`."""
    lines = [head(writer), "{"]
    by_type = dict[str, list[str]]()
    for register in writer.names.registers:
        by_type.setdefault(register.holds.c, []).append(f"{register.c} = 0")
    lines += [f"{c} {', '.join(names)};" for c, names in by_type.items()]
    if writer.uses_carry:
        lines.append("bool carry = 0;")
    lines += [f"EMU_LOCAL(t, {name}, {max(size, 1)});" for name, size in writer.locals]
    lines += writer.lines
    lines.append("}")
    return "\n".join(lines)


def _block(writer: Writer, block: Block, *, outermost: bool = False) -> None:
    scope = writer.names.enter(block)
    if outermost:
        _declare_parameters(writer)
    writer.emit("{")
    for statement in block.statements:
        if isinstance(statement, Instruction):
            writer.at_line(statement.line)
            _guarded(writer, statement.guard, partial(_instruction, writer, statement))
        elif isinstance(statement, Place):
            writer.at_place(statement)
        elif isinstance(statement, Label):
            writer.emit(f"{scope.labels[statement.name]}:;")
        elif isinstance(statement, Block):
            _block(writer, statement)
        elif isinstance(statement, Call):
            writer.at_line(statement.line)
            _guarded(writer, statement.guard, partial(call, writer, statement))
        elif isinstance(statement, Variable):
            _variable(writer, statement)
    writer.emit("}")
    writer.names.leave()


def _declare_parameters(writer: Writer) -> None:
    function = writer.function
    if function.is_kernel:
        for parameter, (offset, size) in zip(function.parameters, parameter_offsets(function.parameters), strict=True):
            found = writer.names.declare_memory(parameter, size, "p_")
            writer.emit(f"uint8_t *const {found.c} = (uint8_t *)t->parameters + {offset};")
    else:
        for index, parameter in enumerate(function.returned + function.parameters):
            found = writer.names.declare_memory(parameter, size_of(parameter), "p_")
            writer.emit(f"uint8_t *const {found.c} = {_parameter(index)};")


def _variable(writer: Writer, variable: Variable) -> None:
    if variable.space == "shared":
        writer.symbols.declare_shared(variable)
    elif variable.space == "local":
        found = writer.names.declare_memory(variable, size_of(variable), "local_")
        writer.locals.append((found.c, size_of(variable)))
    elif variable.space == "param":
        found = writer.names.declare_memory(variable, size_of(variable), "p_")
        writer.emit(f"uint8_t {found.c}[{max(size_of(variable), 8)}] __attribute__((aligned(16)));")
    else:
        raise writer.unsupported(f".{variable.space} inside of a function")


def _guarded(writer: Writer, guard: Guard | None, write: Callable[[], None]) -> None:
    if guard is None:
        write()
        return
    condition = writer.value(Register(guard.register), TYPES["pred"])
    writer.emit(f"if ({'!' if guard.negated else ''}{condition}) {{")
    write()
    writer.emit("}")


Emit = Callable[[Writer, Instruction, Mapping[str, str]], None]


def _instruction(writer: Writer, instruction: Instruction) -> None:
    form, modifiers = find(instruction.opcode, instruction.modifiers)
    needed = sum(not operand.optional for operand in form.operands)
    if not needed <= len(instruction.operands) <= len(form.operands):
        raise writer.unsupported(f"{instruction.name} with {len(instruction.operands)} operands")
    writer.meets = writer.meets or form.meets
    if form.code:
        arithmetic.expression(writer, instruction, form, modifiers)
    else:
        _BY_HAND[instruction.opcode](writer, instruction, modifiers)


def _label(writer: Writer, name: str) -> str:
    found = writer.names.label(name)
    if found is None:
        raise writer.bad(f"no label {name}")
    return found


def _bra(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    del modifiers
    (target,) = instruction.operands
    assert isinstance(target, Register)
    writer.emit(f"goto {_label(writer, target.name)};")


def _brx(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    del modifiers
    index, listed = instruction.operands
    targets = writer.names.targets(listed.name) if isinstance(listed, Register) else None
    if targets is None:
        raise writer.bad("brx.idx without its list of labels")
    writer.emit(f"switch ({writer.value(index, TYPES['u32'])}) {{")
    for number, name in enumerate(targets.labels):
        writer.emit(f"case {number}: goto {_label(writer, name)};")
    writer.emit("}")


def _ret(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    del instruction, modifiers
    writer.emit("return;")


def _exit(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    del instruction, modifiers
    writer.emit("return;" if writer.function.is_kernel else "emu_exit(t);")


def _trap(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    del instruction, modifiers
    writer.emit(f"emu_trap(t, {writer.site()});")


def _nanosleep(writer: Writer, instruction: Instruction, modifiers: Mapping[str, str]) -> None:
    del instruction, modifiers
    writer.emit("emu_yield(t);")


_BY_HAND: Mapping[str, Emit] = MappingProxyType(
    {
        "lop3": arithmetic.lop3,
        "setp": arithmetic.setp,
        "set": arithmetic.set_,
        "mov": conversion.mov,
        "cvt": conversion.cvt,
        "ld": memory.ld,
        "ldu": memory.ld,
        "st": memory.st,
        "cvta": memory.cvta,
        "isspacep": memory.isspacep,
        **dict.fromkeys(
            ("prefetch", "prefetchu", "discard", "applypriority", "pmevent", "griddepcontrol"), memory.ignored
        ),
        "stackrestore": memory.ignored,
        "stacksave": memory.stacksave,
        "alloca": memory.alloca,
        "atom": memory.atom,
        "red": memory.red,
        "cp": memory.cp,
        "membar": memory.membar,
        "fence": memory.membar,
        "bar": warp.bar,
        "barrier": warp.bar,
        "mbarrier": warp.mbarrier,
        "mma": warp.mma,
        "wmma": warp.wmma,
        "ldmatrix": warp.ldmatrix,
        "stmatrix": warp.stmatrix,
        "tex": texture.tex,
        "tld4": texture.tld4,
        "suld": texture.suld,
        "sust": texture.sust,
        "bra": _bra,
        "brx": _brx,
        "ret": _ret,
        "exit": _exit,
        "trap": _trap,
        "brkpt": _trap,
        "nanosleep": _nanosleep,
    }
)
