"""Projects, files that come back and what is only compiled, through the real server and executor."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest

from telerun_protocol.codec import decode
from telerun_protocol.errors import NoSuchExecutor
from telerun_protocol.listing import LISTING_PATH, AsmListing
from telerun_protocol.states import Language, Phase, Reason, State

pytestmark = pytest.mark.usefixtures("telerun_executor")


@pytest.mark.parametrize("build", ["make", "cmake", "run.sh"])
async def test_projects(user: Any, build: str) -> None:
    files = {"src/main.cpp": '#include <cstdio>\nint main() { std::puts(NAME); std::remove("out"); }'}
    if build == "make":
        files["Makefile"] = "main: src/main.cpp\n\tg++ $(CXXFLAGS) -o $@ $<\n"
    elif build == "cmake":
        files["CMakeLists.txt"] = (
            "cmake_minimum_required(VERSION 3.16)\nproject(p CXX)\nadd_executable(any src/main.cpp)\n"
        )
    else:
        files["run.sh"] = "g++ -DNAME='\"built\"' -o x src/main.cpp && ./x\n"
    done = await user.run(
        Language.PROJECT, files, compile_flags=('-DNAME=\\"built\\"',) if build == "cmake" else ("-DNAME='\"built\"'",)
    )
    assert done.stdout == b"built\n", (done.result, done.compile_log, done.stderr)


async def test_a_project_may_be_an_archive(user: Any) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, text in (("p/run.sh", b"cat data/x; cp data/x out/y"), ("p/data/x", b"in the tar")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    done = await user.run(Language.PROJECT, {"p.tar.gz": stream.getvalue()})
    assert done.stdout == b"in the tar"
    assert await done.file("y") == b"in the tar"


async def test_inputs_lie_beside_a_projects_files(user: Any) -> None:
    files = {"run.sh": "cat data/own data/given out/before", "data/own": "own ", "out/before": "before "}
    done = await user.run(Language.PROJECT, files, inputs={"data/given": b"given "})
    assert done.stdout == b"own given before "
    for given, twice in (("run.sh", "run.sh"), ("data", "data"), ("data/own", "data/own"), ("data/own/x", "data/own")):
        done = await user.run(Language.PROJECT, files, inputs={given: b"another"})
        assert (done.result.reason, done.job.attempt) == (Reason.BAD_SPEC, 1)
        assert f"'{twice}'" in done.result.message


async def test_an_archive_cannot_leave_its_folder(user: Any, tmp_path: Any) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo(f"../../../../../../../..{tmp_path}/escaped")
        tar.addfile(member, io.BytesIO(b""))
    done = await user.run(Language.PROJECT, {"p.tar": stream.getvalue()})
    assert done.result.reason is Reason.BAD_SPEC
    assert not (tmp_path / "escaped").exists()


async def test_a_project_without_a_way_to_build_it(user: Any) -> None:
    done = await user.run(Language.PROJECT, {"a.txt": "x", "b.txt": "y"})
    assert done.result.reason is Reason.BAD_SPEC
    assert "run.sh" in done.result.message


async def test_files_come_back_and_links_do_not(user: Any) -> None:
    source = """
import os
os.makedirs("out/deep/er")
open("out/deep/er/x.csv", "w").write("a,b")
open("out/pic.png", "wb").write(bytes(range(256)))
os.symlink("/etc/passwd", "out/passwd")
os.symlink("/etc", "out/etc")
os.link("out/pic.png", "out/twin.png")
os.mkfifo("out/pipe")
os.makedirs("out/.telerun"); open("out/.telerun/x", "w").write("reserved")
open(b"out/\\xff", "w").write("no utf-8")
open("out/kept.txt", "w").write("kept")
raise SystemExit(4)
"""
    done = await user.run(Language.PYTHON, source)
    artifacts = {artifact.path: artifact for artifact in done.result.artifacts}
    assert set(artifacts) == {"deep/er/x.csv", "kept.txt"}
    assert artifacts["deep/er/x.csv"].media_type == "text/csv"
    assert await done.file("deep/er/x.csv") == b"a,b"
    assert done.result.exit_code == 4
    assert len(done.result.notes) == 3
    assert done.job.phases[-1].phase is Phase.COLLECT


@pytest.mark.parametrize("language", [Language.C, Language.CPP])
async def test_compile_only_needs_no_main(user: Any, language: Language) -> None:
    done = await user.run(language, "int one(void) { return 1; }", run=False, asm=True)
    assert done.job.state is State.SUCCEEDED, done.result
    (view,) = decode(await done.file(LISTING_PATH), AsmListing).views
    assert [function.name.partition("(")[0] for function in view.functions] == ["one"]


async def test_compile_only_with_two_sources(user: Any) -> None:
    files = {"one.c": "int one(void) { return 1; }", "two.c": "int two(void) { return 2 }"}
    done = await user.run(Language.C, files, main="one.c", compile_flags=("two.c",), run=False)
    assert [diagnostic.file for diagnostic in done.result.diagnostics] == ["two.c"]


async def test_compile_only(user: Any) -> None:
    done = await user.run(Language.CPP, "int main() { return 1; }", run=False)
    assert done.job.state is State.SUCCEEDED
    assert [step.phase for step in done.result.steps] == [Phase.COMPILE]


async def test_host_assembly_comes_with_its_listing(user: Any) -> None:
    done = await user.run(
        Language.CPP, "int square(int x) { return x * x; }\nint main() { return square(0); }", asm=True
    )
    assert done.job.state is State.SUCCEEDED, done.result
    listing = decode(await done.file(LISTING_PATH), AsmListing)
    assert listing.views[0].kind == "host"
    assert any("square" in function.name for function in listing.views[0].functions)
    raw = next(artifact for artifact in done.result.artifacts if artifact.path == listing.views[0].artifact)
    assert raw.kind == "asm"


async def test_more_gpus_than_there_are_is_refused(user: Any) -> None:
    with pytest.raises(NoSuchExecutor, match="64 GPUs") as refused:
        await user.run(Language.PYTHON, "print('ran')", gpus=64)
    assert refused.value.items


async def test_a_very_long_command_line_is_run_whole_and_told_in_part(user: Any) -> None:
    done = await user.run(
        Language.PYTHON, "import sys; print(len(sys.argv), sum(map(len, sys.argv[1:])))", args=("x" * 90_000,) * 10
    )
    assert done.stdout == b"11 900000\n"
    assert len(str(done.result.steps[0].argv)) < 30_000
