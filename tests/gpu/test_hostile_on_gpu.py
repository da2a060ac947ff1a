"""Programs that misuse a real GPU: what each comes to, and that the next job on the same GPU does not notice."""

from __future__ import annotations

import pynvml
import pytest
from tests_hostile import files_of
from tests_processes import ExecutorProcess, ServerProcess

from telerun_protocol.client import file_ref
from telerun_protocol.messages import Job, JobSpec, Limits
from telerun_protocol.states import Isolation, Language, Reason, State, StreamId

pytestmark = pytest.mark.usefixtures("telerun_executor")


async def run(server: ServerProcess, mode: str, wall_time_s: float = 60) -> tuple[Job, list[str]]:
    files = files_of("gpu.cu")
    refs = tuple(file_ref(name, content) for name, content in files.items())
    spec = JobSpec(
        language=Language.CUDA, files=refs, main="gpu.cu", args=(mode,), emulate=False,
        limits=Limits(wall_time_s=wall_time_s, processes=200),
    )  # fmt: skip
    async with server.client() as client:
        job = await client.submit_with(spec, {ref.sha256: files[ref.path] for ref in refs})
        output = b"".join([f.payload async for f in client.log(job.id, follow=True) if f.stream == StreamId.STDOUT])
        job = await client.job(job.id)
        executors = (await client.executors()).executors
    assert job.result is not None
    if job.result.isolation is not Isolation.FULL:
        pytest.skip(f"the executor keeps jobs apart only so far: {job.result.isolation}")
    assert [reading.quarantined for one in executors for reading in one.readings if reading.quarantined] == []
    return job, output.decode().splitlines()


async def next_job_is_fine(server: ServerProcess) -> None:
    job, lines = await run(server, "mark")
    assert (job.state, lines) == (State.SUCCEEDED, ["there", "mark: cudaSuccess"]), job.result
    for index in range(pynvml.nvmlDeviceGetCount()):
        assert pynvml.nvmlDeviceGetComputeRunningProcesses(pynvml.nvmlDeviceGetHandleByIndex(index)) == []


async def test_g1_a_hanging_kernel_is_ended_by_the_time_limit(telerun_server: ServerProcess) -> None:
    job, lines = await run(telerun_server, "hang", wall_time_s=5)
    assert (job.reason, lines) == (Reason.TIME_LIMIT, ["there"])
    await next_job_is_fine(telerun_server)


async def test_g2_using_up_all_memory_is_the_programs_own_error(telerun_server: ServerProcess) -> None:
    job, lines = await run(telerun_server, "allocate")
    assert job.result is not None
    assert (job.reason, job.result.exit_code) == (Reason.NONZERO_EXIT, 5)
    assert lines == ["cudaErrorMemoryAllocation after some: 1"]
    await next_job_is_fine(telerun_server)


async def test_g3_an_illegal_address_stays_with_its_program(telerun_server: ServerProcess) -> None:
    job, lines = await run(telerun_server, "illegal")
    assert job.result is not None
    assert (job.reason, job.result.exit_code) == (Reason.NONZERO_EXIT, 3)
    assert lines == ["there", "illegal: cudaErrorIllegalAddress", "afterwards: cudaErrorIllegalAddress"]
    await next_job_is_fine(telerun_server)


async def test_g4_no_other_gpu_can_be_opened(telerun_server: ServerProcess) -> None:
    job, lines = await run(telerun_server, "nodes")
    assert job.state is State.SUCCEEDED, job.result
    told = dict(line.rsplit(" ", 1) for line in lines)
    assert told.pop("mknod") == "EPERM"
    assert list(told.values()).count("ok") == 1
    assert set(told.values()) == {"ok", "ENOENT"}


async def test_g5_nothing_of_a_job_stays_on_the_gpu(telerun_server: ServerProcess) -> None:
    job, lines = await run(telerun_server, "leave")
    assert (job.state, lines) == (State.SUCCEEDED, ["there"])
    await next_job_is_fine(telerun_server)


async def test_g6_a_gpu_has_one_job_at_a_time(telerun_server: ServerProcess, telerun_executor: ExecutorProcess) -> None:
    """What its memory holds of the job before is the driver's affair: Telerun promises one after the other."""
    marked, _ = await run(telerun_server, "mark")
    looked, lines = await run(telerun_server, "look")
    assert lines[:2] == ["there", "look: cudaSuccess"]
    assert marked.finished_at is not None
    assert looked.started_at is not None
    assert marked.finished_at <= looked.started_at
