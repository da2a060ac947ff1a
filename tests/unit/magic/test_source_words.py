"""What a person writes around a source: its language, directives, sizes, durations and options."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import pytest

from telerun_magic import directives, language, options
from telerun_magic.completion import complete
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.limits import show_limit
from telerun_protocol.states import Language
from telerun_protocol.units import parse_duration, parse_size, show_duration, show_size


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("#include <cstdio>\nint main() {}", Language.CPP),
        ('#include "mine.h"\n', Language.CPP),
        ("int main(int argc, char** argv) {}", Language.CPP),
        ("using namespace std;", Language.CPP),
        ("__global__ void k() {}", Language.CUDA),
        ("#include <cuda_runtime.h>\nint main() {}", Language.CUDA),
        ("int main() { k<<<1, 2>>>(); }", Language.CUDA),
        ("int main() { cudaFree(nullptr); }", Language.CUDA),
        ('#include <cstdio>\nint main() { puts("a <<< b"); } // __global__', Language.CPP),
        ("import os\nprint(os.getcwd())", Language.PYTHON),
        ("# define the sum\ndef f(x):\n    return x", Language.PYTHON),
        ("import os\nkernel = '''\n#include <x>\n__global__ void k();\n'''", Language.PYTHON),
        ('#include <string>\n__device__ int x;\nauto s = R"(\nimport torch\n)";', Language.CUDA),
        ("#!/usr/bin/env python3\nx = 1", Language.PYTHON),
        ("\n#!/bin/sh\nls", Language.SHELL),
    ],
)
def test_language_of_a_text(source: str, expected: Language) -> None:
    found = language.of_text(source)
    assert found is not None
    assert found[0] is expected
    assert found[1], "and what gave it away"


def test_language_that_does_not_show() -> None:
    assert language.of_text("hello") is None
    assert language.named("CUDA") is Language.CUDA
    assert language.named("c++") is Language.CPP
    with pytest.raises(InvalidMessage, match="Did you mean python"):
        language.named("pyton")
    assert language.of_file(PurePath("a/B.CU")) is Language.CUDA
    with pytest.raises(InvalidMessage, match="does not say its language"):
        language.of_file(PurePath("Makefile"))


def test_directives() -> None:
    found = directives.read(
        '// TL+ {"platform":"h100"}\n'
        '  # TL {"compile_flags": ["-a"]}\n'
        '% TL+ {"compile_flags":["-lcuda","-lcublas"], "unknown": 1}\n'
        '// TL+ {"header_files":["tma-interface.cuh"]}\n'
        "// TLB misses are rare\n// TL is no object\n"
        '// TL {"workspace_files":[]}'
    )
    assert found.platform == "h100"
    assert found.compile_flags == ("-a", "-lcuda", "-lcublas")
    assert found.header_files == ("tma-interface.cuh",)
    assert found.workspace_files == ()
    assert directives.read('// TL {"compile_flags": ["-a"]}\n// TL {"compile_flags": ["-b"]}').compile_flags == ("-b",)


@pytest.mark.parametrize(
    "line", ["// TL {'a': 1}", "// TL+ {", '// TL {"platform": 1}', '// TL {"compile_flags": "-O3"}', '// TL {"a":1} x']
)
def test_broken_directives_name_their_line(line: str) -> None:
    with pytest.raises(InvalidMessage, match="line 2"):
        directives.read(f"\n{line}")


def test_sizes_and_durations() -> None:
    assert [parse_size(text) for text in ("4096", "100k", "2GB", "1.5 GiB", "512MB")] == [
        4096, 100_000, 2 * 10**9, 3 * 2**29, 512 * 10**6
    ]  # fmt: skip
    assert [parse_duration(text) for text in ("30", "30s", "2m", "1h30m", "500ms")] == [30, 30, 120, 5400, 0.5]
    for wrong in ("", "GB", "2XB", "-1", "0", "9" * 400, "1 2"):
        with pytest.raises(InvalidMessage, match="is not a size"):
            parse_size(wrong)
        with pytest.raises(InvalidMessage, match="is not a duration"):
            parse_duration(wrong if wrong != "1 2" else "1x2")
    assert [show_size(size) for size in (0, 1023, 1024, 1536, 10_189, 1_048_000, 64 << 20, 10**9, 5 << 50)] == [
        "0 B", "1023 B", "1 KiB", "1.5 KiB", "10 KiB", "1023 KiB", "64 MiB", "954 MiB", "5120 TiB"
    ]  # fmt: skip
    assert all(parse_size(show_size(size)) == size for size in (1, 1 << 10, 3 << 20, 3 << 29, 16 << 30, 7 << 40))
    assert [show_duration(seconds) for seconds in (-1, 0.0304, 1.234, 59.96, 3725, 86_400, 100_000, 604_800)] == [
        "0 ms", "30 ms", "1.23 s", "1 min 00 s", "1 h 02 min", "1 day", "1 day 3 h", "7 days"
    ]  # fmt: skip
    limits = {"wall_time_s": 1.5, "cpu_time_s": 90, "compile_time_s": 3600, "memory_bytes": 1 << 32, "processes": 4096}
    assert [show_limit(*limit) for limit in limits.items()] == ["1.5 s", "90 s", "1 h 00 min", "4 GiB", "4096"]


def test_options() -> None:
    given = options.parse("cu --asm --arch 80,90 --flags '-O3 -Wall' -X lcublas -D 'S=x y' --args '1 2' -- 3 'a b' --x")
    words = options.words(given, {})
    assert words["lang"] == "cu"
    assert words["asm"] is True
    assert words["archs"] == ["80,90"]
    assert words["flags"] == ["-O3", "-Wall", "-lcublas", "-DS=x y"]
    assert words["args"] == ["1", "2", "3", "a b", "--x"]
    assert options.words(options.parse("--flags -O3"), {})["flags"] == ["-O3"], "a value may begin with a dash"
    assert options.words(options.parse("--limit cpu_time=5s --limit output=1MB"), {})["limits"] == {
        "cpu_time_s": 5.0,
        "output_bytes": 1_000_000,
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--asmm", "Did you mean --asm"),
        ("--arc 80", "Did you mean --arch"),
        ("cu extra", "one word too many"),
        ("cpp -O3", "flag for the compiler is given by -X -O3"),
        ("'open", "quote without its partner"),
        ("--gpus many", "cannot be read"),
        ("--time", "expected one argument"),
        ("--env A", "NAME=VALUE"),
        ("--limit speed=1", "There is no limit"),
        ("--hide everything", "no such part"),
        ("--var 1x", "not a variable's name"),
        ("--var class", "not a variable's name"),
        ("--in x=", "must look like FILE or NAME=FILE"),
        ("--in =x", "must look like FILE or NAME=FILE"),
        ("--in ''", "must look like FILE or NAME=FILE"),
        ("--stdin .", "cannot be the folder"),
        ("--in nowhere", "no file and no variable 'nowhere'"),
    ],
)
def test_wrong_options(line: str, message: str) -> None:
    def read() -> None:
        given = options.parse(line)
        options.presentation(given)
        options.words(given, {})

    with pytest.raises(InvalidMessage, match=message):
        read()


def test_inputs_under_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("set/a.txt", "set/deep/b.txt", "one.txt", "single/c.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    def named(line: str) -> list[str]:
        return sorted(options.words(options.parse(line), {"word": "text"})["inputs"])

    assert named("--in set --in one.txt") == ["one.txt", "set/a.txt", "set/deep/b.txt"]
    assert named("--in data=set --in two.txt=one.txt") == ["data/a.txt", "data/deep/b.txt", "two.txt"]
    assert named("--in s=single --in x/y=word") == ["s/c.txt", "x/y"]


def test_defaults_from_a_configuration() -> None:
    found = options.from_config({"std": "c++20", "flags": "-O3", "compile-only": True, "asm": False, "tag": ["a", "b"]})
    words = options.words(found | options.parse("--std c++17"), {})
    assert (words["std"], words["flags"], words["run"], words["asm"]) == ("c++17", ["-O3"], False, False)
    assert words["tags"] == ["a", "b"]
    assert options.from_config({"var": 5, "gpus": 2, "no_emulate": True}) == {"var": "5", "gpus": 2, "emulate": False}
    for wrong, message in (
        ({"stdd": 1}, "Did you mean 'std'"),
        ({"out": ["a"]}, "a text or a number"),
        ({"bg": "yes"}, "true or false"),
    ):
        with pytest.raises(InvalidMessage, match=message):
            options.from_config(wrong)


def test_parts_to_show() -> None:
    assert options.presentation(options.parse("--hide asm,files")).hidden == {"asm", "files"}
    assert "asm" not in options.presentation(options.parse("--show asm")).hidden
    assert "files" in options.presentation(options.parse("--show asm")).hidden


@pytest.mark.parametrize(
    ("text", "line", "before", "piece", "expected"),
    [
        ("%%telerun --as", 0, "%%telerun --as", "--as", "--asm"),
        ("%%telerun c", 0, "%%telerun c", "c", "cu"),
        ("%%telerun cu\n__gl", 1, "%%telerun cu\n__gl", "__gl", "__global__"),
        ("%%telerun cu\nx = cudaMemc", 1, "x = cudaMemc", "cudaMemc", "cudaMemcpy"),
    ],
)
def test_completion(text: str, line: int, before: str, piece: str, expected: str) -> None:
    found: Any = complete(text, line, before)
    assert found[0] == piece
    assert expected in found[1]


def test_completion_leaves_other_cells_alone() -> None:
    assert complete("import os\nos.", 1, "os.") is None
    assert complete("", 0, "") is None
