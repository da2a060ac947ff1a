"""Hostile sources: what they do to compilers, which run in the sandbox as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests_hostile import ConfinedExecutor
from tests_hostile_sources import LIMITS, MAIN, ROWS, SourceRow

from telerun_protocol.states import Language, Reason, State

pytestmark = pytest.mark.usefixtures("recovers")


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_compiler_is_bounded_and_learns_nothing(row: SourceRow, hostile_user: Any) -> None:
    done = await hostile_user.run(row.language, row.source, limits={**LIMITS, "compile_time_s": row.compile_time_s})
    seen = (done.result, done.compile_log[-2000:])
    assert done.result.reason in row.reasons, seen
    for words in row.said:
        assert words in done.compile_log, seen
    for words in row.unsaid:
        assert words not in done.compile_log, seen
    assert len(done.compile_log) <= 1 << 20


async def test_c6_the_compilers_environment_holds_nothing(
    hostile_user: Any, hostile_executor: ConfinedExecutor
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
async def test_c12_dangerous_flags_are_refused_before_anything_runs(flags: str, hostile_user: Any) -> None:
    files = {"main.c": MAIN, "evil": b"#!/bin/sh\n", "opts": b"-fplugin=./evil.so\n"}
    done = await hostile_user.run(Language.C, files, main="main.c", compile_flags=tuple(flags.split()))
    assert (done.result.reason, done.result.steps, done.job.attempt) == (Reason.BAD_SPEC, (), 1)
    assert flags.split(maxsplit=1)[0] in done.result.message


@pytest.mark.parametrize("name", ["-fplugin=x.c", "@main.c", "--help"])
async def test_c12_a_file_is_no_flag(name: str, hostile_user: Any) -> None:
    done = await hostile_user.run(Language.C, {name: MAIN, "main.c": b"-fplugin=./evil.so\n"}, main=name)
    assert done.job.state is State.SUCCEEDED, (done.result, done.compile_log)


async def test_c12_another_compiler_cannot_be_named(hostile_user: Any, tmp_path: Path) -> None:
    for language, compiler in ((Language.C, "sh"), (Language.CPP, "perl"), (Language.CUDA, "sh")):
        done = await hostile_user.run(language, {f"main.{language.value}": MAIN}, compiler=compiler, gpus=0)
        assert done.result.reason in (Reason.BAD_SPEC, Reason.NO_COMPILER), done.result
        assert done.result.steps == ()
