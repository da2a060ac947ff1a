"""Where a parser stands in the tokens, and the small things that both parsers read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NoReturn

from telerun_executor.emulator.ptx.errors import PtxSyntaxError
from telerun_executor.emulator.ptx.lexer import DOT, NUMBER, WORD, Token
from telerun_executor.emulator.ptx.nodes import Integer, Real


class Cursor:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._position]

    @property
    def following(self) -> Token:
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        token = self._tokens[self._position]
        if self._position < len(self._tokens) - 1:
            self._position += 1
        return token

    def at(self, text: str) -> bool:
        return self._tokens[self._position].text == text

    def accept(self, text: str) -> bool:
        """Step over `text` if it is next."""
        if self._tokens[self._position].text != text:
            return False
        self.advance()
        return True

    def expect(self, text: str) -> Token:
        if not self.at(text):
            self.fail(f"expected {text!r}")
        return self.advance()

    def kind(self, kind: str) -> str:
        """The text of the next token, which has to be of `kind`."""
        if self.token.kind != kind:
            self.fail(f"expected a {kind}")
        return self.advance().text

    def word(self) -> str:
        return self.kind(WORD)

    def dot(self) -> str:
        return self.kind(DOT)

    def integer(self) -> int:
        negative = self.accept("-")
        number = self.number()
        if not isinstance(number, Integer):
            self.fail("expected an integer")
        return -number.value if negative else number.value

    def number(self) -> Integer | Real:
        return constant(self.kind(NUMBER))

    def fail(self, message: str) -> NoReturn:
        token = self.token
        raise PtxSyntaxError(
            f"{message}, found {token.text!r}" if token.text else f"{message}, found the end", token.line
        )


def constant(text: str) -> Integer | Real:
    """A number as PTX writes it: `12`, `0x1fU`, `017`, `0b101`, `0f3F800000`, `0d3FF0000000000000`, `1.5`."""
    prefix = text[:2].lower()
    if prefix == "0f":
        return Real(int.from_bytes(bytes.fromhex(text[2:])), 32)
    if prefix == "0d":
        return Real(int.from_bytes(bytes.fromhex(text[2:])), 64)
    digits = text.rstrip("U")
    if prefix == "0x":
        return Integer(int(digits, 16))
    if prefix == "0b":
        return Integer(int(digits, 2))
    if not digits.isdigit():
        return Real(int.from_bytes(struct.pack("<d", float(text)), "little"), 64)
    return Integer(int(digits, 8 if len(digits) > 1 and digits[0] == "0" else 10))
