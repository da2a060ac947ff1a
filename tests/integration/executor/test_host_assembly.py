"""C and C++ through the real compilers: what `--asm` shows of them."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from telerun_executor.asm.assembly import Assembly
from telerun_executor.toolchains.native import NativeToolchain
from telerun_executor.workspace import Workspace
from telerun_protocol.listing import AsmFunction
from telerun_protocol.messages import FileRef, JobSpec
from telerun_protocol.states import Language

SOURCE = """\
#include <vector>
#include <cstdio>

static int square(int x) {
    return x * x;
}

int total(const std::vector<int>& values) {
    int sum = 0;
    for (int value : values)
        sum += square(value);
    return sum;
}

int main() {
    int unused;
    std::vector<int> values(1000, 3);
    std::printf("%d\\n", total(values));
}
"""

needs_gcc = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")


def assembly_of(folder: Path, source: str = SOURCE, name: str = "cell.cpp", **more: Any) -> Assembly:
    workspace = Workspace(folder / "a job")
    workspace.create()
    (workspace.src / name).write_text(source)
    language = Language.C if name.endswith(".c") else Language.CPP
    file = FileRef(path=name, sha256="0" * 64, size_bytes=len(source))
    spec = JobSpec(language=language, files=(file,), asm=True, **more)
    toolchain = NativeToolchain(language)
    for command in toolchain.asm_commands(spec, workspace, ()):
        done = subprocess.run(
            command.argv, cwd=command.cwd, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True
        )
        assert done.stderr == b""  # the build has shown the warnings already
    return toolchain.read_assembly(spec, workspace, (), b"")


def functions(assembly: Assembly) -> dict[str, AsmFunction]:
    assert assembly.listing
    (view,) = assembly.listing.views
    assert (view.kind, view.arch) == ("host", platform.machine())
    return {function.name: function for function in view.functions}


@needs_gcc
def test_lines_of_cpp(tmp_path: Path) -> None:
    assembly = assembly_of(tmp_path, compile_flags=("-Wall",))
    assert [file.name for file in assembly.files] == ["cell.host.s"]
    assert assembly.listing
    assert assembly.listing.notes == ()
    assert assembly.listing.source[3] == "static int square(int x) {"
    found = functions(assembly)
    assert set(found) == {"main", "total(std::vector<int, std::allocator<int> > const&)"}
    total = found["total(std::vector<int, std::allocator<int> > const&)"]
    assert {r.source for r in total.ranges} <= set(range(4, 14))
    assert 5 in {r.source for r in total.ranges}  # square is inlined
    assert not any(line.strip().startswith((".cfi", ".loc", ".LBB", ".LVL")) for line in total.text)
    raw = assembly.files[0].path.read_text()
    assert ".cfi_startproc" in raw
    if platform.machine() == "x86_64":
        assert ".intel_syntax" in raw


@needs_gcc
def test_flags_that_would_change_what_is_written(tmp_path: Path) -> None:
    assembly = assembly_of(tmp_path, compile_flags=("-flto", "-g3", "-O0"))
    assert "square(int)" in functions(assembly)


@needs_gcc
def test_names_and_c(tmp_path: Path) -> None:
    source = "int twice(int x) {\n    return 2 * x;\n}\nint main(void) {\n    return twice(0);\n}\n"
    assembly = assembly_of(tmp_path, source, 'ü "b" \\c.c')
    assert [file.name for file in assembly.files] == ['ü "b" \\c.host.s']
    assert {r.source for r in functions(assembly)["twice"].ranges} <= {1, 2, 3}
    assert functions(assembly)["twice"].ranges


@pytest.mark.skipif(shutil.which("clang++") is None, reason="no clang++")
def test_clang(tmp_path: Path) -> None:
    assert "main" in functions(assembly_of(tmp_path, compiler="clang"))


def test_nothing_written_is_a_note(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "job")
    workspace.create()
    (workspace.src / "a.cpp").write_text("int main() {}\n")
    spec = JobSpec(language=Language.CPP, files=(FileRef(path="a.cpp", sha256="0" * 64, size_bytes=0),), asm=True)
    assembly = NativeToolchain(Language.CPP).read_assembly(spec, workspace, (), b"")
    assert assembly.listing
    assert assembly.listing.views == ()
    assert assembly.listing.notes == ("The host assembly is missing: No such file or directory.",)
