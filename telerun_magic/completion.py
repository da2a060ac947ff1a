"""Tab completion: options and languages on the magic's line, CUDA words in the cell below it."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell

from telerun_magic.options import FLAGS
from telerun_protocol.states import Language

_MAGIC = re.compile(r"\s*%%telerun(?:\s|$)")
_CUDA_WORDS = re.findall(
    r"\w+",
    """
    __constant__ __device__ __forceinline__ __global__ __host__ __launch_bounds__ __noinline__ __restrict__ __shared__
    __ballot_sync __ldg __shfl_down_sync __shfl_sync __shfl_xor_sync __syncthreads __syncwarp
    atomicAdd atomicCAS atomicExch atomicMax atomicMin blockDim blockIdx dim3 gridDim threadIdx warpSize
    cudaDeviceSynchronize cudaError_t cudaEventCreate cudaEventElapsedTime cudaEventRecord cudaEventSynchronize
    cudaFree cudaGetErrorString cudaGetLastError cudaMalloc cudaMallocManaged cudaMemcpy cudaMemcpyDeviceToHost
    cudaMemcpyHostToDevice cudaMemset cudaStreamCreate cudaSuccess
    """,
)
NAME = "telerun_matcher"


def complete(text: str, cursor_line: int, until_cursor: str) -> tuple[str, list[str]] | None:
    """What may follow: the piece before the cursor and the words it may become; None where it is not ours to say."""
    lines = text.splitlines()
    if not lines or not _MAGIC.match(lines[0]):
        return None
    before = until_cursor.rsplit("\n", 1)[-1]
    if cursor_line == 0:
        match = re.search(r"\S*$", before)
        piece = match[0] if match else ""
        words = FLAGS if piece.startswith("-") else [language.value for language in Language]
    else:
        match = re.search(r"\w*$", before)
        piece = match[0] if match else ""
        words = _CUDA_WORDS if piece else []
    return piece, [word for word in words if word.startswith(piece)]


def install(shell: InteractiveShell) -> None:
    @context_matcher()  # type: ignore[untyped-decorator]
    def telerun_matcher(context: CompletionContext) -> SimpleMatcherResult:
        found = complete(context.full_text, context.cursor_line, context.text_until_cursor)
        if found is None:
            return {"completions": []}
        piece, words = found
        return {
            "completions": [SimpleCompletion(text=word, type="param") for word in words],
            "suppress": bool(words),
            "matched_fragment": piece,
            "ordered": True,
        }

    remove(shell)
    _completer(shell).custom_matchers = [*_completer(shell).custom_matchers, telerun_matcher]


def remove(shell: InteractiveShell) -> None:
    completer = _completer(shell)
    completer.custom_matchers = [
        matcher for matcher in completer.custom_matchers if getattr(matcher, "__name__", "") != NAME
    ]


def _completer(shell: InteractiveShell) -> Any:
    return shell.Completer
