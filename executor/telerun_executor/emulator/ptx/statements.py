"""What stands between the braces of a function."""

from __future__ import annotations

import re

from telerun_executor.emulator.ptx.cursor import Cursor
from telerun_executor.emulator.ptx.declarations import LINKAGES, SPACES, parse_parameters, parse_variable
from telerun_executor.emulator.ptx.errors import UnsupportedPtx
from telerun_executor.emulator.ptx.lexer import DOT, END, NUMBER, PLACE, STRING, WORD
from telerun_executor.emulator.ptx.nodes import (
    Address,
    Block,
    Call,
    Guard,
    Instruction,
    Integer,
    Label,
    Negated,
    Operand,
    Other,
    Pair,
    Place,
    Prototype,
    Real,
    Register,
    Registers,
    Sink,
    Statement,
    Sum,
    Targets,
    TexelAddress,
    Vector,
)

_COMPONENTS = (".x", ".y", ".z", ".w", ".r", ".g", ".b", ".a")


def parse_block(cursor: Cursor) -> Block:
    cursor.expect("{")
    statements = list[Statement]()
    while not cursor.accept("}"):
        statement = _statement(cursor)
        if statement is not None:
            statements.append(statement)
    return Block(tuple(statements))


def _statement(cursor: Cursor) -> Statement | None:
    token = cursor.token
    if token.kind == WORD:
        if cursor.following.text == ":":
            return _labelled(cursor)
        return _instruction(cursor, None)
    if token.text == "@":
        cursor.advance()
        negated = cursor.accept("!")
        return _instruction(cursor, Guard(cursor.word(), negated))
    if token.text == "{":
        return parse_block(cursor)
    if token.kind == DOT:
        return _directive(cursor)
    if token.kind == PLACE:
        return parse_place(cursor)
    if cursor.accept(";"):
        return None
    return cursor.fail("expected a statement")


def _labelled(cursor: Cursor) -> Statement:
    line, name = cursor.token.line, cursor.word()
    cursor.expect(":")
    if cursor.at(".branchtargets") or cursor.at(".calltargets"):
        cursor.advance()
        labels = [cursor.word()]
        while cursor.accept(","):
            labels.append(cursor.word())
        cursor.expect(";")
        return Targets(name, tuple(labels))
    if cursor.accept(".callprototype"):
        returned = parse_parameters(cursor) if cursor.at("(") else ()
        cursor.word()  # `_`
        parameters = parse_parameters(cursor) if cursor.at("(") else ()
        while not cursor.accept(";"):  # .noreturn, .abi_preserve
            cursor.advance()
        return Prototype(name, returned, parameters)
    return Label(name, line)


def _directive(cursor: Cursor) -> Statement | None:
    if cursor.at(".reg"):
        return _registers(cursor)
    if cursor.accept(".pragma"):
        cursor.kind(STRING)
        while cursor.accept(","):
            cursor.kind(STRING)
        cursor.expect(";")
        return None
    if cursor.token.text in SPACES or cursor.token.text in LINKAGES:
        variable = parse_variable(cursor)
        cursor.expect(";")
        return variable
    raise UnsupportedPtx(cursor.token.text, cursor.token.line)


_PLACE = re.compile(r"\.loc\s+(\d+)\s+(\d+)\s+(\d+)(?:.*\binlined_at\s+(\d+)\s+(\d+)\s+(\d+))?")


def parse_place(cursor: Cursor) -> Place:
    """`.loc file line column[, function_name label[+offset], inlined_at file line column]`"""
    found = _PLACE.match(cursor.token.text)
    if found is None:
        cursor.fail("expected a place in the source")
    cursor.advance()
    file, line, column, *call = (int(number) if number else 0 for number in found.groups())
    return Place(file, line, column, (call[0], call[1], call[2]) if call[0] else None)


def _registers(cursor: Cursor) -> Registers:
    cursor.expect(".reg")
    kind, vector = cursor.dot()[1:], 1
    if kind in ("v2", "v4"):
        kind, vector = cursor.dot()[1:], int(kind[1:])
    names = list[tuple[str, int | None]]()
    while True:
        name = cursor.word()
        count = None
        if cursor.accept("<"):
            count = cursor.integer()
            cursor.expect(">")
        names.append((name, count))
        if not cursor.accept(","):
            break
    cursor.expect(";")
    return Registers(kind, vector, tuple(names))


def _instruction(cursor: Cursor, guard: Guard | None) -> Statement:
    line, opcode = cursor.token.line, cursor.word()
    modifiers = ""
    while cursor.token.kind == DOT:
        modifiers += cursor.advance().text
    if opcode == "call":
        return _call(cursor, guard, modifiers, line)
    operands = list[Operand]()
    if not cursor.at(";"):
        operands.append(_operand(cursor))
        while cursor.accept(","):
            operands.append(_operand(cursor))
    cursor.expect(";")
    return Instruction(opcode, modifiers, tuple(operands), guard, line)


def _call(cursor: Cursor, guard: Guard | None, modifiers: str, line: int) -> Call:
    returned, prototype, arguments = None, None, tuple[Operand, ...]()
    if cursor.accept("("):
        returned = cursor.word()
        if not cursor.at(")"):
            raise UnsupportedPtx("call with several results", line)
        cursor.expect(")")
        cursor.expect(",")
    target = cursor.word()
    if cursor.accept(","):
        if cursor.accept("("):
            found = list[Operand]()
            while not cursor.accept(")"):
                found.append(_operand(cursor))
                cursor.accept(",")
            arguments = tuple(found)
            if cursor.accept(","):
                prototype = cursor.word()
        else:
            prototype = cursor.word()
    cursor.expect(";")
    return Call(returned, target, arguments, prototype, guard, line, modifiers)


def _operand(cursor: Cursor) -> Operand:
    token = cursor.token
    if cursor.accept("!"):
        return Negated(Register(cursor.word()))
    if cursor.accept("["):
        return _address(cursor)
    if cursor.accept("{"):
        items = list[Operand]()
        while not cursor.accept("}"):
            items.append(_operand(cursor))
            cursor.accept(",")
        return Vector(tuple(items))
    if token.text in "-~" and token.text:
        return _signed(cursor)
    if token.kind == NUMBER:
        return cursor.number()
    if cursor.accept("("):  # a constant expression
        return _other(cursor, ")")
    return _named(cursor)


def _signed(cursor: Cursor) -> Integer | Real:
    sign, number = cursor.advance().text, cursor.number()
    if isinstance(number, Integer):
        return Integer(-number.value if sign == "-" else ~number.value)
    return Real(number.bits ^ 1 << (number.width - 1), number.width)


def _named(cursor: Cursor) -> Operand:
    name = cursor.word()
    found: Operand = Sink() if name == "_" else Register(name)
    if cursor.token.text in _COMPONENTS:
        found = Register(name, cursor.advance().text[1:])
    elif cursor.token.text in ("+", "-"):
        sign = -1 if cursor.advance().text == "-" else 1
        return Sum(name, sign * cursor.integer())
    if cursor.accept("|"):
        second = cursor.word()
        return Pair(found, Sink() if second == "_" else Register(second))
    return found


def _address(cursor: Cursor) -> Address | TexelAddress | Other:
    base: str | None = None
    offset = 0
    if cursor.token.kind == WORD:
        base = cursor.word()
        if cursor.accept("+") or cursor.at("-"):
            offset = cursor.integer()
    else:
        offset = cursor.integer()
    if cursor.accept("]"):
        return Address(base, offset)
    cursor.expect(",")
    if base is not None and cursor.at("{"):
        coordinates = _operand(cursor)
        if isinstance(coordinates, Vector) and cursor.accept("]"):
            return TexelAddress(base, coordinates)
    return _other(cursor, "]")


def _other(cursor: Cursor, end: str) -> Other:
    """What stands up to `end`, unread."""
    text = ""
    while not cursor.accept(end):
        if cursor.token.kind == END:
            cursor.fail(f"expected {end!r}")
        text += cursor.advance().text
    return Other(text)
