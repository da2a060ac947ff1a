"""A PTX module as one C file: what `runtime/kernel.h` says a kernel library is."""

from __future__ import annotations

import re
from math import prod

from telerun_executor.emulator.codegen.function import head, parameter_offsets, text, write_function
from telerun_executor.emulator.codegen.identifiers import identifier, string
from telerun_executor.emulator.codegen.sites import Sites
from telerun_executor.emulator.codegen.symbols import SharedLayout, Symbols, c_function, c_variable, reachable, size_of
from telerun_executor.emulator.codegen.variables import address_statements, definition, stored
from telerun_executor.emulator.codegen.writer import Writer
from telerun_executor.emulator.ptx.nodes import Function, Module, Variable

INCLUDES = ("kernel.h", "ptx_integer.h", "ptx_float.h", "ptx_half.h")
_TARGET = re.compile(r"sm_(\d+)")


def module_text(module: Module) -> str:
    """The C of a whole module. Kernels that cannot be run say so when they are launched.

    Raises:
        UnsupportedPtx: none of the kernels can be run.
    """
    symbols, sites = Symbols(module), Sites()
    variables = stored(symbols)
    writers = list[Writer]()
    for function in symbols.functions.values():
        if function.body is not None:
            writer = Writer(function, symbols, sites, module.files)
            write_function(writer)
            writers.append(writer)
    addresses = list(address_statements(variables, symbols))
    calls = {writer.function.name: writer.calls for writer in writers}
    indirect = {writer.function.name for writer in writers if writer.calls_indirectly}
    kernels = [writer for writer in writers if writer.function.is_kernel]
    reached = {
        writer.function.name: reachable(writer.function.name, calls, symbols.taken, indirect) for writer in kernels
    }
    refused = _refused(kernels, {writer.function.name: writer for writer in writers}, calls)
    if kernels and len(refused) == len(kernels):
        raise next(error for writer in refused.values() if (error := writer.refused))
    layout = SharedLayout(symbols, [writer.function for writer in writers], reached)
    meeting = {writer.function.name for writer in writers if writer.meets}
    parts = [
        *(f'#include "{name}"' for name in INCLUDES),
        *(definition(variable) for variable in variables),
        *(
            f"#define SHARED_{identifier(function)}_{identifier(variable)} {offset}"
            for (function, variable), offset in layout.offsets.items()
        ),
        *(f"{head(writer)};" for writer in writers if not writer.function.is_kernel),
        *(text(writer) for writer in writers),
        *_kernels(kernels, layout, reached, meeting, refused),
        *_variables(variables),
        *_sites(sites),
        *_initialise(addresses),
        _module(module, sites, len(kernels), len(variables), bool(addresses)),
    ]
    return "\n".join(parts) + "\n"


def _refused(kernels: list[Writer], writers: dict[str, Writer], calls: dict[str, set[str]]) -> dict[str, Writer]:
    """By the name of each kernel that cannot be run: the function that keeps it from that, itself or one it calls."""
    found = dict[str, Writer]()
    for kernel in kernels:
        name = kernel.function.name
        called = sorted(reachable(name, calls, (), set()), key=lambda one: (one != name, one))
        if culprits := [writers[one] for one in called if one in writers and writers[one].refused]:
            found[name] = culprits[0]
    return found


def _kernels(
    kernels: list[Writer],
    layout: SharedLayout,
    reached: dict[str, set[str]],
    meeting: set[str],
    refused: dict[str, Writer],
) -> list[str]:
    rows = list[str]()
    parts = list[str]()
    for number, writer in enumerate(kernels):
        function = writer.function
        offsets = parameter_offsets(function.parameters)
        listed = ", ".join(f"{{{offset}, {size}}}" for offset, size in offsets)
        if offsets:
            parts.append(f"static const EmuParameter parameters_{number}[] = {{{listed}}};")
        end = sum(offsets[-1]) if offsets else 0
        flags = ["EMU_KERNEL_MEETS"] if reached[function.name] & meeting else []
        flags += ["EMU_KERNEL_DYNAMIC"] if layout.dynamic[function.name] else []
        required = (
            [*function.attributes.get("reqntid", ()), 1, 1, 1][:3] if "reqntid" in function.attributes else [0, 0, 0]
        )
        fields = {
            "name": string(function.name),
            "run": c_function(function.name),
            "parameters": f"parameters_{number}" if offsets else "NULL",
            "parameter_count": len(offsets),
            "parameter_bytes": end,
            "shared_bytes": layout.bytes[function.name],
            "local_bytes": sum(size for _, size in writer.locals),
            "max_threads": _threads(function),
            "required_threads": f"{{{', '.join(map(str, required))}}}",
            "registers": min(255, sum(max(1, register.type.size // 4) for register in writer.names.registers)),
            "flags": " | ".join(flags) or 0,
        }
        if (culprit := refused.get(function.name)) and culprit.refused:
            fields |= {"unsupported": string(culprit.refused.message), "unsupported_site": culprit.site()}
        rows.append("{" + ", ".join(f".{name} = {value}" for name, value in fields.items()) + "}")
    return [*parts, _array("EmuKernel", "kernels", rows)]


def _threads(function: Function) -> int:
    given = function.attributes.get("maxntid") or function.attributes.get("reqntid")
    return prod(given) if given else 0


def _array(kind: str, name: str, rows: list[str]) -> str:
    return f"static const {kind} {name}[] = {{\n{','.join(f'{row}{chr(10)}' for row in rows or ['{0}'])}}};"


def _variables(variables: list[Variable]) -> list[str]:
    rows = list[str]()
    for variable in variables:
        kind = "MANAGED" if variable.managed else {"const": "CONSTANT"}.get(variable.space, "GLOBAL")
        rows.append(
            f"{{{string(variable.name)}, {c_variable(variable.name)}, {size_of(variable)}, EMU_{kind}_VARIABLE}}"
        )
    return [_array("EmuVariable", "variables", rows)]


def _sites(sites: Sites) -> list[str]:
    rows = [f"{{{', '.join(str(int(fact)) for fact in row)}}}" for row in sites.rows]
    return [
        _array("EmuSite", "sites", rows),
        f"static const char *const files[] = {{{', '.join(map(string, sites.files)) or 'NULL'}}};",
        f"static const char *const functions[] = {{{', '.join(map(string, sites.functions)) or 'NULL'}}};",
    ]


def _initialise(statements: list[str]) -> list[str]:
    return ["static void initialise(void)", "{", *statements, "}"] if statements else []


def _module(module: Module, sites: Sites, kernels: int, variables: int, initialises: bool) -> str:
    target = _TARGET.match(module.target)
    fields = {
        "abi": "EMU_ABI",
        "checks": "EMU_CHECKS",
        "target": target[1] if target else 0,
        "kernel_count": kernels,
        "variable_count": variables,
        "site_count": len(sites.rows),
        "file_count": len(sites.files),
        "function_count": len(sites.functions),
        "kernels": "kernels",
        "variables": "variables",
        "sites": "sites",
        "files": "files",
        "functions": "functions",
        "initialise": "initialise" if initialises else "NULL",
    }
    return "const EmuModule emu_module = {" + ", ".join(f".{name} = {value}" for name, value in fields.items()) + "};"
