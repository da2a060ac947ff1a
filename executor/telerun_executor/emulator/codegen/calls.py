"""Calls, and the functions that every device program may call without defining them."""

from __future__ import annotations

from telerun_executor.emulator.codegen.symbols import c_function
from telerun_executor.emulator.codegen.writer import LAUNCHES_KERNELS, Writer
from telerun_executor.emulator.ptx.nodes import Call, Operand, Register
from telerun_executor.emulator.ptx.types import TYPES

_LAUNCHES = (
    "cudaLaunchDevice",
    "cudaGetParameterBuffer",
    "cudaCGGetIntrinsicHandle",
    "cudaDeviceSynchronize",
    "__cudaCDP2",
)


def call(writer: Writer, node: Call) -> None:
    arguments = [_argument(writer, operand) for operand in node.arguments]
    returned = _parameter(writer, node.returned) if node.returned else None
    register = writer.names.register(node.target)
    if register is not None:
        _indirect(writer, node, writer.value(Register(node.target), TYPES["u64"]), returned, arguments)
        return
    function = writer.symbols.function(node.target)
    if function is not None and function.body is not None and not function.is_kernel:
        writer.calls.add(function.name)
        passed = ["t", *([returned or "NULL"] if function.returned else []), *arguments]
        _emit(writer, f"{c_function(function.name)}({', '.join(passed)})")
        return
    builtin = _builtin(writer, node.target, arguments)
    if builtin is None:
        launches = node.target.startswith(_LAUNCHES)
        hint = LAUNCHES_KERNELS if launches else "the function is not in this program"
        raise writer.unsupported(f"call of {node.target}", hint)
    if returned:
        writer.emit(f"{builtin[1]}{returned} = {builtin[0]};")
    else:
        writer.emit(f"(void){builtin[0]};")


def _indirect(writer: Writer, node: Call, target: str, returned: str | None, arguments: list[str]) -> None:
    prototype = writer.names.prototype(node.prototype or "")
    if prototype is None and not writer.names.targets(node.prototype or ""):
        raise writer.bad(f"a call through {node.target} without a prototype")
    passed = ["t", *([returned] if returned else []), *arguments]
    types = ", ".join(["EmuThread *"] + ["uint8_t *"] * (len(passed) - 1))
    writer.calls_indirectly = True
    _emit(writer, f"((void (*)({types}))(uintptr_t){target})({', '.join(passed)})")


def _emit(writer: Writer, call: str) -> None:
    """A call of a function of the program; while it lasts, the thread knows its place."""
    writer.emit(
        f"{{ EmuCall call_ = {{{writer.site()}, t->call}}; t->call = &call_; {call}; t->call = call_.caller; }}"
    )


def _argument(writer: Writer, operand: Operand) -> str:
    if not isinstance(operand, Register):
        raise writer.unsupported("call with arguments that are no parameters")
    return _parameter(writer, operand.name)


def _parameter(writer: Writer, name: str) -> str:
    memory = writer.names.memory(name)
    if memory is None:
        raise writer.unsupported("call with arguments that are no parameters")
    return memory.c


def _builtin(writer: Writer, name: str, arguments: list[str]) -> tuple[str, str] | None:
    """The call in C, and how its result is stored."""
    if name == "vprintf":
        code = f"emu_vprintf(t, *(uint64_t *){arguments[0]}, *(uint64_t *){arguments[1]}, {writer.site()})"
        return code, "*(int32_t *)"
    if name == "malloc":
        return f"emu_malloc(t, *(uint64_t *){arguments[0]})", "*(uint64_t *)"
    if name == "free":
        return f"emu_free(t, *(uint64_t *){arguments[0]}, {writer.site()})", "(void)"
    if name == "__assertfail":
        values = [
            f"*(uint{bits}_t *){argument}" for bits, argument in zip((64, 64, 32, 64, 64), arguments, strict=True)
        ]
        return f"emu_assertfail(t, {', '.join(values)}, {writer.site()})", "(void)"
    return None
