"""Hostile and faulty programs through server and executor: what each comes to, and that nothing else notices."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests_hostile import BUILT, PROGRAMS, ConfinedExecutor, files_of
from tests_hostile_rows import ENDED_BY_US, LIMITS, MIB, ROWS, SOON, Row

from telerun_protocol.states import Isolation, Language, State

pytestmark = pytest.mark.usefixtures("recovers")


async def run(
    user: Any, program: str, *args: str, limits: dict[str, Any] | None = None, as_source: bool = False
) -> Any:
    limits = {**LIMITS, **(limits or {})}
    if BUILT is None or as_source:
        return await user.run(Language.C, files_of(program), main=program, args=args, limits=limits)
    built = Path(BUILT, program.removesuffix(".c"))
    argv = (f"./{built.name}", *args)
    return await user.run(Language.COMMAND, {built.name: built.read_bytes()}, args=argv, limits=limits, executable=True)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_it_ends_as_it_must_and_nothing_else_notices(row: Row, hostile_user: Any) -> None:
    done = await run(hostile_user, row.program, *row.args, limits=row.limits, as_source=row.as_source)
    result, seen = done.result, (done.result, done.stdout[-2000:], done.stderr[-2000:], done.compile_log[-2000:])
    assert result.reason is row.reason, seen
    if row.reason not in ENDED_BY_US:
        assert (result.exit_code or None, result.signal) == (row.exit_code, row.signal), seen
    assert done.job.state is (State.FAILED if row.reason else State.SUCCEEDED)
    assert result.isolation is Isolation.FULL
    if row.told is not None:
        lines = done.stdout.decode(errors="replace").splitlines()
        assert [line for line in row.told if line not in lines] == [], seen
    if row.files or not any("200 files" in note for note in result.notes):
        assert {artifact.path for artifact in result.artifacts} == row.files
    for words in row.notes:
        assert any(words in note for note in result.notes), result.notes
    row.also(done)


# ----------------------------------------------------------------------------------------- rows that need a closer look


async def test_a_program_refuses_to_run_outside_the_sandbox(tmp_path: Path) -> None:
    """The guard itself, with the most harmless of the programs."""
    if os.geteuid() != 0 or "4026531836" not in str(Path("/proc/self/ns/pid").readlink()):
        pytest.skip("only root in the initial PID namespace is refused")
    built = tmp_path / "endings"
    subprocess.run(["gcc", "-o", built, PROGRAMS / "endings.c"], check=True)
    done = subprocess.run([built, "exit", "0"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (99, "")
    assert done.stderr.startswith("guard: refusing")
    for program in PROGRAMS.glob("*.c"):
        text = program.read_text()
        assert "char **argv) {\n    tl_guard();\n" in text, f"{program.name} does not begin with the guard"
    for program in PROGRAMS.glob("*.py"):
        assert 'if "4026531836" in os.readlink("/proc/self/ns/pid") and os.getuid() == 0:' in program.read_text()


async def test_19_a_flood_costs_the_executor_no_memory(hostile_user: Any, hostile_executor: ConfinedExecutor) -> None:
    assert hostile_executor.process
    executor = psutil.Process(hostile_executor.process.pid)
    usual = executor.memory_info().rss
    for where in ("stdout", "stderr", "both"):
        done = await run(hostile_user, "output.c", where)
        assert len(done.stdout) + len(done.stderr) == LIMITS["output_bytes"]
        assert set(done.stdout + done.stderr) == {ord("y")}
        assert done.result.output_bytes < 128 * MIB, "the program went on printing"
    assert executor.memory_info().rss < usual + 48 * MIB


async def test_12_a_drip_is_seen_while_it_drips(hostile_user: Any) -> None:
    job = await hostile_user.submit(
        Language.C, files_of("output.c"), main="output.c", args=("drip",), limits={**LIMITS, **SOON}
    )
    async for frame in hostile_user.client.log(job.id, follow=True):
        if b"drip\n" in frame.payload:
            assert (await hostile_user.client.job(job.id)).state is State.RUNNING
            break
    done = await hostile_user.finished(job.id)
    assert set(done.stdout.split(b"\n")) == {b"drip", b""}


async def test_34_results_have_no_dangerous_modes(hostile_user: Any) -> None:
    done = await run(hostile_user, "outputs.c", "modes")
    assert await done.file("closed/inside") == b"inside"
    assert await done.file("unreadable") == b"unreadable"


async def test_35_nothing_of_the_executor_can_be_opened(hostile_user: Any, hostile_executor: ConfinedExecutor) -> None:
    secret = hostile_executor.server.executor_token_file
    paths = (
        *map(str, (secret, hostile_executor.work, hostile_executor.work / "lock", secret.parent)),
        "/run/telerun/users",
    )
    done = await run(hostile_user, "escape.c", "open", *paths)
    assert done.stdout.decode().splitlines() == [f"{path} ENOENT" for path in paths]


async def test_37_there_is_no_network(hostile_user: Any, hostile_executor: ConfinedExecutor) -> None:
    done = await run(hostile_user, "escape.c", "connect", str(hostile_executor.server.port))
    assert done.stdout.decode().splitlines() == [
        "127.0.0.1 ECONNREFUSED",
        "169.254.169.254 ENETUNREACH",
        "192.0.2.1 ENETUNREACH",
    ]


async def test_45_its_sources_stay_as_they_are(hostile_user: Any) -> None:
    done = await hostile_user.run(
        Language.C, files_of("escape.c"), main="escape.c", args=("own", "main.c"), inputs={"input": b"in"}
    )
    assert "unlink EROFS" in done.stdout.decode()
    done = await hostile_user.run(
        Language.PYTHON, "import os\ntry:\n    open(__file__, 'w')\nexcept OSError as e:\n    print(e.strerror)"
    )
    assert done.stdout == b"Read-only file system\n"
