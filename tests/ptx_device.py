"""A child process that launches kernels given as PTX: `python ptx_device.py <libcudart.so>`.

It reads pickled requests from stdin and writes pickled answers to stdout, each after its length in 8 bytes. A request
is PTX and a list of launches (kernel, input bytes, output size, threads); the answer holds each launch's output, or a
text that says what failed.
"""

from __future__ import annotations

import ctypes
import pickle
import sys

THREADS_PER_BLOCK = 64


class Dim3(ctypes.Structure):
    _fields_ = (("x", ctypes.c_uint), ("y", ctypes.c_uint), ("z", ctypes.c_uint))


class Device:
    """The CUDA runtime behind a library's name."""

    def __init__(self, library: str) -> None:
        self.cuda = ctypes.CDLL(library)
        self.cuda.cudaLaunchKernel.argtypes = [
            ctypes.c_void_p, Dim3, Dim3, ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, ctypes.c_void_p,
        ]  # fmt: skip
        self.cuda.cudaMemcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.cuda.cudaMemset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        self.cuda.cudaFree.argtypes = [ctypes.c_void_p]
        self.cuda.cudaGetErrorString.restype = ctypes.c_char_p

    def load(self, ptx: str, names: list[str]) -> dict[str, ctypes.c_void_p]:
        library = ctypes.c_void_p()
        no = ctypes.c_void_p(None)
        self.check(self.cuda.cudaLibraryLoadData(ctypes.byref(library), ptx.encode(), no, no, 0, no, no, 0))
        kernels = {}
        for name in names:
            kernels[name] = ctypes.c_void_p()
            self.check(self.cuda.cudaLibraryGetKernel(ctypes.byref(kernels[name]), library, name.encode()))
        return kernels

    def launch(self, kernel: ctypes.c_void_p, data: bytes, output_size: int, threads: int) -> bytes:
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
