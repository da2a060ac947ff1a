"""Whatever a spec asks for: an answer, never a traceback, a stuck slot or a file outside the job's folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests_hostile import ConfinedExecutor, HostState, wait_until_as_before

from telerun_protocol import routes
from telerun_protocol.states import Language

AT_ONCE, MANY = 12, 10
MARK = f"fuzz{uuid.uuid4().hex[:12]}"
CONTENTS = (
    b"int main(int c, char **v) { return c; }\n",
    b"#!/bin/sh\necho $0 $*; env; cat\n",
    b"import os, sys; print(sys.argv); open('out/x', 'w')\n",
    b"main:\n\techo made\n",
    b"\xff\x00\x1b[31m",
    b"",
)
REFS = [{"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)} for content in CONTENTS]

odd_text = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["", "-", "--", "-c", "@x", "$(id)", "`id`", ";", "*", "~", "\n", "\x1b[0m", "\0", "../x", "/etc/passwd", "a" * 300]
)
path = st.sampled_from(
    [f"{MARK}.c", f"a/{MARK}.py", f"-{MARK}", f"@{MARK}", f"../{MARK}", f"/{MARK}", f"/tmp/{MARK}", f"a/../../{MARK}",
     f"./{MARK}", f"{MARK}/", f"out/{MARK}", "out", "run.sh", "Makefile",
     "CMakeLists.txt", f"{MARK}.tar.gz", f"{MARK}\n",
     f"{MARK} x", "stdin"]
) | odd_text.map(lambda text: MARK + text)  # fmt: skip
file = st.builds(
    lambda path, ref, mode: {"path": path, **ref, "executable": mode}, path, st.sampled_from(REFS), st.booleans()
)
flag = st.sampled_from(
    ["-O2", "-DX=1", "-I", "-I..", "-o", f"-o/tmp/{MARK}", "-fplugin=x", "@x", "-B.", "-Wl,-T,x", "-x", "c", "-E",
     "--help", "-run"]
) | odd_text  # fmt: skip
number = st.sampled_from([0.05, 0.3, 1, 1e9, 1e-9]) | st.floats(allow_nan=False, allow_infinity=False)
limits = st.fixed_dictionaries(
    {"wall_time_s": st.sampled_from([0.05, 0.3, 1e-9, 0.5]), "compile_time_s": st.sampled_from([1.0, 0.01])},
    optional={
        "cpu_time_s": number,
        "memory_bytes": st.integers(0, 1 << 62) | st.sampled_from([1, 4096, 1 << 20, 1 << 26]),
        "output_bytes": st.integers(0, 1 << 40),
        "disk_bytes": st.integers(0, 1 << 62) | st.sampled_from([1, 4096, 1 << 20]),
        "processes": st.integers(0, 1 << 31) | st.sampled_from([1, 2, 3]),
    },
)
wild = {
    "language": st.sampled_from([*Language, "nonsense"]),
    "files": st.lists(file, max_size=3),
    "inputs": st.lists(file, max_size=2),
    "stdin": file,
    "main": path,
    "args": st.lists(odd_text, max_size=4),
    "env": st.dictionaries(st.sampled_from(["PATH", "HOME", "LD_PRELOAD", "A", "1", "a b", ""]), odd_text, max_size=3),
    "compiler": st.sampled_from(["gcc", "g++-12", "clang", "sh", "../x", "g++-99"]),
    "compile_flags": st.lists(flag, max_size=4),
    "std": st.sampled_from(["c11", "c++20", "x", "../x"]),
    "libraries": st.lists(st.sampled_from(["m", "nothing", "../x", "-x"]), max_size=2),
    "archs": st.lists(st.sampled_from(["sm_90", "sm_1", "x"]), max_size=2),
    "asm": st.booleans(),
    "run": st.booleans(),
    "gpus": st.integers(-1, 3),
    "limits": limits,
}
PLAIN = (
    *(("c", f"{MARK}.c", 0), ("cpp", f"-{MARK}", 0), ("sh", f"@{MARK}", 1), ("py", f"{MARK} x", 2), ("c", "main.c", 4)),
    *(("project", "run.sh", 1), ("project", "Makefile", 3), ("project", f"{MARK}.tar", 4), ("py", "x.py", 5)),
)
plain = st.sampled_from(
    [
        {"language": "command", "args": ["echo", "x"]},
        *({"language": language, "files": [{"path": name, **REFS[content]}]} for language, name, content in PLAIN),
    ]
)


@st.composite
def specs_of_jobs(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly good ones: what the server refuses at once teaches nothing about the executor."""
    spec = {**draw(plain), "limits": {"wall_time_s": 0.5, "compile_time_s": 5.0}}
    for name in draw(st.lists(st.sampled_from([*sorted(wild), *["limits"] * 4]), max_size=2)):
        spec[name] = draw(wild[name])
    return spec


@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs=st.lists(specs_of_jobs(), min_size=AT_ONCE, max_size=AT_ONCE))
def test_any_spec_has_an_answer(specs: list[dict[str, Any]], hostile_executor: ConfinedExecutor) -> None:
    accepted = asyncio.run(_submit_all(specs, hostile_executor))
    event(f"accepted: {accepted} of {AT_ONCE}")
    for log in (hostile_executor.log, hostile_executor.server.log):
        text = log.read_text(errors="replace")
        assert "Traceback" not in text, text[text.index("Traceback") :][:3000]


async def test_then_all_is_as_before(hostile_user: Any, hostile_executor: ConfinedExecutor, before: HostState) -> None:
    done = await hostile_user.run(Language.SHELL, "echo next")
    assert done.stdout == b"next\n"
    wait_until_as_before(before, hostile_executor)
    server = hostile_executor.server.folder
    tops = [Path("/"), Path("/tmp"), Path("/root"), Path("/etc"), Path.cwd(), hostile_executor.folder, server]
    found = [name for top in tops for name in _names(top, deep=top in (hostile_executor.folder, server))]
    assert [name for name in found if MARK in name] == []


def _names(top: Path, *, deep: bool) -> list[str]:
    if not deep:
        return [path.name for path in top.iterdir()]
    return [name for _, folders, files in os.walk(top) for name in (*folders, *files)]


async def _submit_all(specs: list[dict[str, Any]], executor: ConfinedExecutor) -> int:
    """How many became jobs."""
    server = executor.server
    token = server.user_token_file.read_text().strip()
    async with (
        server.client() as client,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
    ):
        for content in CONTENTS:
            await client.upload(content)

        async def one(spec: dict[str, Any]) -> bool:
            body = msgspec.json.encode({"spec": spec, "idempotency_key": uuid.uuid4().hex})
            async with session.post(server.url + routes.JOBS, data=body) as answer:
                told = await answer.json()
                assert answer.status < 500, (told, spec)
                if answer.status >= 400:
                    assert told["message"], spec
                    return False
            if (await client.job(told["id"])).waiting_for:  # for a GPU
                await client.cancel(told["id"])
            async for _ in client.log(told["id"], follow=True):
                pass
            job = await client.job(told["id"])
            assert job.state.is_final
            assert job.result
            assert job.result.reason is None or not job.result.reason.is_ours, (job.result, spec)
            return True

        async with asyncio.timeout(60):
            return sum(await asyncio.gather(*(one(spec) for spec in specs)))
