"""The Python side: submit, map, Job, and IPython in a terminal."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from tests_processes import ExecutorProcess, ServerProcess

import telerun_magic
from telerun_magic import JobCancelled, JobFailed
from telerun_protocol.errors import InvalidMessage, NotFound
from telerun_protocol.states import Reason, State

SLOW = "for n in 1 2 3 4 5; do echo line $n; sleep 0.2; done; sleep 50"


@pytest.fixture(autouse=True)
def _this_server(
    telerun_server: ServerProcess, telerun_executor: ExecutorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in telerun_server.environment().items():
        monkeypatch.setenv(name, value)


def test_a_result_and_its_files(tmp_path: Path) -> None:
    job = telerun_magic.submit(
        "echo out $1; echo err >&2; mkdir out/sub; printf '\\377\\0' > out/sub/b.bin", "sh", args=["word"], name="first"
    )
    result = job.result()
    assert (result.stdout, str(result.stderr), result.exit_code) == (b"out word\n", "err\n", 0)
    assert job.state is State.SUCCEEDED
    assert repr(job) == f"<Job {job.number} 'first' succeeded>"
    assert list(result.files) == ["sub/b.bin"]
    assert result.files["sub/b.bin"] == result.files["out/sub/b.bin"] == b"\xff\0"
    assert job.save(tmp_path) == [tmp_path / "sub/b.bin"]
    assert (tmp_path / "sub" / "b.bin").read_bytes() == b"\xff\0"
    assert job.files["sub/b.bin"].save(tmp_path / "copy").read_bytes() == b"\xff\0"
    with pytest.raises(KeyError, match="left no file 'x'"):
        job.files["x"]
    assert telerun_magic.job(job.number).result().stdout == b"out word\n"
    assert job.id in [found.id for found in telerun_magic.jobs(name="first")]


def test_failures_keep_what_was_left() -> None:
    job = telerun_magic.submit("echo before; exit 3", "sh", wait=True)
    with pytest.raises(JobFailed, match=f"Job {job.number} failed"):
        job.result()
    assert job.reason is Reason.NONZERO_EXIT
    assert (job.stdout, job.exit_code) == (b"before\n", 3)
    broken = telerun_magic.submit("int main() { oops; }", "cpp", wait=True)
    assert b"oops" in broken.compile_log


def test_a_failure_says_the_words_that_matter() -> None:
    shouting = telerun_magic.submit("echo first >&2; printf 'the \\033[2Jlast\\n\\n' >&2; exit 3", "sh")
    with pytest.raises(JobFailed, match=r"exit code 3\. It said: the last\.$"):
        shouting.result()
    with pytest.raises(
        JobFailed, match=r"does not compile.* It said: cell\.cpp:2: .oops. was not declared in this scope\. The"
    ):
        telerun_magic.submit("int main() {\n    oops;\n}", "cpp").result()


def test_a_linkers_error_has_no_place() -> None:
    with pytest.raises(JobFailed, match=r" It said: cannot find -lmissing: No such file or directory\."):
        telerun_magic.submit("int main() {}", "cpp", libraries=["missing"]).result()


def test_lines_as_they_come_and_a_timeout() -> None:
    job = telerun_magic.submit(SLOW, "sh")
    with pytest.raises(TimeoutError, match="is still"):
        job.result(timeout=0.05)
    lines = job.logs()
    assert list(islice(lines, 5)) == [f"line {n}" for n in range(1, 6)]
    assert job.state is State.RUNNING
    assert job.stdout.startswith(b"line 1\n")
    job.cancel()
    with pytest.raises(JobCancelled, match="was cancelled"):
        job.result(timeout=60)
    assert job.status().state is State.CANCELLED


async def test_await_and_async_lines() -> None:
    jobs = [telerun_magic.submit(f"echo {n}; printf half", "sh") for n in range(4)]
    results = await asyncio.gather(*jobs)
    assert [result.stdout for result in results] == [b"%d\nhalf" % n for n in range(4)]
    assert [line async for line in jobs[2].logs()] == ["2", "half"]
    with pytest.raises(JobFailed):
        await telerun_magic.submit("exit 1", "sh")


def test_map() -> None:
    jobs = telerun_magic.map("echo $1-$2", [["a", 1], ["b", 2], ["c", 3]], "sh", tags=["sweep"])
    assert [result.stdout for result in jobs.results()] == [b"a-1\n", b"b-2\n", b"c-3\n"]
    assert {job.id for job in jobs} == {job.id for job in telerun_magic.jobs(tag="sweep")}
    mixed = telerun_magic.map("exit $1", [0, 1], "sh").results(return_errors=True)
    assert isinstance(mixed[1], JobFailed)
    assert "succeeded" in jobs._repr_mimebundle_()["text/plain"]
    assert len(telerun_magic.map("true", [], "sh")) == 0


def test_many_jobs_at_once() -> None:
    jobs = telerun_magic.map("echo $1", range(40), "sh")
    assert [int(result.stdout) for result in jobs.results(timeout=100)] == list(range(40))


def test_a_project_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all:\n\techo made\n")
    (tmp_path / "run.sh").write_text("#!/bin/sh\necho project $1\n")
    (tmp_path / "run.sh").chmod(0o755)
    assert telerun_magic.submit(tmp_path, args=["x"]).result().stdout.endswith(b"project x\n")


def test_other_processes_can_go_on_with_a_job() -> None:
    job = telerun_magic.submit("sleep 0.3; echo shared", "sh")
    telerun_magic.submit("true", "sh", wait=True)
    forks = multiprocessing.get_context("fork")
    with forks.Pool(1) as pool:  # which pickles it
        assert pool.apply(_stdout, (job,)) == b"shared\n"
    reader, writer = forks.Pipe(duplex=False)
    child = forks.Process(target=lambda: writer.send(_stdout(job)))  # which inherits it
    child.start()
    assert reader.poll(60)
    assert reader.recv() == b"shared\n"
    child.join()
    assert job.result().stdout == b"shared\n"


def _stdout(job: telerun_magic.Job) -> bytes:
    return bytes(job.result(60).stdout)


def test_mistakes() -> None:
    with pytest.raises(NotFound, match="no job 999999999 of yours"):
        telerun_magic.job(999999999)
    with pytest.raises(InvalidMessage, match="no stream"):
        telerun_magic.submit("true", "sh").logs("stdin")
    with pytest.raises(InvalidMessage, match="memory"):
        telerun_magic.submit("true", "sh", memory="100000TB")


def test_ipython_in_a_terminal() -> None:
    code = (
        "get_ipython().run_line_magic('load_ext', 'telerun_magic')\n"
        "get_ipython().run_cell_magic('telerun', 'cpp --asm --compile-only', 'int main() { return 42; }')\n"
        "get_ipython().run_cell_magic('telerun', 'sh --name plain', 'echo printed; exit 5')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", code],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert "printed\n" in ran.stdout
    assert "eax, 42\n" in ran.stdout or "$42" in ran.stdout, "the assembly itself"
    assert "● failed (nonzero_exit)" in ran.stdout
    assert "exit code 5" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "Telerun: Job" in ran.stdout + ran.stderr
    assert ran.returncode != 0
