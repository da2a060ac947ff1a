"""An executor on a machine with GPUs: the driver's libraries are stand-ins, everything else is real."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests_fake_gpu import GIB, FakeGpus
from tests_processes import ExecutorProcess, ServerProcess

from telerun_protocol.messages import DeviceReading, Executor
from telerun_protocol.states import Language, Reason, State

from .conftest import Finished, User

BAD = 5  # of eight GPUs; 7 is divided in two
SERVED = [*(f"GPU-{index}" for index in range(7) if index != BAD), "MIG-7-0", "MIG-7-1"]


class Machine:
    """A server, and one executor on the machine with the GPUs."""

    def __init__(self, folder: Path, *, gpus: int) -> None:
        self.fake = FakeGpus(folder / "fake")
        self.lease_log = folder / "leases"
        self.lease_log.touch()
        for index in range(gpus):
            self.fake.add(index)
        self.server = ServerProcess(folder / "server").start()
        (folder / "executor.toml").write_text("quarantine_retry_s = 0.5\nno_sandbox = true\nlabels = ['lab-3']\n")
        options = ("--config", str(folder / "executor.toml"), "--slots", "12")
        self.executor = ExecutorProcess(self.server, folder / "executor", *options)
        self.user: User

    async def telling(self, holds: Callable[[Executor], bool]) -> Executor:
        """What the server tells of the executor, as soon as something holds of it."""
        async with asyncio.timeout(60):
            while True:
                for one in (await self.user.client.executors()).executors:
                    if one.online and holds(one):
                        return one
                await asyncio.sleep(0.05)

    async def quarantined(self) -> dict[str, str]:
        told = await self.telling(lambda one: bool(one.readings))
        return {one.id: one.quarantined for one in told.readings if one.quarantined}

    def during(self, **says: object) -> str:
        """A program on GPU-N that changes what the GPU tells."""
        lines = "".join(f"\\n$N {key.replace('_', '-')} {value}" for key, value in says.items())
        return f'N=${{CUDA_VISIBLE_DEVICES#GPU-}}; printf "{lines}\\n" >> {self.fake.file}; sleep 0.3'


Start = Callable[[Machine], None]


@contextlib.asynccontextmanager
async def machine(folder: Path, *, gpus: int) -> AsyncIterator[Machine]:
    made = Machine(folder, gpus=gpus)
    try:
        async with made.server.client() as client:
            made.user = User(client)
            yield made
    finally:
        if made.executor.process:
            made.executor.stop()
        made.server.stop()


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Start:
    def start(made: Machine) -> None:
        for name, value in made.fake.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        made.executor.start()

    return start


async def test_eight_gpus_one_of_them_bad_and_one_divided(tmp_path: Path, begin: Start) -> None:
    async with machine(tmp_path, gpus=8) as made:
        made.fake.say(BAD, probe="fail")
        made.fake.divide(7, 2)
        begin(made)
        user = made.user
        told = await made.telling(lambda one: bool(one.readings))
        assert [device.id for device in told.info.devices] == [
            *(f"GPU-{index}" for index in range(7)),
            "MIG-7-0",
            "MIG-7-1",
        ]
        assert await made.quarantined() == {f"GPU-{BAD}": "cuInit failed: unknown error (999)."}
        assert {"lab-3", "h100", "sm_90", "cuda", os.uname().machine} <= set(told.labels)

        command = [sys.executable, "-m", "telerun_magic.cli", "executors"]
        shown = await asyncio.to_thread(
            subprocess.run,
            command,
            env=made.server.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert re.search(rf"GPU-{BAD} .*quarantined: cuInit failed: unknown error \(999\)", shown.stdout)
        assert re.search(r"GPU-0 +free +50 % +0 B +300 W +60 °C", shown.stdout)

        # Two jobs never share a device: each writes down when it has which, and when no more.
        source = (
            f"for d in ${{CUDA_VISIBLE_DEVICES//,/ }}; do echo + $d >> {made.lease_log}; done; sleep 0.05;"
            f"for d in ${{CUDA_VISIBLE_DEVICES//,/ }}; do echo - $d >> {made.lease_log}; done"
        )
        wishes = [*[{"gpus": 1}] * 16, *[{"gpus": 3}] * 3, {"gpus": 8}, {"gpus": 2, "device": "1g.10gb"}]
        async with asyncio.TaskGroup() as group:
            done = [group.create_task(user.run(Language.SHELL, source, **wish)) for wish in wishes]
        held: set[str] = set()
        for line in made.lease_log.read_text().splitlines():
            sign, device = line.split()
            assert (device in held) == (sign == "-"), line
            held ^= {device}
        results = [task.result().result for task in done]
        assert {result.state for result in results} == {State.SUCCEEDED}, results
        assert [len(result.devices) for result in results] == [wish["gpus"] for wish in wishes]
        assert {device.id for result in results for device in result.devices} == set(SERVED)
        assert [device.id for device in results[-1].devices] == ["MIG-7-0", "MIG-7-1"]

        # The bad one is tried again, and comes back.
        made.fake.say(BAD, probe="ok")
        await made.telling(lambda one: not any(reading.quarantined for reading in one.readings))
        assert len((await user.run(Language.SHELL, "true", gpus=9)).result.devices) == 9


async def test_telemetry_of_a_job(tmp_path: Path, begin: Start) -> None:
    async with machine(tmp_path, gpus=1) as made:
        begin(made)
        await made.telling(lambda one: bool(one.readings))
        heat = made.during(utilization=90, power=650_000, temperature=82, sm_clock=900, throttle=0x20, used=8 * GIB)
        cool = made.during(utilization=10, power=100_000, used=0, throttle=0)
        done = await made.user.run(Language.SHELL, f"{heat}; sleep 0.9; {cool}; sleep 0.9", gpus=1)
        (use,) = done.result.device_use
        assert use.id == "GPU-0"
        assert use.samples >= 3
        assert (use.utilization_peak, use.power_peak_w, use.temperature_peak_c) == (0.9, 650.0, 82.0)
        assert (use.memory_peak_bytes, use.sm_clock_least_hz, use.throttled) == (8 * GIB, 9e8, ("heat",))
        assert 0.1 < use.utilization < 0.9
        assert 100 < use.power_w < 650
        told = await made.telling(lambda one: any(reading.power_w == 100.0 for reading in one.readings))
        assert told.readings[0].utilization == 0.1
        history: tuple[DeviceReading, ...] = ()
        async with asyncio.timeout(60):  # those of the same few seconds are one
            while len(history) < 2:
                await asyncio.sleep(0.2)
                history = (await made.user.client.executors(history=True)).executors[0].readings
        assert [one.at for one in history] == sorted(one.at for one in history)


async def test_after_each_job_its_gpu_is_looked_at(tmp_path: Path, begin: Start) -> None:
    async with machine(tmp_path, gpus=3) as made:
        made.fake.say(0, processes=os.getpid())  # somebody else's
        begin(made)
        told = await made.telling(lambda one: bool(one.readings))
        assert [reading.foreign for reading in told.readings] == [1, 0, 0]

        async def run(**says: object) -> Finished:
            return await made.user.run(Language.SHELL, made.during(**says), gpus=1)

        def gpu_of(done: Finished) -> int:
            (device,) = done.result.devices
            return int(device.id.removeprefix("GPU-"))

        mistaken = await run(xid="1 31")  # a mistake of the program: the GPU is well
        assert gpu_of(mistaken) == 1  # those that nobody else uses come first
        assert mistaken.result.state is State.SUCCEEDED
        assert "Xid 31: a kernel accessed memory that is not there" in mistaken.result.notes[0]
        assert await made.quarantined() == {}

        broken = await run(xid="2 79", probe="fail")
        assert "taken out of service after this job. It reported Xid 79." in broken.result.notes[0]
        leaking = await run(used=2 * GIB)
        assert gpu_of(leaking) != gpu_of(broken)
        assert "2 GiB of its memory were not given back" in leaking.result.notes[0]
        stuck = await run(processes="4194305")  # no such process: the driver alone knows it
        assert "Process 4194305 still holds it" in stuck.result.notes[0]
        assert len({gpu_of(done) for done in (broken, leaking, stuck)}) == 3

        waiting = await made.user.submit(Language.SHELL, "true", gpus=1)
        await made.telling(lambda one: sum(bool(reading.quarantined) for reading in one.readings) >= 2)
        for done in (leaking, stuck):
            made.fake.say(gpu_of(done), used=0, processes="")
        assert (await made.user.finished(waiting.id)).result.state is State.SUCCEEDED


async def test_nothing_is_leased_after_the_executor_was_killed(tmp_path: Path, begin: Start) -> None:
    async with machine(tmp_path, gpus=2) as made:
        begin(made)
        first = await made.user.submit(Language.SHELL, "echo $$ > out/pid; sleep 600", gpus=2)
        await made.user.until(first.id, lambda job: job.state is State.RUNNING)
        await made.telling(lambda one: all(reading.leased for reading in one.readings) and len(one.readings) == 2)
        made.executor.kill()
        begin(made)
        told = await made.telling(lambda one: len(one.readings) == 2)
        second = await made.user.submit(Language.SHELL, "echo mine", gpus=2)
        await made.user.client.cancel(first.id)
        assert (await made.user.finished(second.id)).stdout == b"mine\n"
        ended = (await made.user.client.job(first.id)).result
        assert ended
        assert ended.reason in (Reason.CANCELLED, Reason.EXECUTOR_LOST)
        assert [device.id for device in told.info.devices] == ["GPU-0", "GPU-1"]
        await made.telling(lambda one: not any(reading.leased for reading in one.readings))
