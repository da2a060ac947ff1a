"""Compilers' messages as data, from what the compilers really print."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from telerun_executor.diagnostics import MOST, parse
from telerun_protocol.messages import Diagnostic

SRC = Path("/w/src")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("main.cpp:3:5: error: expected ';'", Diagnostic(file="main.cpp", line=3, column=5, message="expected ';'")),
        (
            "/w/src/a b/x.h:1:10: fatal error: no.h: No such file or directory",
            Diagnostic(file="a b/x.h", line=1, column=10, message="no.h: No such file or directory"),
        ),
        (
            "main.c:2: warning: unused variable ‘x’ [-Wunused-variable]",
            Diagnostic(file="main.c", line=2, severity="warning", message="unused variable ‘x’ [-Wunused-variable]"),
        ),
        (
            "telerun emulation: error: out-of-bounds write of 4 bytes at 0x10: 8 bytes after the end of a block "
            "[kernel _Z3badPi, block (0,0,0), thread (1,0,0)] at /w/src/c.cu:3",
            Diagnostic(
                file="c.cu",
                line=3,
                message="out-of-bounds write of 4 bytes at 0x10: 8 bytes after the end of a block "
                "[kernel bad(int*), block (0,0,0), thread (1,0,0)]",
            ),
        ),
        (
            "telerun emulation: warning: 1 block of 256 bytes was never freed",
            Diagnostic(file="", severity="warning", message="1 block of 256 bytes was never freed"),
        ),
        (
            "telerun emulation: error: unsupported PTX: foo.b32: it is odd [kernel _Z1kPf] at c.cu:12",
            Diagnostic(file="c.cu", line=12, message="unsupported PTX: foo.b32: it is odd [kernel k(float*)]"),
        ),
        ('c.cu(2): error: expected a ";"', Diagnostic(file="c.cu", line=2, message='expected a ";"')),
        (
            'c.cu(3): warning #177-D: variable "x" was declared but never referenced',
            Diagnostic(
                file="c.cu",
                line=3,
                severity="warning",
                message='#177-D variable "x" was declared but never referenced',
            ),
        ),
        (
            "ptxas tmpxft_6_d.ptx, line 51; error   : Unknown modifier '.x'",
            Diagnostic(file="tmpxft_6_d.ptx", line=51, message="Unknown modifier '.x'"),
        ),
        (
            "ptxas fatal   : Unresolved extern function '_Z3extv'",
            Diagnostic(file="ptxas", message="Unresolved extern function '_Z3extv'"),
        ),
        (
            "nvcc fatal   : Unsupported gpu architecture 'sm_10'",
            Diagnostic(file="nvcc", message="Unsupported gpu architecture 'sm_10'"),
        ),
        (
            "g++: error: unrecognized command-line option ‘-std=c++99’",
            Diagnostic(file="g++", message="unrecognized command-line option ‘-std=c++99’"),
        ),
        (
            "b.cpp:(.text+0x5): undefined reference to `f()'",
            Diagnostic(file="b.cpp", message="undefined reference to `f()'"),
        ),
        (
            "/usr/bin/ld: b.cpp:(.text+0xa): undefined reference to `g()'",
            Diagnostic(file="b.cpp", message="undefined reference to `g()'"),
        ),
        (
            "/usr/bin/ld: cannot find -lnothere: No such file or directory",
            Diagnostic(file="", message="cannot find -lnothere: No such file or directory"),
        ),
    ],
)
def test_lines_of_compilers(line: str, wanted: Diagnostic) -> None:
    assert parse(line.encode(), [SRC]) == (wanted,)


@pytest.mark.parametrize(
    "line",
    [
        "    2 | int main(){ f(); }",
        "      |        ^",
        "In file included from a.h:3:",
        "1 error detected in the compilation of \"c.cu\".",
        "collect2: error: ld returned 1 exit status",
        "ptxas info    : Used 8 registers",
        "",
    ],
)  # fmt: skip
def test_lines_that_are_no_messages(line: str) -> None:
    assert parse(line.encode(), [SRC]) == ()


def test_what_gcc_and_its_linker_print_today(tmp_path: Path) -> None:
    source = tmp_path / "b.cpp"
    source.write_text("void f();\nint main() { f(); int x; }\n")
    done = subprocess.run(["g++", "-Wall", "b.cpp"], cwd=tmp_path, capture_output=True)
    found = parse(done.stderr, [tmp_path])
    assert [(one.file, one.line, one.column, one.severity) for one in found] == [
        ("b.cpp", 2, 23, "warning"),
        ("b.cpp", 0, 0, "error"),
    ]


def test_repeated_and_endless_messages_are_bounded() -> None:
    same = b"a.cpp:1:1: error: x\n" * 10
    assert len(parse(same, [])) == 1
    many = b"".join(b"a.cpp:%d:1: error: x\n" % number for number in range(MOST * 5))
    assert len(parse(many, [])) == MOST


def test_hostile_text_is_read_in_reasonable_time() -> None:
    """What a program makes its compiler print is a stranger's; nothing in it may cost more than its length."""
    lines = [b"a" * 1999, b"((" * 999, b": " * 999, b"/" * 1999, b"ld: " + b"x:" * 990, b"\xff" * 1999, b"(.a" * 660]
    began = time.process_time()
    assert parse(b"\n".join(lines * 70), [SRC]) == ()
    assert time.process_time() - began < 20
