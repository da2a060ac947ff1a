"""PTX text as a tree, by recursive descent."""

from __future__ import annotations

from telerun_executor.emulator.ptx.cursor import Cursor
from telerun_executor.emulator.ptx.declarations import LINKAGES, SPACES, parse_parameters, parse_variable
from telerun_executor.emulator.ptx.errors import UnsupportedPtx
from telerun_executor.emulator.ptx.lexer import END, NUMBER, PLACE, STRING, WORD, tokens
from telerun_executor.emulator.ptx.nodes import Function, Module, Variable
from telerun_executor.emulator.ptx.statements import parse_block, parse_place

_HINTS = {  # what a function may say between its parameters and its body, and how many numbers follow
    ".maxntid": 3,
    ".reqntid": 3,
    ".minnctapersm": 1,
    ".maxnctapersm": 1,
    ".maxnreg": 1,
    ".noreturn": 0,
    ".explicitcluster": 0,
    ".reqnctapercluster": 3,
    ".maxclusterrank": 1,
    ".blocksareclusters": 0,
    ".unique": 0,
    ".abi_preserve": 1,
    ".abi_preserve_control": 1,
}


def parse(text: str) -> Module:
    """The tree of a PTX module.

    Raises:
        PtxSyntaxError: the text is no PTX.
        UnsupportedPtx: it has a directive or a form of operand that the emulation does not know.
    """
    cursor = Cursor(tokens(text))
    version = target = ""
    files, variables, functions, aliases = dict[int, str](), list[Variable](), list[Function](), dict[str, str]()
    while cursor.token.kind != END:
        word = cursor.token.text
        if cursor.accept(".version"):
            version = cursor.kind(NUMBER)
        elif cursor.accept(".target"):
            target = _target(cursor)
        elif cursor.accept(".address_size"):
            if cursor.integer() != 64:
                raise UnsupportedPtx(".address_size 32", cursor.token.line)
        elif cursor.accept(".file"):
            number, name = cursor.integer(), cursor.kind(STRING)[1:-1]
            files[number] = name.replace('\\"', '"').replace("\\\\", "\\")
            while cursor.accept(","):  # time and size
                cursor.integer()
        elif cursor.token.kind == PLACE:
            parse_place(cursor)
        elif cursor.accept(".pragma"):
            cursor.kind(STRING)
            cursor.expect(";")
        elif cursor.accept(".alias"):
            alias = cursor.word()
            cursor.expect(",")
            aliases[alias] = cursor.word()
            cursor.expect(";")
        elif word in LINKAGES or word in SPACES or word in (".entry", ".func"):
            _declaration(cursor, variables, functions)
        elif not cursor.accept(";"):
            if word.startswith("."):
                raise UnsupportedPtx(word, cursor.token.line)
            cursor.fail("expected a declaration")
    return Module(version, target, files, tuple(variables), tuple(functions), aliases)


def _target(cursor: Cursor) -> str:
    target = cursor.word()
    while cursor.accept(","):  # debug, texmode_independent
        cursor.word()
    return target


def _declaration(cursor: Cursor, variables: list[Variable], functions: list[Function]) -> None:
    linkage = ""
    while cursor.token.text in LINKAGES:
        linkage = cursor.dot()[1:]
    if cursor.token.text in (".entry", ".func"):
        functions.append(_function(cursor, linkage))
    else:
        variables.append(parse_variable(cursor, linkage))
        cursor.expect(";")


def _function(cursor: Cursor, linkage: str) -> Function:
    line, is_kernel = cursor.token.line, cursor.dot() == ".entry"
    attributes = dict[str, tuple[int, ...]]()
    if cursor.accept(".attribute"):
        while not cursor.accept(")"):
            cursor.advance()
    while cursor.token.text == ".noreturn":
        attributes[cursor.dot()[1:]] = ()
    returned = parse_parameters(cursor) if cursor.at("(") else ()
    name = cursor.kind(WORD)
    parameters = parse_parameters(cursor) if cursor.at("(") else ()
    while not (cursor.at("{") or cursor.at(";")):
        hint = cursor.token.text
        if hint == ".pragma":
            cursor.advance()
            cursor.kind(STRING)
            cursor.accept(";")
            continue
        if hint not in _HINTS:
            raise UnsupportedPtx(hint, cursor.token.line)
        cursor.advance()
        numbers = list[int]()
        while len(numbers) < _HINTS[hint] and cursor.token.kind == NUMBER:
            numbers.append(cursor.integer())
            if not cursor.accept(","):
                break
        attributes[hint[1:]] = tuple(numbers)
    body = None
    if cursor.at("{"):
        body = parse_block(cursor)
    else:
        cursor.expect(";")
    return Function(is_kernel, name, linkage, returned, parameters, attributes, body, line)
