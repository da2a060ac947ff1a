"""What is left of an attempt when it is over: the files it kept, what compilers said, and all of it as one result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from telerun_executor import diagnostics
from telerun_executor.artifacts import collect, is_empty
from telerun_executor.bench import Bench
from telerun_executor.findings import Findings
from telerun_executor.outcome import Outcome
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import Diagnostic, JobSpec, Result


async def collect_output(
    found: Findings, spec: JobSpec, workspace: Workspace, upload: Callable[[Path], Awaitable[str]],
    on_begin: Callable[[], None],
) -> None:  # fmt: skip
    """Uploads what a program left in `out`, if it left something; `on_begin` hears of it before."""
    if not found.has_run or is_empty(workspace.out):
        return
    on_begin()
    collection = await collect(workspace.out, spec.limits.disk_bytes, upload)
    found.artifacts += collection.artifacts
    found.notes += collection.notes()


async def compiler_messages(found: Findings, workspace: Workspace) -> tuple[Diagnostic, ...]:
    if not found.compile_log:
        return ()
    folders = (workspace.src, workspace.work, workspace.build, workspace.tmp)
    return await asyncio.to_thread(diagnostics.parse, bytes(found.compile_log), folders)


def result_of(bench: Bench, spec: JobSpec, outcome: Outcome, found: Findings, told: tuple[Diagnostic, ...]) -> Result:
    info = bench.toolchains[spec.language].info()
    return Result(
        state=outcome.state,
        reason=outcome.reason,
        message=outcome.message,
        hint=outcome.hint,
        exit_code=outcome.exit.exit_code if outcome.exit else None,
        signal=outcome.exit.signal if outcome.exit else None,
        signal_name=outcome.signal_name,
        steps=tuple(found.steps),
        diagnostics=told,
        artifacts=tuple(found.artifacts),
        kernels=found.kernels,
        notes=tuple(found.notes),
        devices=found.devices,
        device_use=found.device_use,
        isolation=bench.runner.isolation,
        usage=found.usage,
        environment=found.environment,
        executor=bench.executor,
        toolchain=info.version if info else "",
        output_bytes=found.output_bytes,
        output_cut_bytes=found.output_cut_bytes,
    )
