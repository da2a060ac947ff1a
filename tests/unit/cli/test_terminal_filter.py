"""What a job prints reaches a terminal as colours and text, and as nothing else."""

import pytest

from telerun_magic.cli.terminal import RESET, Filter, clean

HOSTILE = {
    "title": b"\x1b]0;owned\x07",
    "clipboard": b"\x1b]52;c;cm0gLXJm\x1b\\",
    "move": b"\x1b[10;10H",
    "wipe": b"\x1b[2J",
    "answer back": b"\x1b[6n",
    "device control": b"\x1bP$q m\x1b\\",
    "reset": b"\x1bc",
    "eight bit": "\x9b2J".encode(),
    "bell": b"\x07",
}


def shown(data: bytes, size: int) -> str:
    stream = Filter()
    return "".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size)) + stream.close()


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("name", HOSTILE)
def test_no_sequence_passes_in_pieces_of_any_size(name: str, size: int) -> None:
    text = shown(b"before " + HOSTILE[name] + b" after", size)
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert not any(char in text for char in "\x1b\x07\x9b")


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_colours_pass_and_end(size: int) -> None:
    assert shown(b"\x1b[1;31mred", size) == "\x1b[1;31mred" + RESET
    assert shown(b"plain\r\n", size) == "plain\r\n"


def test_an_endless_sequence_does_not_swallow_the_rest() -> None:
    text = shown(b"\x1b]0;" + b"x" * 100_000 + b"\nvisible\n", 1000)
    assert "visible" in text
    assert "\x1b" not in text


def test_characters_are_decoded_across_pieces() -> None:
    assert shown("grüße ✓\n".encode(), 1) == "grüße ✓\n"
    assert shown(b"\xff\xfe\n", 1) == "��\n"


def test_one_line_stays_one_line() -> None:
    assert clean("a\nb\x1b[2J\tc") == "a b c"
