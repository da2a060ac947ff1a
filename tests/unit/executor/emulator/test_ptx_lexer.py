"""PTX text as tokens."""

from __future__ import annotations

import pytest

from telerun_executor.emulator.ptx.errors import PtxSyntaxError
from telerun_executor.emulator.ptx.lexer import DOT, END, MARK, NUMBER, PLACE, STRING, WORD, tokens


def test_an_instruction_is_words_dots_and_marks() -> None:
    found = tokens("@!%p1 ld.shared::cta.v2.f32 {%f1, %f2}, [%rd4+-8];")
    assert [(token.kind, token.text) for token in found] == [
        (MARK, "@"), (MARK, "!"), (WORD, "%p1"), (WORD, "ld"), (DOT, ".shared::cta"), (DOT, ".v2"), (DOT, ".f32"),
        (MARK, "{"), (WORD, "%f1"), (MARK, ","), (WORD, "%f2"), (MARK, "}"), (MARK, ","),
        (MARK, "["), (WORD, "%rd4"), (MARK, "+"), (MARK, "-"), (NUMBER, "8"), (MARK, "]"), (MARK, ";"), (END, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["0f3F800000", "0d3FF0000000000000", "0x7fU", "017", "0b101", "42", "9.0", "1.5e-3", "1e9"]
)
def test_numbers_are_one_token(text: str) -> None:
    assert [token.text for token in tokens(text)] == [text, ""]


def test_lines_are_counted_through_comments_strings_and_debug_sections() -> None:
    text = '// one\n/* two\nthree */ .file 1 "a\\"b.cu"\n.section .debug_str\n{\n.b8 1,2\n}\n.loc 1 2 3, x\nend'
    found = {token.text: (token.kind, token.line) for token in tokens(text)}
    assert found['"a\\"b.cu"'] == (STRING, 3)
    assert found[".loc 1 2 3, x"] == (PLACE, 8)
    assert found["end"] == (WORD, 9)
    assert ".section" not in found


def test_the_zeros_that_end_ptx_in_a_fat_binary_are_no_text() -> None:
    assert [token.kind for token in tokens("ret;\n\0\0\0")] == [WORD, MARK, END]


def test_a_character_that_ptx_does_not_have_is_named_with_its_line() -> None:
    with pytest.raises(PtxSyntaxError, match=r"^PTX line 2: unexpected character '#'$"):
        tokens("ret;\n#")
