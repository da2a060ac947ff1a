"""Variables and parameters."""

from __future__ import annotations

from telerun_executor.emulator.ptx.cursor import Cursor
from telerun_executor.emulator.ptx.errors import UnsupportedPtx
from telerun_executor.emulator.ptx.lexer import NUMBER
from telerun_executor.emulator.ptx.nodes import Integer, Real, Sum, Variable
from telerun_executor.emulator.ptx.types import TYPES

SPACES = (".global", ".const", ".shared", ".local", ".param", ".tex")
LINKAGES = (".extern", ".visible", ".weak", ".common")


def parse_variable(cursor: Cursor, linkage: str = "") -> Variable:
    """`[linkage] .space [.attribute(...)] [.align n] [.v2] .type name[dimensions] [= initial]`, without its end."""
    line = cursor.token.line
    while cursor.token.text in LINKAGES:
        linkage = cursor.dot()[1:]
    space, align, vector, kind, managed = cursor.dot()[1:].partition("::")[0], 0, 1, "", False
    if f".{space}" not in SPACES or space == "tex":
        raise UnsupportedPtx(f".{space}", line)
    if space == "const" and cursor.accept("["):  # a bank of its own, of times before address_size 64
        raise UnsupportedPtx(".const[bank]", line)
    while not kind:
        word = cursor.dot()[1:]
        if word == "align":
            align = cursor.integer()
        elif word in ("v2", "v4", "v8"):
            vector = int(word[1:])
        elif word == "attribute":
            managed = _attribute(cursor)
        elif word == "ptr":  # after the type: what a pointer points to
            continue
        elif word in TYPES:
            kind = word
        else:
            raise UnsupportedPtx(f".{space} .{word}", line)
    if cursor.accept(".ptr"):
        while cursor.token.text in SPACES or cursor.at(".align"):
            if cursor.dot() == ".align":
                cursor.integer()
    name = cursor.word()
    dimensions = list[int]()
    while cursor.accept("["):
        dimensions.append(0 if cursor.at("]") else cursor.integer())
        cursor.expect("]")
    initial = tuple(_initial(cursor, dimensions)) if cursor.accept("=") else ()
    size = TYPES[kind].size * vector
    return Variable(space, kind, vector, align or size, name, tuple(dimensions), initial, linkage, managed, line)


def parse_parameters(cursor: Cursor) -> tuple[Variable, ...]:
    """`(parameter, parameter)`, of a kernel, a function or a prototype."""
    found = list[Variable]()
    cursor.expect("(")
    while not cursor.accept(")"):
        if cursor.at(".reg"):
            raise UnsupportedPtx("parameters in registers", cursor.token.line)
        found.append(parse_variable(cursor))
        cursor.accept(",")
    return tuple(found)


def _attribute(cursor: Cursor) -> bool:
    cursor.expect("(")
    managed = False
    while not cursor.accept(")"):
        text = cursor.advance().text
        managed = managed or text == ".managed"
    return managed


def _initial(cursor: Cursor, dimensions: list[int]) -> list[Integer | Real | Sum]:
    """The values of an initialiser, its braces flattened: inner lists are filled up with zeros."""
    if not cursor.accept("{"):
        return [_value(cursor)]
    inner, found = dimensions[1:], list[Integer | Real | Sum]()
    width = 1
    for length in inner:
        width *= length
    while not cursor.accept("}"):
        if cursor.at("{"):
            values = _initial(cursor, inner)
            found += values + [Integer(0)] * (width - len(values))
        else:
            found.append(_value(cursor))
        cursor.accept(",")
    return found


def _value(cursor: Cursor) -> Integer | Real | Sum:
    token = cursor.token
    if token.text == "-":
        cursor.advance()
        number = cursor.number()
        if isinstance(number, Integer):
            return Integer(-number.value)
        return Real(number.bits ^ 1 << (number.width - 1), number.width)
    if token.kind == NUMBER:
        return cursor.number()
    name, generic = cursor.word(), False
    if name == "generic":
        cursor.expect("(")
        name, generic = cursor.word(), True
        cursor.expect(")")
    if cursor.at("("):  # mask() and the like
        raise UnsupportedPtx(f"initialiser {name}(...)", token.line)
    offset = 0
    if cursor.accept("+") or cursor.at("-"):
        offset = cursor.integer()
    return Sum(name, offset, generic)
