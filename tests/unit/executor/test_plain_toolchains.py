"""The commands that languages become, without running them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from telerun_executor.toolchains import project as project_module
from telerun_executor.toolchains import toolchains
from telerun_executor.toolchains.native import NativeToolchain
from telerun_executor.toolchains.project import ProjectToolchain
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import FileRef, JobSpec
from telerun_protocol.states import Language

SHA = "0" * 64


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.create()
    return workspace


def spec(language: Language, *paths: str, **fields: Any) -> JobSpec:
    files = tuple(FileRef(path=path, sha256=SHA, size_bytes=0) for path in paths)
    return JobSpec(language=language, files=files, **fields)


def argv(workspace: Workspace, language: Language, *paths: str, **fields: Any) -> tuple[str, ...]:
    (command,) = NativeToolchain(language).build_commands(spec(language, *paths, **fields), workspace, ())
    return command.argv


def test_every_language_has_its_toolchain() -> None:
    known = toolchains("python3")
    assert set(known) == set(Language)
    for language, toolchain in known.items():
        assert toolchain.language is language
        assert toolchain.info() or toolchain.missing()


def test_cpp(workspace: Workspace) -> None:
    line = argv(workspace, Language.CPP, "a.txt", std="c++20", libraries=("m", "z"), compile_flags=("-Wall",))
    assert Path(line[0]).name == "g++"
    assert line[1:] == (
        "-fdiagnostics-color=never", "-O2", "-std=c++20", "-I.", "-Wall", "-x", "c++", "a.txt", "-x", "none",
        "-o", str(workspace.program), "-lm", "-lz",
    )  # fmt: skip


@pytest.mark.parametrize(("flag", "kept"), [("-O3", False), ("-O", False), ("-Og", False), ("-Wno-x", True)])
def test_an_optimization_of_the_job_replaces_ours(workspace: Workspace, flag: str, kept: bool) -> None:
    assert ("-O2" in argv(workspace, Language.C, "a.c", compile_flags=(flag,))) is kept


@pytest.mark.parametrize("asked", ["nvcc", "rm", "clang++", "python"])
def test_c_is_not_compiled_by_just_anything(workspace: Workspace, asked: str) -> None:
    with pytest.raises(InvalidMessage, match="gcc, clang"):
        argv(workspace, Language.C, "a.c", compiler=asked)


def test_a_c_compilers_name_is_understood_for_cpp(workspace: Workspace) -> None:
    assert Path(argv(workspace, Language.CPP, "a.cpp", compiler="gcc")[0]).name == "g++"


def test_a_version_that_is_not_there(workspace: Workspace) -> None:
    with pytest.raises(InvalidMessage, match=r"no g\+\+-99") as refused:
        argv(workspace, Language.CPP, "a.cpp", compiler="g++-99")
    assert refused.value.hint


def test_assembly_is_made_with_the_builds_options(workspace: Workspace) -> None:
    toolchain = NativeToolchain(Language.CPP)
    assert toolchain.asm_commands(spec(Language.CPP, "a.cpp"), workspace, ()) == ()
    (command,) = toolchain.asm_commands(spec(Language.CPP, "a.cpp", asm=True, compile_flags=("-O1",)), workspace, ())
    assert {"-S", "-O1", "a.cpp"} <= set(command.argv)
    assert "-O2" not in command.argv


def test_programs_are_found_whatever_their_names(workspace: Workspace) -> None:
    chains = toolchains("/opt/python")
    odd = spec(Language.PYTHON, "-c.py", args=("-x",))
    assert chains[Language.PYTHON].run_command(odd, workspace).argv == (
        "/opt/python", "-u", str(workspace.src / "-c.py"), "-x",
    )  # fmt: skip
    assert chains[Language.SHELL].run_command(spec(Language.SHELL, "-c"), workspace).argv[1].endswith("/-c")


# ------------------------------------------------------------------------------------------------------- projects


def prepared(workspace: Workspace, files: dict[str, bytes]) -> JobSpec:
    for path, content in files.items():
        target = workspace.src / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    project = spec(Language.PROJECT, *files)
    ProjectToolchain().prepare(project, workspace)
    return project


def archive(*members: tarfile.TarInfo, folder: str = "") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for member in members:
            member.name = folder + member.name
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("files", "first"),
    [
        ({"run.sh": b"", "CMakeLists.txt": b"", "Makefile": b""}, None),
        ({"CMakeLists.txt": b"", "Makefile": b""}, "cmake"),
        ({"Makefile": b""}, "make"),
        ({"GNUmakefile": b""}, "make"),
    ],
)
def test_what_decides_how_a_project_is_built(workspace: Workspace, files: dict[str, bytes], first: str | None) -> None:
    project = prepared(workspace, {**files, "src/main.cpp": b""})
    commands = ProjectToolchain().build_commands(project, workspace, ())
    assert (commands[0].argv[0] if commands else None) == first
    assert all(command.cwd == workspace.work for command in commands)
    assert (workspace.work / "src/main.cpp").is_file()


def test_a_projects_flags(workspace: Workspace) -> None:
    prepared(workspace, {"Makefile": b""})
    project = spec(Language.PROJECT, "Makefile", compile_flags=("-O3", "-g"))
    (command,) = ProjectToolchain().build_commands(project, workspace, ())
    assert command.env == {"CFLAGS": "-O3 -g", "CXXFLAGS": "-O3 -g"}


def test_an_archive_of_one_folder_is_that_folder(workspace: Workspace) -> None:
    prepared(workspace, {"p.tar": archive(tarfile.TarInfo("Makefile"), tarfile.TarInfo("x"), folder="top/")})
    assert (workspace.work / "Makefile").is_file()


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_an_archive_holds_files_and_folders_only(workspace: Workspace, kind: bytes) -> None:
    member = tarfile.TarInfo("x")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(InvalidMessage, match="neither a file nor a folder"):
        prepared(workspace, {"p.tar": archive(member)})


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x"])
def test_a_name_cannot_leave_an_archive(workspace: Workspace, name: str) -> None:
    with pytest.raises(InvalidMessage, match="cannot be unpacked"):
        prepared(workspace, {"p.tar": archive(tarfile.TarInfo(name))})
    assert not (workspace.build / "x").exists()


def test_an_archive_keeps_what_is_executable(workspace: Workspace) -> None:
    script, text = tarfile.TarInfo("./run.sh"), tarfile.TarInfo("./notes/text")
    script.mode, text.mode = 0o4755, 0o666
    prepared(workspace, {"p.tar": archive(script, text)})
    assert (workspace.work / "run.sh").stat().st_mode & 0o7777 == 0o755
    assert (workspace.work / "notes" / "text").stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_archive(workspace: Workspace, content: bytes) -> None:
    with pytest.raises(InvalidMessage, match="cannot be unpacked"):
        prepared(workspace, {"p.tar.gz": content})


def test_an_archive_is_bounded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_module, "MOST_TAR_BYTES", 10_000)
    member = tarfile.TarInfo("x")
    member.size = 20_000
    with pytest.raises(InvalidMessage, match="more than"):
        prepared(workspace, {"p.tar": archive(member)})


def program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("built", "runs"),
    [
        (["bin/any"], "bin/any"),
        (["main", "other"], "main"),
        (["a.out", "x/main"], "x/main"),
        (["a.out", "other"], "a.out"),
        (["any", "lib.so", "lib.so.1"], "any"),
    ],
)
def test_which_program_of_a_project_runs(workspace: Workspace, built: list[str], runs: str) -> None:
    project = prepared(workspace, {"Makefile": b"", "script.sh": b"#!/bin/sh"})
    for path in built:
        program(workspace.work / path)
    command = ProjectToolchain().run_command(project, workspace)
    assert command.argv == (str(workspace.work / runs),)
    assert command.cwd == workspace.work


@pytest.mark.parametrize("built", [[], ["one", "two"]])
def test_a_project_without_one_program(workspace: Workspace, built: list[str]) -> None:
    project = prepared(workspace, {"Makefile": b""})
    for path in built:
        program(workspace.work / path)
    with pytest.raises(InvalidMessage, match=f"built: {', '.join(built) or 'none'}") as refused:
        ProjectToolchain().run_command(project, workspace)
    assert "run.sh" in (refused.value.hint or "")
