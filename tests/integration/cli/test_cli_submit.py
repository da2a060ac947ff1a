"""`telerun submit`, as users of the older clients know it."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from telerun_magic.cli.output import MARK
from telerun_magic.cli.spec_options import PLATFORMS

HELLO = r"""
#include <cstdio>
#include <fstream>
int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) std::printf("argument %s\n", argv[i]);
    std::fputs("to standard error\n", stderr);
    std::ofstream("out/table.csv") << "a,b\n1,2\n";
    return argc > 2 ? 3 : 0;
}
"""


def milestones(text: str) -> list[str]:
    return re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [AP]M    (.*)$", text, re.MULTILINE)


def folder_of(cwd: Path) -> Path:
    (folder,) = (cwd / "telerun-out").iterdir()
    assert re.fullmatch(r"\d{7}", folder.name)
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {MARK}


def test_the_folder_of_another_servers_job_is_left_alone(telerun) -> None:
    telerun.write("a.sh", "echo mine > out/x\n")
    number = telerun.ok("submit", "--bg", "a.sh").strip()
    telerun.ok("watch", number)
    other = telerun.cwd / f"telerun-out/{int(number):07}"
    other.mkdir(parents=True)
    (other / "x").write_text("another's")
    ours = other.with_name(f"{other.name}-2")
    for _ in range(2):
        telerun.ok("output", number)
        assert (other / "x").read_text() == "another's"
        assert (ours / "x").read_text() == "mine\n"
    assert len(list(ours.parent.iterdir())) == 2


def test_an_option_behind_the_file_is_the_programs_and_that_is_told(telerun) -> None:
    telerun.write("a.sh", 'echo "$@"\n')
    for command in ("submit", "run"):
        done = telerun(command, "a.sh", "word", "--time=5s")
        assert "word --time=5s\n" in done.stdout
        told = "telerun: --time=5s stands after a.sh and goes to the program; put it before the file to use it.\n"
        assert done.stderr == told
        assert telerun(command, "a.sh", "time", "--own").stderr == ""


def test_milestones_logs_and_files(telerun) -> None:
    telerun.write("hello.cpp", HELLO)
    text = telerun.ok("submit", "hello.cpp", "--flag-of-the-program")
    folder = folder_of(telerun.cwd)
    assert milestones(text) == [
        f"submitted job {folder.name}",
        "compiling",
        "compiled successfully",
        "executing",
        "output:",
        "completed successfully",
    ]
    assert "\n    argument --flag-of-the-program\n" in text
    assert names(folder) == {"compile-log.txt", "execute-log.txt", "table.csv"}
    assert "argument --flag-of-the-program\n" in (folder / "execute-log.txt").read_text()
    assert "to standard error\n" in (folder / "execute-log.txt").read_text()
    assert (folder / "table.csv").read_text() == "a,b\n1,2\n"


def test_a_compile_error_is_shown_and_kept(telerun) -> None:
    telerun.write("broken.cpp", "int main() { return nothing; }\n")
    done = telerun("submit", "broken.cpp")
    assert done.returncode == 1
    assert milestones(done.stdout)[-1] == "compilation failed"
    assert "nothing" in done.stdout
    assert "executing" not in done.stdout
    folder = folder_of(telerun.cwd)
    assert names(folder) == {"compile-log.txt"}
    assert "nothing" in (folder / "compile-log.txt").read_text()


def test_a_failing_program_keeps_its_output(telerun) -> None:
    telerun.write("hello.cpp", HELLO)
    done = telerun("submit", "--out", "results", "hello.cpp", "a", "b")
    assert done.returncode == 1
    assert milestones(done.stdout)[-1] == "execution failed"
    assert "argument a\nargument b\n" in (telerun.cwd / "results/execute-log.txt").read_text()
    assert telerun("submit", "--exit-code", "--no-store-output", "hello.cpp", "a", "b").returncode == 3
    assert {path.name for path in telerun.cwd.iterdir()} == {"hello.cpp", "results"}


def test_host_assembly_and_flags_from_a_directive(telerun) -> None:
    telerun.write("wide.h", "#define WIDE 7\n")
    telerun.write(
        "f.cpp",
        '// TL {"compile_flags": ["-DSCALE=6"], "header_files": ["wide.h"]}\n'
        '#include "wide.h"\n#include <cstdio>\nint main() { std::printf("%d\\n", SCALE * WIDE); }\n',
    )
    telerun.ok("submit", "-s", "--std", "c++17", "-X", "O1", "f.cpp")
    folder = folder_of(telerun.cwd)
    assert (folder / "execute-log.txt").read_text() == "42\n"
    assert "main" in (folder / "asm-sass.txt").read_text()


def test_assembly_for_two_architectures_without_a_gpu(telerun) -> None:
    telerun.ok("run", "--", "true")  # the executor has registered by then
    (executor,) = json.loads(telerun.ok("executors", "--json"))["executors"]
    if "cu" not in [tool["language"] for tool in executor["info"]["toolchains"]]:
        pytest.skip("this machine has no nvcc")
    telerun.write("k.cu", "__global__ void twice(float* x) { x[threadIdx.x] *= 2; }\nint main() {}\n")
    text = telerun.ok("submit", "--asm", "--compile-only", "--arch", "80", "--arch", "90", "k.cu")
    assert milestones(text)[-2:] == ["compiled successfully", "completed successfully"]
    folder = folder_of(telerun.cwd)
    assert names(folder) == {"compile-log.txt", "asm-ptx.txt", "asm-sass.txt"}
    for name in ("asm-ptx.txt", "asm-sass.txt"):
        assert all(arch in (folder / name).read_text() for arch in ("sm_80", "sm_90"))
    assert "FADD" in (folder / "asm-sass.txt").read_text()


def test_a_tar_with_run_sh(telerun) -> None:
    with tarfile.open(telerun.cwd / "project.tar", "w") as tar:
        for name, text in {
            "run.sh": '#!/bin/sh\ncat data.txt\necho "$1" > out/made\n',
            "data.txt": "from the tar\n",
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    telerun.ok("submit", "project.tar", "word")
    folder = folder_of(telerun.cwd)
    assert "from the tar\n" in (folder / "execute-log.txt").read_text()
    assert (folder / "made").read_text() == "word\n"


def test_names_of_our_own_files_are_not_taken_from_the_job(telerun) -> None:
    telerun.write("sly.sh", "echo real; echo false > out/execute-log.txt; echo kept > out/kept\n")
    done = telerun("submit", "sly.sh")
    assert done.returncode == 1
    assert "execute-log.txt was not saved" in done.stderr
    folder = folder_of(telerun.cwd)
    assert (folder / "execute-log.txt").read_text() == "real\n"
    assert (folder / "kept").read_text() == "kept\n"


def test_in_the_background_then_watch_logs_and_output(telerun) -> None:
    telerun.write("slow.sh", "echo one; sleep 0.5; echo two >&2; echo x > out/x\n")
    queued = telerun("submit", "--bg", "--id-file", "id", "--name", "slow one", "slow.sh")
    number = queued.stdout.strip()
    assert queued.stdout == f"{int(number)}\n"
    assert f"submitted job {int(number):07}" in queued.stderr
    assert not (telerun.cwd / "telerun-out").exists()
    watched = telerun.ok("watch", number)
    assert milestones(watched)[-1] == "completed successfully"
    assert "    one\n    two\n" in watched
    later = telerun.ok("watch", number)  # long after, and the same
    assert milestones(later) == milestones(watched)
    times = re.findall(r"^\S+ (\S+ [AP]M)    (executing|output:)$", later, re.MULTILINE)
    assert times == [(times[0][0], "executing"), (times[0][0], "output:")]
    assert telerun.ok("logs", "-f", number) == "one\ntwo\n"
    assert telerun.ok("logs", "--stream", "stderr", f"{int(number):07}") == "two\n"
    saved = telerun.ok("output", "--out", "there", (telerun.cwd / "id").read_text().strip())
    assert saved.splitlines() == ["there/execute-log.txt", "there/x"]
    assert json.loads(telerun.ok("status", "--json", number))["spec"]["name"] == "slow one"


def test_force_replaces_what_submit_queued_and_nothing_else(waiting) -> None:
    waiting.write("a.sh", "echo\n")
    waiting.ok("submit", "--bg", "a.sh")
    other = waiting.start("run", "--id-file", "other", "sh", "a.sh")
    try:
        while not (waiting.cwd / "other").exists():
            assert other.poll() is None
        waiting.ok("submit", "--bg", "--force", "a.sh")
        jobs = json.loads(waiting.ok("list", "--json"))["jobs"]
        assert [(job["state"], job["spec"]["tags"]) for job in jobs[:3]] == [
            ("queued", ["submit"]),
            ("queued", []),
            ("cancelled", ["submit"]),
        ]
    finally:
        other.send_signal(signal.SIGINT)
        assert other.wait(30) == 130
        other.communicate()


def test_ctrl_c_cancels_a_job_that_waits(waiting) -> None:
    waiting.write("a.sh", "echo\n")
    process = waiting.start("submit", "--id-file", "id", "a.sh")
    while not (waiting.cwd / "id").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert milestones(out.decode())[-1] == "cancelled job"
    assert err == b""
    assert json.loads(waiting.ok("status", "--json", (waiting.cwd / "id").read_text().strip()))["state"] == "cancelled"


def test_ctrl_c_leaves_a_job_that_runs(telerun) -> None:
    telerun.write("a.sh", "echo begun; sleep 3; echo over\n")
    process = telerun.start("submit", "--id-file", "id", "a.sh")
    seen = b""
    while b"begun" not in seen:
        seen += process.stdout.read1(1000)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert milestones(out.decode())[-1] == "detached from job"
    assert b"telerun watch" in err
    assert telerun.ok("logs", "-f", (telerun.cwd / "id").read_text().strip()) == "begun\nover\n"


def test_what_cannot_be_submitted_is_said_in_one_line(telerun) -> None:
    telerun.write("a.weird", "x")
    telerun.write("a.cu", '// TL {"platform": "tpu"}\n')
    telerun.write("b.cu", "// TL {oops\n")
    assert "nowhere.cu" in telerun.fails("submit", "nowhere.cu")
    assert ".cu" in telerun.fails("submit", "a.weird")
    assert "no folder nowhere" in telerun.fails("submit", "--id-file", "nowhere/id", telerun.write("a.sh", "true\n"))
    assert "'a' is neither a language nor a file here" in telerun.fails("run", "a")
    assert "--sanitizer" in telerun.fails("submit", "--sanitizer", "memcheck", "a.cu")
    assert "tpu" in telerun.fails("submit", "a.cu")
    assert "line 1" in telerun.fails("submit", "b.cu")
    assert all(name in telerun.fails("submit", "-p", "abacus", "a.cu") for name in PLATFORMS)
    assert (
        "never" in telerun.fails("submit", "--time", "never", "a.weird.sh") if telerun.write("a.weird.sh", "") else True
    )
    assert not (telerun.cwd / "telerun-out").exists()


@pytest.mark.parametrize("option", ["--cores", "--nonsense"])
def test_an_unknown_option_is_a_usage_error(telerun, option: str) -> None:
    done: subprocess.CompletedProcess[str] = telerun("submit", option, "x.cu")
    assert done.returncode == 2
    assert option in done.stderr


def test_a_large_file_that_a_job_left_can_be_sent_to_the_next(telerun) -> None:
    telerun.write("make.sh", "head -c 400000 /dev/urandom > out/large\n")
    telerun.ok("submit", "--out", ".", "make.sh")
    telerun.write("take.sh", "wc -c < large\n")
    telerun.ok("submit", "--out", "second", "--in", "large", "take.sh")
    assert (telerun.cwd / "second/execute-log.txt").read_text().strip() == "400000"
