"""Whether a GPU really computes: launches a kernel on it, in a process of its own, and looks at what came out.

`nvidia-smi` may be content with a GPU that no program can use, or hang on one that is ill; so may any call into the
driver. Hence the child, the time limit, and no waiting for a child that not even SIGKILL ends.

The module is that child's program too: it needs the driver's library and nothing else, no compiler and no runtime.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys

from telerun_protocol.messages import Device

LIMIT_S = 30.0
GRACE_S = 2.0
THREADS = 256
FACTOR = 2654435761
VISIBLE = "CUDA_VISIBLE_DEVICES"
PTX = f"""
.version 6.0
.target sm_50
.address_size 64
.visible .entry probe(.param .u64 out)
{{
    .reg .u64 %address, %offset;
    .reg .u32 %thread, %value;
    ld.param.u64 %address, [out];
    cvta.to.global.u64 %address, %address;
    mov.u32 %thread, %tid.x;
    mul.lo.u32 %value, %thread, {FACTOR};
    mul.wide.u32 %offset, %thread, 4;
    add.u64 %address, %address, %offset;
    st.global.u32 [%address], %value;
    ret;
}}
"""


async def probe(device: Device, *, limit_s: float = LIMIT_S) -> str:
    """Why the GPU cannot be used, in a sentence; empty where it can."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        env={**os.environ, VISIBLE: device.id},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(limit_s):
            _, told = await child.communicate()
    except TimeoutError:
        return f"A small program on it did not end within {limit_s:g} s."
    finally:
        if child.returncode is None:
            child.kill()
            with contextlib.suppress(TimeoutError):  # in the driver's hands: nothing ends it
                async with asyncio.timeout(GRACE_S):
                    await child.wait()
    if child.returncode == 0:
        return ""
    last = told.decode(errors="replace").strip().splitlines()[-1:]
    return last[0] if last else f"A small program on it ended with status {child.returncode}."


def main() -> None:
    """Launches the kernel on the GPU that CUDA_VISIBLE_DEVICES names; says on stderr what went wrong."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        sys.exit(f"The NVIDIA driver's library cannot be loaded: {error}.")

    def call(name: str, *arguments: object) -> None:
        if code := getattr(driver, name)(*arguments):
            text = ctypes.c_char_p()
            driver.cuGetErrorString(code, ctypes.byref(text))
            sys.exit(f"{name} failed: {(text.value or b'unknown').decode(errors='replace')} ({code}).")

    device, context, module, kernel = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    memory, out = ctypes.c_uint64(), (ctypes.c_uint32 * THREADS)()
    size = ctypes.c_size_t(ctypes.sizeof(out))
    call("cuInit", 0)
    call("cuDeviceGet", ctypes.byref(device), 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    call("cuCtxSetCurrent", context)
    call("cuModuleLoadData", ctypes.byref(module), PTX.encode())
    call("cuModuleGetFunction", ctypes.byref(kernel), module, b"probe")
    call("cuMemAlloc_v2", ctypes.byref(memory), size)
    arguments = (ctypes.c_void_p * 1)(ctypes.addressof(memory))
    call("cuLaunchKernel", kernel, *(1, 1, 1), *(THREADS, 1, 1), 0, None, arguments, None)
    call("cuCtxSynchronize")
    call("cuMemcpyDtoH_v2", out, memory, size)
    if wrong := sum(value != index * FACTOR % 2**32 for index, value in enumerate(out)):
        sys.exit(f"A small program on it computed {wrong} of {THREADS} values wrongly.")


if __name__ == "__main__":
    main()
