"""What the emulation's build decides without compiling anything."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from telerun_executor.emulator.build import (
    EmulatorBuildError,
    build_runtime,
    check_bits,
    cuda_version,
    library_name,
    main,
)
from telerun_executor.emulator.fatbinary import MAGIC, PTX, ptx_of_program

ELF_KIND = 2


def fat_binary(*entries: tuple[int, int, bytes]) -> bytes:
    """A container of (kind, architecture, payload)."""
    payload = b"".join(
        struct.pack("<HHIQ12xI", kind, 1, 64, len(content), architecture).ljust(64, b"\0") + content
        for kind, architecture, content in entries
    )
    return struct.pack("<IHHQ", MAGIC, 1, 16, len(payload)) + payload


def elf(section: bytes) -> bytes:
    """An ELF file with the sections .nv_fatbin and .shstrtab."""
    names = b"\0.nv_fatbin\0.shstrtab\0"
    table_at = 64 + len(section) + len(names)
    header = b"\x7fELF\x02\x01".ljust(40, b"\0") + struct.pack("<Q", table_at)
    header = header.ljust(58, b"\0") + struct.pack("<HHH", 64, 3, 2)
    sections = (
        bytes(64),
        struct.pack("<IIQQQQ", 1, 1, 0, 0, 64, len(section)).ljust(64, b"\0"),
        struct.pack("<IIQQQQ", 12, 3, 0, 0, 64 + len(section), len(names)).ljust(64, b"\0"),
    )
    return header + section + names + b"".join(sections)


def test_the_newest_ptx_that_can_run_is_taken_from_each_fat_binary() -> None:
    old, fitting, newer = (b".version 8.0 // %d\n\0\0" % architecture for architecture in (75, 80, 90))
    program = elf(
        fat_binary((PTX, 75, old), (ELF_KIND, 80, b"\x7fELF .version"), (PTX, 80, fitting), (PTX, 90, newer))
        + fat_binary((PTX, 80, b"\x28\xb5\x2f\xfd compressed"))
        + fat_binary((PTX, 75, old))
        + fat_binary((PTX, 80, fitting))
    )
    assert ptx_of_program(program) == [b".version 8.0 // 80", b".version 8.0 // 75"]
    assert ptx_of_program(program, newest=90) == [b".version 8.0 // 90", b".version 8.0 // 75", b".version 8.0 // 80"]


def test_a_program_without_cuda_has_no_ptx() -> None:
    assert ptx_of_program(b"#!/bin/sh\n") == []
    assert ptx_of_program(elf(b"")) == []


def test_a_library_is_named_by_its_ptx_without_what_follows_it() -> None:
    digest = hashlib.sha256(b".version 8.0").hexdigest()
    assert library_name(b".version 8.0", 7) == f"{digest}-7.so"
    assert library_name(b".version 8.0\n\n\0\0", 7) == f"{digest}-7.so"


@pytest.mark.parametrize(
    ("text", "bits"),
    [("7", 7), ("none", 0), ("memory", 1), ("memory,init,barriers", 7), ("all", 15), ("races,memory", 9)],
)
def test_checks_are_a_number_or_words(text: str, bits: int) -> None:
    assert check_bits(text) == bits


def test_an_unknown_check_is_named() -> None:
    with pytest.raises(EmulatorBuildError, match="no check 'race'; there are memory, init, barriers, races"):
        check_bits("memory,race")


def test_headers_must_say_their_version(tmp_path: Path) -> None:
    with pytest.raises(EmulatorBuildError, match=r"cannot read .*cuda_runtime_api\.h"):
        cuda_version(tmp_path)
    (tmp_path / "cuda_runtime_api.h").write_text("#define CUDART_VERSION  12090\n")
    assert cuda_version(tmp_path) == 12090
    (tmp_path / "cuda_runtime_api.h").write_text("")
    with pytest.raises(EmulatorBuildError, match="does not say its version"):
        cuda_version(tmp_path)


def test_a_missing_compiler_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELERUN_EMULATOR_GCC", "no-such-compiler")
    with pytest.raises(EmulatorBuildError, match="needs gcc, which is not installed"):
        build_runtime(tmp_path, tmp_path)
    (tmp_path / "a.ptx").write_text(".version 8.0\n")
    assert main(["ptx", str(tmp_path / "a.ptx"), str(tmp_path / "a.so"), "memory"]) == 1
    assert capsys.readouterr().err == (
        "telerun emulation: error: the CPU emulation of CUDA needs gcc, which is not installed\n"
    )


def test_a_wrong_command_line_is_answered_with_the_right_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernels"]) == 2
    assert "telerun_executor.emulator.build program <program> <folder> <checks>" in capsys.readouterr().err
