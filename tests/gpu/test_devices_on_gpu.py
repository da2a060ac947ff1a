"""What the executor finds out about real GPUs, and that it lends them and gets them back."""

from __future__ import annotations

import asyncio

from tests_processes import ExecutorProcess, ServerProcess

from telerun_executor.devices.base import Devices
from telerun_executor.devices.nodes import nodes_for
from telerun_executor.devices.nvidia import inventory
from telerun_executor.devices.probe import probe
from telerun_executor.devices.watch import GpuWatch
from telerun_protocol.client import file_ref
from telerun_protocol.messages import JobSpec
from telerun_protocol.states import Language, State

BUSY = b"""\
__global__ void spin(long long cycles) {
    const long long begin = clock64();
    while (clock64() - begin < cycles) {}
}
int main() {
    void* memory;
    if (cudaMalloc(&memory, 1 << 30)) return 1;
    for (int i = 0; i < 60; ++i) spin<<<64, 256>>>(50'000'000);
    return cudaDeviceSynchronize();
}
"""
MISTAKE = b"""\
__global__ void bad(int* p) { *p = 1; }
int main() {
    bad<<<1, 1>>>(reinterpret_cast<int*>(8));
    return cudaDeviceSynchronize() == cudaSuccess;
}
"""


async def test_each_gpu_can_be_probed_and_bound() -> None:
    for device in inventory():
        assert await probe(device) == ""
        paths = [str(node.path) for node in nodes_for([device])]
        assert "/dev/nvidiactl" in paths
        assert device.pci
        assert device.memory_bytes > 1 << 30


async def test_a_lease_leaves_a_gpu_as_it_was() -> None:
    pool = Devices(inventory())
    async with GpuWatch(pool).running():
        assert pool.quarantined == ()
        async with pool.lease(1, pool.all) as lease:
            await asyncio.sleep(1.2)
        assert lease.use[0].samples >= 1
        assert lease.use[0].memory_peak_bytes is not None
        assert pool.quarantined == ()


async def test_what_a_job_did_is_told_and_a_mistake_costs_no_gpu(
    telerun_server: ServerProcess, telerun_executor: ExecutorProcess
) -> None:
    async with telerun_server.client() as client:
        for content in (BUSY, MISTAKE, BUSY):
            source = file_ref("cell.cu", content)
            job = await client.submit_with(
                JobSpec(language=Language.CUDA, files=(source,), emulate=False), {source.sha256: content}
            )
            async for _ in client.log(job.id, follow=True):
                pass
            job = await client.job(job.id)
            assert job.state is State.SUCCEEDED, job.result
            assert job.result is not None
            assert not job.result.emulated
            if content is BUSY and job.result.device_use[0].samples:
                use = job.result.device_use[0]
                assert use.utilization_peak is None or use.utilization_peak > 0.5
                assert use.memory_peak_bytes is not None
                assert use.memory_peak_bytes > 1 << 30
        readings = (await client.executors()).executors[0].readings
        assert [reading.quarantined for reading in readings if reading.quarantined] == []
