"""How the table of instructions is written, and how an instruction is looked up in it.

A form is one line of the table: an opcode, what may follow it, and its operands, in a notation close to the manual's:

    form("add", "rnd:rn|rz|rm|rp? ftz? sat? T:f32", "=d:T a:T b:T", "ptx_add_{rnd}_f32({a}, {b})", rnd="rn")

Modifiers stand in the order of PTX. `ftz` is a word that must be there, `ftz?` one that may, `a|b` a choice, and a name
with a colon gives the choice a name. Operands are destinations (`=`) or sources, each with a name and a type: a type of
PTX, or the name of a modifier that is one, or `2T` for twice its width. Special types:

    mem      an address                    vec      a vector or a register
    texel    a texture or surface and coordinates
    imm      an integer constant           target   a label
    !pred    a predicate or its negation   any      what the instruction's function says

`=d:b32|p` may have a second, predicate destination; a type with `?` may be left out.
The code is a C expression for the first destination; forms without are translated by a function of `codegen` of
the same name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from telerun_executor.emulator.ptx.types import TYPES, Type, wide

SPECIAL_TYPES = ("mem", "vec", "texel", "imm", "target", "!pred", "any")


class Slot(NamedTuple):
    """A place among the modifiers: its name, what it may hold, and whether it may be left out."""

    name: str
    choices: tuple[str, ...]
    optional: bool


class FormOperand(NamedTuple):
    name: str
    type: str
    written: bool
    optional: bool
    with_predicate: bool

    def resolved(self, modifiers: Mapping[str, str]) -> Type | None:
        """The type in a variant of the form; `None` for the special types."""
        if self.type.startswith("2"):
            return wide(TYPES[modifiers[self.type[1:]]])
        return TYPES.get(modifiers.get(self.type, self.type))


class Form:
    """One line of the table.

    Attributes:
        opcode: the first word of the instruction.
        slots: its modifiers.
        operands: what it takes.
        code: a C expression with operands and modifiers as fields, or `""` where a function translates it.
        raw: the result's bits are given on as they are: a NaN keeps its payload.
        meets: other threads may be waited for.
    """

    def __init__(
        self,
        opcode: str,
        slots: str,
        operands: str,
        code: str = "",
        *,
        raw: bool = False,
        meets: bool = False,
        **defaults: str,
    ) -> None:
        self.opcode = opcode
        self.slots = tuple(_slot(text) for text in slots.split())
        self.operands = tuple(_operand(text) for text in operands.split())
        self.code = code
        self.raw = raw
        self.meets = meets
        self.defaults = defaults

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        parts = list[str]()
        for slot in self.slots:
            group = rf"\.(?P<{slot.name}>{'|'.join(re.escape(choice) for choice in slot.choices)})(?![\w:])"
            parts.append(f"(?:{group})?" if slot.optional else group)
        return re.compile("".join(parts))

    def match(self, modifiers: str) -> dict[str, str] | None:
        """The choice in each slot, or `None` where the modifiers are not of this form."""
        found = self.pattern.fullmatch(modifiers)
        if found is None:
            return None
        return {name: value or self.defaults.get(name, "") for name, value in found.groupdict().items()}

    def variants(self) -> Iterator[str]:
        """Every instruction of this form, as PTX writes it: `add.rn.ftz.f32`."""
        choices = [("", *slot.choices) if slot.optional else slot.choices for slot in self.slots]
        for chosen in itertools.product(*choices):
            yield self.opcode + "".join(f".{word}" for word in chosen if word)


_SLOT = re.compile(r"(?:(\w+):(?!:))?(.+?)(\?)?")
_NAMED = re.compile(r"(=)?(\w+):(!?\w+)(\|p)?(\?)?")


def _slot(text: str) -> Slot:
    found = _SLOT.fullmatch(text)
    assert found, text
    choices = tuple(found[2].split("|"))
    return Slot(found[1] or re.sub(r"\W", "_", choices[0]), choices, bool(found[3]))


def _operand(text: str) -> FormOperand:
    found = _NAMED.fullmatch(text)
    assert found, text
    return FormOperand(found[2], found[3], bool(found[1]), bool(found[5]), bool(found[4]))
