"""Whole jobs through the real server and the real executor."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import tarfile
from typing import Any

import psutil
import pytest

from telerun_protocol.codec import decode
from telerun_protocol.errors import NoSuchExecutor
from telerun_protocol.listing import LISTING_PATH, AsmListing
from telerun_protocol.states import Isolation, Language, Phase, Reason, State

pytestmark = pytest.mark.usefixtures("telerun_executor")
SANDBOXED = os.geteuid() == 0 and shutil.which("bwrap") is not None


async def test_cpp_compiles_and_runs(user: Any) -> None:
    done = await user.run(
        Language.CPP,
        '#include <cstdio>\nint main(int c, char** v) { std::printf("%s %d\\n", v[1], c); std::fputs("e", stderr); }',
        args=("it's $HOME",),
    )
    assert done.job.state is State.SUCCEEDED
    assert done.stdout == b"it's $HOME 2\n"
    assert done.stderr == b"e"
    result = done.result
    assert result.exit_code == 0
    assert result.isolation is (Isolation.FULL if SANDBOXED else Isolation.NONE)
    assert result.toolchain.startswith("g++ ")
    assert [step.phase for step in result.steps] == [Phase.COMPILE, Phase.RUN]
    assert [phase.phase for phase in done.job.phases][:3] == [Phase.FETCH, Phase.COMPILE, Phase.RUN]
    assert result.output_bytes == len(done.stdout) + len(done.stderr)


async def test_c_standard_flags_and_libraries_reach_the_compiler(user: Any) -> None:
    source = "#include <math.h>\n#include <stdio.h>\n"
    source += 'int main(void) { volatile double x = V; printf("%.1f %ld\\n", sqrt(x), __STDC_VERSION__); return 0; }'
    done = await user.run(Language.C, source, std="c11", libraries=("m",), compile_flags=("-DV=16.0", "-O0"))
    assert done.stdout == b"4.0 201112\n"
    assert "-O0" in done.result.steps[0].argv
    assert "-O2" not in done.result.steps[0].argv


async def test_headers_beside_the_source_are_found(user: Any) -> None:
    files = {"a/main.cpp": '#include "inc/x.h"\nint main() { return X; }', "inc/x.h": "#define X 7\n"}
    done = await user.run(Language.CPP, files, main="a/main.cpp")
    assert done.result.reason is Reason.NONZERO_EXIT
    assert done.result.exit_code == 7
    assert "7" in done.result.message


async def test_a_compile_error_has_its_place(user: Any) -> None:
    done = await user.run(Language.CPP, "int main() {\n  return nothing;\n}\n")
    assert done.job.state is State.FAILED
    assert done.result.reason is Reason.COMPILE_ERROR
    assert b"nothing" in done.compile_log
    first = done.result.diagnostics[0]
    assert (first.file, first.line, first.column, first.severity) == ("main.cpp", 2, 10, "error")
    assert done.stdout == b""


async def test_a_compiler_that_is_not_there_is_said_so(user: Any) -> None:
    done = await user.run(Language.CPP, "int main() {}", compiler="clang-99")
    assert done.result.reason is Reason.BAD_SPEC
    assert "clang++-99" in done.result.message


async def test_a_crash_names_its_signal(user: Any) -> None:
    done = await user.run(Language.CPP, "int main() { volatile int* p = nullptr; return *p; }")
    result = done.result
    assert (result.reason, result.signal, result.signal_name) == (Reason.SIGNAL, 11, "SIGSEGV")
    assert "SIGSEGV: invalid memory access" in result.message
    assert result.hint


async def test_python_sees_its_arguments_inputs_stdin_and_nothing_of_ours(user: Any) -> None:
    source = """
import os, sys
print(sys.argv[1:], open("data/in.txt").read(), sys.stdin.read())
print(sorted(os.environ))
print(os.environ["MINE"], os.getcwd() == os.environ["HOME"])
import near
print(near.x)
"""
    done = await user.run(
        Language.PYTHON,
        {"main.py": source, "near.py": "x = 5\n"},
        main="main.py",
        args=("a b", "-c"),
        env={"MINE": "yes"},
        inputs={"data/in.txt": b"from input"},
        stdin=b"from stdin",
    )
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "['a b', '-c'] from input from stdin"
    names = {"CUDA_VISIBLE_DEVICES", "HOME", "LANG", "LC_CTYPE", "MINE", "PATH", "TMPDIR"}
    assert set(eval(lines[1])) <= names
    assert lines[2:] == ["yes True", "5"]


async def test_numpy_is_there_when_the_executor_has_it(user: Any) -> None:
    pytest.importorskip("numpy")
    done = await user.run(Language.PYTHON, "import numpy; print(numpy.arange(4).sum())")
    assert done.stdout == b"6\n"


async def test_shell(user: Any) -> None:
    done = await user.run(Language.SHELL, 'echo "$1"; cat; exit 3', args=("x",))
    assert done.stdout == b"x\n"
    assert done.result.exit_code == 3


async def test_command_runs_an_argv_and_its_own_files(user: Any) -> None:
    done = await user.run(Language.COMMAND, args=("echo", "a  b", "$HOME"))
    assert done.stdout == b"a  b $HOME\n"
    script = {"tool": "#!/bin/sh\necho from the tool: $1\n"}
    done = await user.run(Language.COMMAND, script, args=("./tool", "x"), executable=True)
    assert done.stdout == b"from the tool: x\n"


async def test_a_command_that_is_not_there(user: Any) -> None:
    done = await user.run(Language.COMMAND, args=("no-such-program",))
    assert done.result.exit_code == 127
    assert b"no-such-program" in done.stderr


async def test_the_table_of_resources_is_read_and_not_shown(user: Any) -> None:
    source = "__global__ void k(int* p) { *p = 1; }\nint main() { int unused; }\n"
    done = await user.run(Language.CUDA, source, archs=("sm_90",), run=False)
    assert done.result.kernels[0].registers > 0
    assert b'"unused" was declared' in done.compile_log
    assert b"ptxas" not in done.compile_log
    assert b"stack frame" not in done.compile_log
    asked = await user.run(Language.CUDA, source, archs=("sm_90",), run=False, compile_flags=("-Xptxas", "-v"))
    assert b"ptxas info    : Used " in asked.compile_log
    assert asked.result.kernels == done.result.kernels


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


async def test_the_time_limit_keeps_what_was_printed(user: Any) -> None:
    source = "import time\nprint('before', flush=True)\nopen('out/x', 'w').write('kept')\ntime.sleep(60)\n"
    done = await user.run(Language.PYTHON, source, limits={"wall_time_s": 1.0})
    assert done.result.reason is Reason.TIME_LIMIT
    assert done.stdout == b"before\n"
    assert await done.file("x") == b"kept"
    assert "1 s" in done.result.message


async def test_the_output_limit_keeps_exactly_its_bytes(user: Any) -> None:
    source = "import sys\nwhile True: sys.stdout.buffer.write(b'0123456789' * 1000)\n"
    done = await user.run(Language.PYTHON, source, limits={"output_bytes": 12_345})
    assert done.result.reason is Reason.OUTPUT_LIMIT
    assert done.stdout == (b"0123456789" * 1235)[:12_345]
    assert done.result.output_cut_bytes > 0
    assert done.result.output_bytes == 12_345 + done.result.output_cut_bytes
    assert done.result.notes


async def test_the_memory_limit(user: Any) -> None:
    source = "x = b'a' * (300 << 20)\nimport time; time.sleep(30)\n"
    done = await user.run(Language.PYTHON, source, limits={"memory_bytes": 100 << 20})
    assert done.result.reason is Reason.MEMORY_LIMIT
    assert "100 MiB" in done.result.message


async def test_the_cpu_time_limit(user: Any) -> None:
    done = await user.run(Language.PYTHON, "while True: pass", limits={"cpu_time_s": 0.5})
    assert done.result.reason is Reason.CPU_TIME_LIMIT


async def test_the_disk_limit(user: Any) -> None:
    done = await user.run(Language.C, {"main.c": _WRITES_MUCH}, limits={"disk_bytes": 5 << 20})
    assert done.result.reason is Reason.DISK_LIMIT, done.result
    several = "import time\nfor n in range(8): open(f'f{n}', 'wb').write(bytes(1 << 20))\ntime.sleep(30)"
    done = await user.run(Language.PYTHON, several, limits={"disk_bytes": 5 << 20})
    assert done.result.reason is Reason.DISK_LIMIT
    one = "open('big', 'wb').write(bytes(9 << 20))"
    done = await user.run(Language.PYTHON, one, limits={"disk_bytes": 5 << 20})
    assert done.result.reason is Reason.DISK_LIMIT, done.result


_WRITES_MUCH = """
#include <stdio.h>
#include <string.h>
static char block[1 << 20];
int main(void) {
  FILE* f = fopen("big", "wb");
  for (int i = 0; i < 20; i++) fwrite(block, 1, sizeof block, f);
  fclose(f);
  return 0;
}
"""


async def test_the_process_limit(user: Any) -> None:
    done = await user.run(Language.SHELL, "for n in 1 2 3 4 5 6 7 8; do sleep 30 & done; wait", limits={"processes": 5})
    assert done.result.reason is Reason.PROCESS_LIMIT


async def test_the_compile_time_limit(user: Any) -> None:
    done = await user.run(Language.PROJECT, {"Makefile": "main:\n\tsleep 60\n"}, limits={"compile_time_s": 1.0})
    assert done.result.reason is Reason.COMPILE_TIME_LIMIT


async def test_every_byte_arrives(user: Any) -> None:
    source = "import sys\nsys.stdout.buffer.write(bytes(range(256)) * 1000)\nsys.stderr.buffer.write(b'\\xff\\xfe')\n"
    done = await user.run(Language.PYTHON, source)
    assert done.stdout == bytes(range(256)) * 1000
    assert done.stderr == b"\xff\xfe"


async def test_a_hundred_thousand_lines(user: Any) -> None:
    done = await user.run(Language.CPP, _MANY_LINES)
    assert done.stdout == b"".join(b"line %d\n" % number for number in range(100_000))


_MANY_LINES = """
#include <cstdio>
int main() {
  for (int i = 0; i < 100000; i++) { std::printf("line %d\\n", i); if (i % 100 == 0) std::fflush(stdout); }
}
"""


async def test_nothing_of_a_job_survives_it(user: Any, unique: str) -> None:
    source = (
        f"import subprocess, os\nsubprocess.Popen(['sleep', '600'], start_new_session=True, env={{'U': '{unique}'}})\n"
    )
    done = await user.run(Language.PYTHON, source)
    assert done.job.state is State.SUCCEEDED
    assert not processes_with(unique)


async def test_cancel_ends_all_of_it_and_keeps_what_was_printed(user: Any, unique: str) -> None:
    source = f"""
import subprocess, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['sleep', '600'], start_new_session=True, env={{'U': '{unique}'}})
print("begun", flush=True)
signal.pause()
"""
    job = await user.submit(Language.PYTHON, source)
    async for frame in user.client.log(job.id, follow=True):
        assert frame.payload.startswith(b"begun")
        break
    while not processes_with(unique):  # a program that has just been started shows no environment yet
        await asyncio.sleep(0.02)
    await user.client.cancel(job.id)
    done = await user.finished(job.id)
    assert done.job.state is State.CANCELLED
    assert done.stdout == b"begun\n"
    assert not processes_with(unique)


async def test_cancel_while_compiling(user: Any) -> None:
    job = await user.submit(Language.PROJECT, {"Makefile": "main:\n\tsleep 600\n"})
    await user.until(job.id, lambda job: job.phase is Phase.COMPILE)
    await user.client.cancel(job.id)
    assert (await user.finished(job.id)).job.state is State.CANCELLED


async def test_two_run_at_once_and_a_third_waits(user: Any) -> None:
    """The third compiles meanwhile: it is claimed, and shows that it waits for its turn."""
    source = "import time\nprint('up', flush=True)\ntime.sleep(4)\n"
    jobs = [await user.submit(Language.PYTHON, source) for _ in range(3)]
    waiting = await user.until(jobs[2].id, lambda job: job.phase is Phase.WAIT_DEVICE)
    assert waiting.state is State.CLAIMED
    for job in jobs:
        assert (await user.finished(job.id)).job.state is State.SUCCEEDED


def processes_with(unique: str) -> list[int]:
    """Processes whose environment has the word."""
    return [one.pid for one in psutil.process_iter(["environ"]) if (one.info["environ"] or {}).get("U") == unique]
