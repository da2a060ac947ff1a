"""A child process that launches kernels given as PTX: `python ptx_device.py <libcudart.so>`.

It reads pickled requests from stdin and writes pickled answers to stdout, each after its length in 8 bytes. A request
is PTX and a list of launches (kernel, input bytes, output size, threads); the answer holds each launch's output, or a
text that says what failed.
"""

from __future__ import annotations

import ctypes
import pickle
import struct
import sys

THREADS_PER_BLOCK = 64


class Dim3(ctypes.Structure):
    _fields_ = (("x", ctypes.c_uint), ("y", ctypes.c_uint), ("z", ctypes.c_uint))


class Device:
    """The runtime library, used as a program that nvcc linked would use it."""

    def __init__(self, library: str) -> None:
        self.cuda = ctypes.CDLL(library)
        self.cuda.cudaLaunchKernel.argtypes = [
            ctypes.c_void_p, Dim3, Dim3, ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, ctypes.c_void_p,
        ]  # fmt: skip
        self.cuda.cudaMemcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.cuda.cudaMemset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        self.cuda.cudaFree.argtypes = [ctypes.c_void_p]
        self.cuda.cudaGetErrorString.restype = ctypes.c_char_p
        self.register = getattr(self.cuda, "__cudaRegisterFatBinary")
        self.register.restype = ctypes.c_void_p
        self.kept: list[object] = []  # what was registered must stay where it is

    def load(self, ptx: str, names: list[str]) -> dict[str, int]:
        """Register a module as nvcc's start-up code does; gives each kernel's address on the host."""
        text = ptx.encode() + b"\0"
        text += bytes(-len(text) % 8)
        entry = struct.pack("<HHIQ12xI32x", 1, 0x101, 64, len(text), 80) + text
        container = ctypes.create_string_buffer(struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(entry)) + entry)
        wrapper = ctypes.create_string_buffer(struct.pack("<IIQQ", 0x466243B1, 1, ctypes.addressof(container), 0), 24)
        handle = ctypes.c_void_p(self.register(wrapper))
        self.kept += [container, wrapper]
        addresses = {}
        for name in names:
            stub, text_name = ctypes.create_string_buffer(1), ctypes.create_string_buffer(name.encode())
            self.kept += [stub, text_name]
            no = ctypes.c_void_p(None)
            getattr(self.cuda, "__cudaRegisterFunction")(handle, stub, text_name, text_name, -1, no, no, no, no, no)
            addresses[name] = ctypes.addressof(stub)
        getattr(self.cuda, "__cudaRegisterFatBinaryEnd")(handle)
        return addresses

    def launch(self, kernel: int, data: bytes, output_size: int, threads: int) -> bytes:
        source, target = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.cuda.cudaMalloc(ctypes.byref(source), ctypes.c_size_t(max(len(data), 8))))
        self.check(self.cuda.cudaMalloc(ctypes.byref(target), ctypes.c_size_t(output_size)))
        self.check(self.cuda.cudaMemcpy(source, data, len(data), 1))
        self.check(self.cuda.cudaMemset(target, 0xCD, output_size))
        arguments = (ctypes.c_void_p * 2)(
            ctypes.cast(ctypes.pointer(source), ctypes.c_void_p), ctypes.cast(ctypes.pointer(target), ctypes.c_void_p)
        )
        grid = Dim3(-(-threads // THREADS_PER_BLOCK), 1, 1)
        self.check(self.cuda.cudaLaunchKernel(kernel, grid, Dim3(THREADS_PER_BLOCK, 1, 1), arguments, 0, None))
        output = ctypes.create_string_buffer(output_size)
        self.check(self.cuda.cudaMemcpy(output, target, output_size, 2))
        self.check(self.cuda.cudaFree(source))
        self.check(self.cuda.cudaFree(target))
        return output.raw

    def check(self, error: int) -> None:
        if error:
            raise RuntimeError(self.cuda.cudaGetErrorString(error).decode())


def main() -> None:
    device = Device(sys.argv[1])
    while header := sys.stdin.buffer.read(8):
        ptx, launches = pickle.loads(sys.stdin.buffer.read(int.from_bytes(header, "little")))
        answer: list[bytes] | str
        try:
            kernels = device.load(ptx, [name for name, *_ in launches])
            answer = [device.launch(kernels[name], *rest) for name, *rest in launches]
        except RuntimeError as error:
            answer = str(error)
        body = pickle.dumps(answer)
        sys.stdout.buffer.write(len(body).to_bytes(8, "little") + body)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
