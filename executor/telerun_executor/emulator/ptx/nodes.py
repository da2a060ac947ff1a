"""The tree of a PTX module."""

from __future__ import annotations

from typing import NamedTuple


class Register(NamedTuple):
    """A register, a variable or a label by its name, with the component that follows it (`%tid.x`, `%v.y`)."""

    name: str
    component: str = ""


class Integer(NamedTuple):
    value: int


class Real(NamedTuple):
    """A floating-point constant: its bits, and of which width they are (32 or 64)."""

    bits: int
    width: int


class Sum(NamedTuple):
    """An address as an operand of `mov` or in an initialiser: a symbol and a number of bytes."""

    symbol: str
    offset: int
    generic: bool = False


class Address(NamedTuple):
    """`[base+offset]`; `None` as the base is an absolute address."""

    base: str | None
    offset: int


class TexelAddress(NamedTuple):
    """`[texture, {x, y}]`: the register of a texture's or surface's handle, and the coordinates."""

    base: str
    coordinates: Vector


class Other(NamedTuple):
    """An operand of an instruction that the emulation does not have: a tensor's coordinates and the like."""

    text: str


class Vector(NamedTuple):
    items: tuple[Operand, ...]


class Pair(NamedTuple):
    """`d|p`; `None` where it has `_`."""

    first: Operand
    second: Operand


class Negated(NamedTuple):
    """`!p`"""

    operand: Register


class Sink(NamedTuple):
    """`_`: the result is not wanted."""


Operand = Register | Integer | Real | Sum | Address | Vector | Pair | Negated | Sink | TexelAddress | Other


class Place(NamedTuple):
    """A source line: the number of its `.file`, line and column, and the call that it was inlined into."""

    file: int
    line: int
    column: int
    inlined_at: tuple[int, int, int] | None


class Guard(NamedTuple):
    register: str
    negated: bool


class Instruction(NamedTuple):
    opcode: str
    modifiers: str  # with their dots: `.lo.s32`
    operands: tuple[Operand, ...]
    guard: Guard | None
    line: int

    @property
    def name(self) -> str:
        return self.opcode + self.modifiers


class Call(NamedTuple):
    """`call (returned), target, (arguments), prototype;` where the target is a function or a register."""

    returned: str | None
    target: str
    arguments: tuple[Operand, ...]
    prototype: str | None
    guard: Guard | None
    line: int
    modifiers: str = ""


class Label(NamedTuple):
    name: str
    line: int


class Registers(NamedTuple):
    """`.reg .type name, name, prefix<count>`: for names that stand for many, `counts` has how many."""

    type: str
    vector: int
    names: tuple[tuple[str, int | None], ...]


class Variable(NamedTuple):
    """A variable in a state space, or a parameter.

    `dimensions` is empty for a scalar; a first dimension of 0 is one that the launch decides. `initial` is flat.
    """

    space: str
    type: str
    vector: int
    align: int
    name: str
    dimensions: tuple[int, ...]
    initial: tuple[Integer | Real | Sum, ...]
    linkage: str
    managed: bool
    line: int


class Targets(NamedTuple):
    """`name: .branchtargets a, b;` or `.calltargets`."""

    name: str
    labels: tuple[str, ...]


class Prototype(NamedTuple):
    """`name: .callprototype (returned) _ (parameters);`"""

    name: str
    returned: tuple[Variable, ...]
    parameters: tuple[Variable, ...]


class Block(NamedTuple):
    """`{ ... }`: names that are declared in it hold in it only."""

    statements: tuple[Statement, ...]


Statement = Instruction | Call | Label | Registers | Variable | Targets | Prototype | Block | Place


class Function(NamedTuple):
    """A kernel (`.entry`) or a device function; `body` is `None` where it is only declared."""

    is_kernel: bool
    name: str
    linkage: str
    returned: tuple[Variable, ...]
    parameters: tuple[Variable, ...]
    attributes: dict[str, tuple[int, ...]]
    body: Block | None
    line: int


class Module(NamedTuple):
    version: str
    target: str
    files: dict[int, str]
    variables: tuple[Variable, ...]
    functions: tuple[Function, ...]
    aliases: dict[str, str]
