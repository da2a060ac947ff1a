"""The emulation built with the real compilers of this machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests_cuda_corpus import Emulator, cuda_headers

from telerun_executor.emulator import build
from telerun_executor.emulator.build import EmulatorBuildError, build_kernels, build_runtime, cuda_version
from telerun_executor.toolchains.discovery import find_cuda_tools


def exported(library: Path) -> set[str]:
    """Names and versions, as `cudaMalloc@@libcudart.so.13`."""
    listing = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    return {line.split()[2] for line in listing.stdout.splitlines() if re.search(r" [TW] _*cuda", line)}


def test_every_function_of_the_real_library_is_there(emulator: Emulator) -> None:
    headers = cuda_headers(find_cuda_tools())
    major = cuda_version(headers) // 1000
    found = [
        path
        for folder in ("lib", "lib64", "lib/x86_64-linux-gnu")
        for path in headers.parent.glob(f"{folder}/libcudart.so.{major}")
    ]
    if not found:
        pytest.skip(f"the toolkit at {headers.parent} has no libcudart.so.{major}")
    ours = exported(emulator.runtime / f"libcudart.so.{major}")
    assert len(ours) > 400
    assert exported(found[0]) - ours == set()


def test_it_is_built_once(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_again(command: list[str], what: str) -> None:
        raise AssertionError(what)

    monkeypatch.setattr(build, "_compile", compile_again)
    assert build_runtime(emulator.runtime.parent, cuda_headers(find_cuda_tools())) == emulator.runtime


def test_ptx_that_cannot_be_translated_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(EmulatorBuildError):
        build_kernels(".version 8.0\n.target sm_80\n.address_size 64\nno such directive\n", tmp_path / "x.so", 7)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmulatorBuildError, match=r"cannot write to .*file"):
        build_runtime(tmp_path / "file", cuda_headers(find_cuda_tools()))
