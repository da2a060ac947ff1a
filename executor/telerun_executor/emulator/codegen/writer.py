"""The C of one function, as it is written: operands in and out, addresses, and lines."""

from __future__ import annotations

from collections.abc import Mapping

from telerun_executor.emulator.codegen.registers import Names, RegisterInfo
from telerun_executor.emulator.codegen.sites import Sites, Spot, user_line
from telerun_executor.emulator.codegen.symbols import RESERVED, Symbols
from telerun_executor.emulator.ptx.errors import PtxSyntaxError, UnsupportedPtx
from telerun_executor.emulator.ptx.nodes import (
    Address,
    Function,
    Integer,
    Negated,
    Operand,
    Other,
    Place,
    Real,
    Register,
    Sink,
    Sum,
)
from telerun_executor.emulator.ptx.table import SPECIAL_REGISTERS
from telerun_executor.emulator.ptx.types import TYPES, Type

LAUNCHES_KERNELS = "kernels that launch kernels are not emulated"
_ACCESS = {"global": "emu_global_at", "const": "emu_const_at", "shared": "emu_shared_at", "local": "emu_local_at"}


class Writer:
    """Writes a function; what instructions mean stands in the modules that use it."""

    def __init__(self, function: Function, symbols: Symbols, sites: Sites, files: Mapping[int, str]) -> None:
        self.function = function
        self.symbols = symbols
        self.names = Names()
        self.lines: list[str] = []
        self.locals: list[tuple[str, int]] = []
        self.uses_carry = False
        self.meets = False
        self.calls: set[str] = set()
        self.calls_indirectly = False
        self.refused: UnsupportedPtx | None = None  # why the function cannot be run
        self._sites = sites
        self._files = files
        self._place: Place | None = None
        self._callers: dict[Spot, Spot | None] = {}
        self.ptx_line = function.line

    # --- places ---

    def at_place(self, place: Place) -> None:
        self._place = place
        self._callers[place.file, place.line, place.column] = place.inlined_at

    def at_line(self, line: int) -> None:
        self.ptx_line = line

    @property
    def source(self) -> tuple[str, int] | None:
        return user_line(self._place, self._callers, self._files)

    def site(self) -> int:
        """The site of the instruction that is being written."""
        return self._sites.index(self.source, self.function.name, self.ptx_line)

    def unsupported(self, instruction: str, hint: str = "") -> UnsupportedPtx:
        return UnsupportedPtx(instruction, self.ptx_line, hint)

    def bad(self, message: str) -> PtxSyntaxError:
        return PtxSyntaxError(message, self.ptx_line)

    def emit(self, line: str) -> None:
        self.lines.append(line)

    # --- reading ---

    def value(self, operand: Operand, kind: Type, *, raw: bool = False) -> str:
        """An operand as a C expression of `kind`; `raw` where its bits may be looked at afterwards."""
        if isinstance(operand, Register):
            return self._register_value(operand, kind, raw)
        if isinstance(operand, Integer):
            return integer(operand.value, kind)
        if isinstance(operand, Real):
            return real(operand, kind)
        if isinstance(operand, Negated):
            return f"(!{self.value(operand.operand, kind)})"
        if isinstance(operand, Sum):
            return f"(({kind.c})({self.address_of(operand.symbol)} + {operand.offset}))"
        if isinstance(operand, Other):
            raise self.unsupported(f"operand ({operand.text})")
        raise self.bad(f"cannot read {type(operand).__name__.lower()} as a {kind.name}")

    def _register_value(self, operand: Register, kind: Type, raw: bool) -> str:
        found = self.names.register(operand.name) if not operand.component else None
        if found is not None:
            return converted(found, kind, raw)
        special = f"{operand.name}.{operand.component}" if operand.component else operand.name
        if special in SPECIAL_REGISTERS:
            kept = SPECIAL_REGISTERS[special][0] == kind.name
            return SPECIAL_REGISTERS[special][1] if kept else f"(({kind.c}){SPECIAL_REGISTERS[special][1]})"
        if special == "%reserved_smem_offset_1":
            return f"(({kind.c})({self.address_of(RESERVED.name)}))"
        if special.startswith("%envreg"):
            return f"(({kind.c})0)"  # the driver's own: what it leaves out reads as zero
        if special.startswith("%"):
            raise self.unsupported(f"special register {special}")
        address = self.address_of(operand.name)
        return f"({address})" if kind.size == 8 else f"(({kind.c})({address}))"

    def address_of(self, name: str) -> str:
        """The address of a variable, a parameter or a function, as a register holds it."""
        memory = self.names.memory(name)
        if memory is not None:
            return f"(uint64_t)(uintptr_t){memory.c}"
        found = self.symbols.address(name, self.function)
        if found is None and self.symbols.function(name) is not None:
            raise self.unsupported(f"address of kernel {name}", LAUNCHES_KERNELS)
        if found is None:
            raise self.bad(f"{name} is not declared")
        return found

    # --- writing ---

    def assign(self, operand: Operand, kind: Type, expression: str, *, arithmetic: bool = False) -> None:
        """Give a register the value of `expression`, a C expression of `kind`."""
        if isinstance(operand, Sink):
            self.emit(f"(void)({expression});")
            return
        found = self.names.register(operand.name) if isinstance(operand, Register) and not operand.component else None
        if found is None:
            raise self.bad("the result has to be a register")
        holds = found.holds
        if kind.name == "f32" and arithmetic and not found.lazy:
            expression = f"ptx_canonical_f32({expression})"
        if holds.kind == "p":
            self.emit(f"{found.c} = {expression};")
        elif holds.kind == "f":
            bits = f"ptx_{holds.name}((uint{holds.bits}_t)({expression}))"
            self.emit(f"{found.c} = {expression if kind.kind == 'f' else bits};")
        elif kind.kind == "f":
            self.emit(f"{found.c} = ptx_bits_{kind.name}({expression});")
        elif kind.size < holds.size:  # extended by its own sign
            self.emit(f"{found.c} = ({kind.c})({expression});")
        else:
            self.emit(f"{found.c} = {expression};")

    def register(self, operand: Operand) -> RegisterInfo | None:
        return self.names.register(operand.name) if isinstance(operand, Register) and not operand.component else None

    # --- memory ---

    def pointer(self, address: Operand, space: str, size: int, access: str) -> str:
        """The host pointer of an access of `size` bytes, after the checks."""
        base, offset = self.base(address)
        space = space.partition("::")[0]
        if space == "param":
            known = self.names.memory(address.base) if isinstance(address, Address) and address.base else None
            if known is not None:
                return f"({known.c} + {offset})"
            return f"(uint8_t *)(uintptr_t)({base} + {offset})"
        at = _ACCESS.get(space, "emu_generic_at")
        return f"{at}(t, {base}, {offset}, {size}, EMU_{access}, {self.site()})"

    def base(self, address: Operand) -> tuple[str, int]:
        if isinstance(address, Other):
            raise self.unsupported(f"address [..., {address.text}]")
        if not isinstance(address, Address):
            raise self.bad("expected an address")
        if address.base is None:
            return f"{address.offset}ull", 0
        found = self.names.register(address.base)
        if found is not None and found.type.size == 4 and address.offset:  # it wraps within 32 bits
            return f"(uint32_t)({converted(found, TYPES['u32'], False)} + {address.offset})", 0
        if found is not None:
            return converted(found, TYPES["u64"], False), address.offset
        return f"({self.address_of(address.base)})", address.offset


def converted(register: RegisterInfo, kind: Type, raw: bool) -> str:
    """A register as an expression of `kind`."""
    holds, name = register.holds, register.c
    if holds.kind == "f":
        if kind.kind == "f" and kind.size == holds.size:
            return f"ptx_canonical_f32({name})" if raw and register.lazy else name
        name = f"ptx_bits_{holds.name}({f'ptx_canonical_f32({name})' if register.lazy else name})"
    if kind.kind == "p" or holds.kind == "p":
        return name
    if kind.kind == "f":
        return f"ptx_{kind.name}({name})"
    if kind.c == holds.c and holds.kind != "f":
        return name
    return f"(({kind.c}){name})"


def integer(value: int, kind: Type) -> str:
    """An integer constant; of a floating-point type it is the number."""
    if kind.kind == "f":
        return f"(({kind.c}){value}.0)"
    if kind.kind == "p":
        return str(int(value != 0))
    value &= (1 << kind.bits) - 1
    if kind.size == 16:
        return f"(((ptx_u128){value >> 64}ull << 64) | {value & (1 << 64) - 1}ull)"
    if kind.kind == "s" and value >> (kind.bits - 1):
        value -= 1 << kind.bits
        text = f"({value + 1}ll - 1)" if value == -(1 << 63) else f"({value}{'ll' if kind.size == 8 else ''})"
    else:
        text = f"{value}{'' if kind.kind == 's' else 'u'}{'ll' if kind.size == 8 else ''}"
    return f"({kind.c}){text}" if kind.size < 4 else text


def real(operand: Real, kind: Type) -> str:
    """A floating-point constant, by its bits."""
    if kind.kind == "f":
        if kind.bits == operand.width:
            return f"ptx_{kind.name}({hex(operand.bits)}{'ull' if kind.size == 8 else 'u'})"
        return f"(({kind.c})ptx_f{operand.width}({hex(operand.bits)}{'ull' if operand.width == 64 else 'u'}))"
    return integer(operand.bits, kind)
