"""Hostile sources: what they do to compilers, which run in the sandbox as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests_hostile import ConfinedExecutor, HostState, wait_until_as_before

from telerun_protocol.states import Language, Reason, State

LIMITS = {
    "wall_time_s": 4.0,
    "compile_time_s": 12.0,
    "disk_bytes": 64 << 20,
    "processes": 64,
    "memory_bytes": 256 << 20,
}
MAIN = b"int main(void) { return 0; }\n"


@dataclass(frozen=True, kw_only=True)
class Row:
    number: str
    source: bytes
    reasons: frozenset[Reason | None] = frozenset({Reason.COMPILE_ERROR})  # None: it compiles and runs
    language: Language = Language.C
    compile_time_s: float = 12.0
    said: tuple[bytes, ...] = ()  # in the compiler's messages
    unsaid: tuple[bytes, ...] = (b"root:x:0:0:root:/root:/bin/bash", b"daemon:")

    def __str__(self) -> str:
        return self.number


ERRORS = frozenset({Reason.COMPILE_ERROR})
MEMORY = frozenset({Reason.MEMORY_LIMIT})
TIME = frozenset({Reason.COMPILE_TIME_LIMIT})
BOMB = b"#define A0 x x x x x x x x x x\n" + b"".join(
    b"#define A%d %s\n" % (n, b" ".join([b"A%d" % (n - 1)] * 10)) for n in range(1, 10)
)
ROWS = [
    Row(
        number="C1-templates", language=Language.CPP,
        source=b"template <int N> struct F { using a = typename F<N - 1>::a; using b = typename F<N + 100000>::b; };\n"
               b"F<0>::a x;\n" + MAIN,
        said=(b"instantiation depth",),
    ),
    Row(
        number="C2-constexpr", language=Language.CPP, reasons=TIME, compile_time_s=1.5,
        source=b"template <int N> constexpr int f() { int x = N; for (int i = 0; i < 9000000; i++) x ^= i; return x; }"
               b"template <int N> struct S { static constexpr int v = f<N>() + S<N - 1>::v; };\n"
               b"template <> struct S<0> { static constexpr int v = 0; };\nint y = S<500>::v;\n" + MAIN,
    ),
    Row(number="C3-zero", source=b'#include "/dev/zero"\n', reasons=MEMORY),
    Row(number="C3-urandom", source=b'#include "/dev/urandom"\n', reasons=MEMORY | TIME | ERRORS),
    Row(number="C4-passwd", source=b'#include "/etc/passwd"\n' + MAIN),
    Row(number="C4-shadow", source=b'#include "/etc/shadow"\n' + MAIN, said=(b"No such file",)),
    Row(number="C4-embed", source=b'const char s[] = {\n#embed "/etc/shadow"\n};\n' + MAIN),
    Row(
        number="C4-has-include", said=(b"is absent",), unsaid=(b"is present",),
        source=b'#if __has_include("/etc/shadow")\n#error is present\n#else\n#error is absent\n#endif\n',
    ),
    Row(number="C5-incbin", source=b'__asm__(".incbin \\"/etc/shadow\\"");\n' + MAIN, said=(b"file not found",)),
    Row(number="C7-rept", source=b'__asm__(".rept 1000000000\\n.quad 0\\n.endr");\n' + MAIN, reasons=MEMORY),
    Row(
        number="C8-array", source=b"char a[1UL << 33] = {1};\n" + MAIN,
        reasons=ERRORS | MEMORY | frozenset({Reason.DISK_LIMIT}),
    ),
    Row(number="C9-macros", source=BOMB + b"int y[] = { A9 };\n", reasons=MEMORY | TIME),
    Row(
        number="C10-errors", source=(b"#error " + b"e" * 10_000 + b"\n") * 600, compile_time_s=30,
        reasons=frozenset({Reason.OUTPUT_LIMIT}),
    ),
    Row(
        number="C10-warnings", reasons=frozenset({Reason.OUTPUT_LIMIT}), compile_time_s=30,
        source=(b'_Pragma("GCC warning \\"' + b"w" * 10_000 + b'\\"")\n') * 600 + MAIN,
    ),
    Row(number="C11-itself", source=b'#include "main.c"\n' + MAIN, said=(b"nested",)),
    Row(number="C11-empty", source=b"", said=(b"main",)),
    Row(number="C11-no-main", source=b"int x;\n", said=(b"main",)),
    Row(number="C11-mark", source=b"\xef\xbb\xbf" + MAIN, reasons=frozenset({None})),
    Row(number="C11-nul", source=b"\0" + MAIN + b"\0\0", reasons=ERRORS | frozenset({None})),
    Row(number="C11-stdin", source=b'#include "/dev/stdin"\n' + MAIN, reasons=ERRORS | frozenset({None})),
]  # fmt: skip


async def recovers(user: Any, before: HostState, executor: ConfinedExecutor) -> None:
    done = await user.run(Language.C, MAIN)
    assert done.job.state is State.SUCCEEDED, done.result
    wait_until_as_before(before, executor)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_compiler_is_bounded_and_learns_nothing(
    row: Row, hostile_user: Any, hostile_executor: ConfinedExecutor, before: HostState
) -> None:
    done = await hostile_user.run(row.language, row.source, limits={**LIMITS, "compile_time_s": row.compile_time_s})
    seen = (done.result, done.compile_log[-2000:])
    assert done.result.reason in row.reasons, seen
    for words in row.said:
        assert words in done.compile_log, seen
    for words in row.unsaid:
        assert words not in done.compile_log, seen
    assert len(done.compile_log) <= 1 << 20
    await recovers(hostile_user, before, hostile_executor)


async def test_c6_the_compilers_environment_holds_nothing(
    hostile_user: Any, hostile_executor: ConfinedExecutor, before: HostState
) -> None:
    source = b"""#include <stdio.h>
__asm__("begin: .incbin \\"/proc/self/environ\\"\\nend:");
extern const char begin[], end[];
int main(void) { fwrite(begin, 1, (size_t)(end - begin), stdout); return 0; }
"""
    done = await hostile_user.run(Language.C, source)
    assert done.result.reason in (None, Reason.COMPILE_ERROR), done.result
    names = {entry.partition(b"=")[0] for entry in done.stdout.split(b"\0") if entry}
    allowed = {b"PATH", b"HOME", b"LANG", b"TMPDIR", b"PWD", b"OLDPWD", b"CUDA_VISIBLE_DEVICES"}
    assert {name for name in names if not name.startswith((b"COLLECT_", b"GCC_", b"OFFLOAD_", b"LTO_"))} <= allowed
    assert hostile_executor.server.executor_token_file.read_bytes().strip() not in done.stdout


FLAGS = ["-fplugin=./evil.so", "-B.", "-B .", "@opts", "-specs=opts", "-wrapper ./evil", "-Wl,-plugin,./evil.so",
         "-Xlinker --plugin=./evil.so", "-I/root", "-include /etc/shadow", "-o /tmp/x",
         "-fmodule-mapper=|./evil"]  # fmt: skip


@pytest.mark.parametrize("flags", FLAGS)
async def test_c12_dangerous_flags_are_refused_before_anything_runs(
    flags: str, hostile_user: Any, before: HostState
) -> None:
    files = {"main.c": MAIN, "evil": b"#!/bin/sh\n", "opts": b"-fplugin=./evil.so\n"}
    done = await hostile_user.run(Language.C, files, main="main.c", compile_flags=tuple(flags.split()))
    assert (done.result.reason, done.result.steps, done.job.attempt) == (Reason.BAD_SPEC, (), 1)
    assert flags.split(maxsplit=1)[0] in done.result.message


@pytest.mark.parametrize("name", ["-fplugin=x.c", "@main.c", "--help"])
async def test_c12_a_file_is_no_flag(name: str, hostile_user: Any, before: HostState) -> None:
    done = await hostile_user.run(Language.C, {name: MAIN, "main.c": b"-fplugin=./evil.so\n"}, main=name)
    assert done.job.state is State.SUCCEEDED, (done.result, done.compile_log)


async def test_c12_another_compiler_cannot_be_named(hostile_user: Any, tmp_path: Path) -> None:
    for language, compiler in ((Language.C, "sh"), (Language.CPP, "perl"), (Language.CUDA, "sh")):
        done = await hostile_user.run(language, {f"main.{language.value}": MAIN}, compiler=compiler, gpus=0)
        assert done.result.reason in (Reason.BAD_SPEC, Reason.NO_COMPILER), done.result
        assert done.result.steps == ()
