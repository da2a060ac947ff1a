"""A job as blocks: where it stands, how it ended and why, and what it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from telerun_magic.language import NAMES
from telerun_magic.render import assembly, clean, devices, diagnostics, files
from telerun_magic.render.blocks import Block, Details, Line, Pre, Span, Table, Tone, line
from telerun_magic.render.usage import usage_text
from telerun_protocol.listing import AsmListing
from telerun_protocol.messages import Job, KernelResources, Result
from telerun_protocol.states import Isolation, Phase, Reason, State
from telerun_protocol.units import show_duration, show_size

PARTS = ("phases", "output", "compile", "kernels", "files", "asm")
OUTPUT_CHARS = 20_000
LIVE_OUTPUT_CHARS = 2_000
COMPILE_LOG_CHARS = 20_000
_TONES = {State.SUCCEEDED: Tone.GOOD, State.FAILED: Tone.BAD, State.CANCELLED: Tone.WARN}
_DOING = {
    Phase.FETCH: "fetching files",
    Phase.COMPILE: "compiling",
    Phase.WAIT_DEVICE: "waiting for a device",
    Phase.RUN: "running",
    Phase.COLLECT: "collecting files",
}
_NOT_RUN = (Reason.COMPILE_ERROR, Reason.COMPILE_TIME_LIMIT, Reason.NO_COMPILER, Reason.BAD_SPEC)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDisplay:
    """Everything that a display of a job shows, gathered. `now` is by the server's clock."""

    job: Job
    now: float
    source: str | None = None
    line_offset: int = 0
    hidden: frozenset[str] = frozenset()
    trouble: str | None = None  # why nothing new is heard
    system: str = ""  # what Telerun itself wrote into the log
    compile_log: str = ""
    with_output: bool = False
    output: Mapping[str, str] = field(default_factory=dict)  # by stream, where no cell shows it already
    previews: Mapping[str, bytes] = field(default_factory=dict)
    listing: AsmListing | None = None
    saved_to: str | None = None


def blocks(view: JobDisplay) -> list[Block]:
    job = view.job
    found: list[Block] = [_headline(view)]
    if job.result is None or not job.state.is_final:
        found += _waiting(view)
    if job.phases and "phases" not in view.hidden:
        found.append(_phases(job, view.now))
    if job.usage and not job.state.is_final:
        found.append(line(usage_text(job.usage), Tone.DIM))
    if view.trouble and not job.state.is_final:
        found.append(line(f"{view.trouble} Trying again …", Tone.WARN))
    if view.system:
        found.append(Pre(_tail(view.system, 2000), Tone.DIM))
    if job.result and job.state.is_final:
        found += _ending(view, job.result)
    elif "output" not in view.hidden:
        found += _output(view.output, LIVE_OUTPUT_CHARS)
    return found


def table(jobs: Sequence[Job], now: float) -> list[Block]:
    """Many jobs, a row each."""
    if not jobs:
        return [line("No jobs yet.", Tone.DIM)]
    rows = tuple(
        (
            str(job.number),
            job.spec.name or NAMES[job.spec.language],
            job.state + (f" ({job.phase})" if job.phase and not job.state.is_final else ""),
            job.reason or (f"position {job.queue_position}" if job.queue_position else ""),
            show_duration((job.finished_at or now) - job.created_at),
            f"{show_duration(now - job.created_at)} ago",
            job.executor or "",
        )
        for job in jobs
    )
    return [Table(("job", "what", "state", "why", "took", "submitted", "executor"), rows, numeric=frozenset({0, 4, 5}))]


def _headline(view: JobDisplay) -> Line:
    job = view.job
    facts = [f"job {job.number}", NAMES[job.spec.language]]
    if job.spec.name:
        facts.insert(1, clean.line(job.spec.name, 80))
    if job.state.is_final and job.finished_at:
        facts.append(f"{show_duration(job.finished_at - job.created_at)} in all")
    if job.attempt > 1:
        facts.append(f"attempt {job.attempt}")
    spans = [Span(f"● {_label(job)}", _TONES.get(job.state, Tone.BUSY), strong=True), Span(" · ".join(facts))]
    if job.result and job.result.emulated:
        spans.append(Span("· emulated on the CPU: timings mean nothing", Tone.WARN, strong=True))
    if job.result and job.result.isolation is Isolation.NONE and _did_run(job.result):
        spans.append(Span("· isolation: none", Tone.BAD, strong=True))
    if job.result and job.result.isolation is Isolation.DEGRADED and _did_run(job.result):
        spans.append(Span("· isolation: degraded", Tone.WARN))
    return Line(tuple(spans))


def _label(job: Job) -> str:
    if job.state.is_final:
        return f"{job.state} ({job.reason})" if job.reason and job.state is State.FAILED else str(job.state)
    if job.cancel_requested:
        return "cancelling"
    if job.state is State.QUEUED:
        return "queued"
    return _DOING[job.phase] if job.phase else "starting"


def _did_run(result: Result) -> bool:
    return any(step.phase in (Phase.RUN, Phase.COMPILE) for step in result.steps)


def _waiting(view: JobDisplay) -> list[Block]:
    job = view.job
    if job.state is not State.QUEUED:
        return []
    if job.waiting_for:
        return [line(f"waiting for {clean.line(job.waiting_for)}", Tone.DIM)]
    if job.queue_position is None:
        return []
    place = "next in the queue" if job.queue_position == 1 else f"position {job.queue_position} in the queue"
    return [line(place, Tone.DIM)]


def _phases(job: Job, now: float) -> Line:
    end = job.finished_at or now
    marks = [("queued", job.created_at), *((str(phase.phase), phase.started_at) for phase in job.phases)]
    if job.claimed_at is None and job.state is State.QUEUED:
        marks = marks[:1]
    ends = [started for _, started in marks[1:]] + [end]
    times = (
        f"{name.replace('_', ' ')} {show_duration(until - since)}"
        for (name, since), until in zip(marks, ends, strict=True)
    )
    return line(" → ".join(times), Tone.DIM)


def _ending(view: JobDisplay, result: Result) -> list[Block]:
    job = view.job
    found: list[Block] = []
    if job.state is not State.SUCCEEDED:
        found.append(line(result.message or _reason(job), _TONES.get(job.state, Tone.PLAIN), strong=True))
        if result.hint:
            found.append(line(result.hint))
        if job.reason and job.reason.is_ours:
            found.append(line("This is a failure of Telerun, not of the program.", Tone.WARN))
    elif not job.spec.run:
        found.append(line("Compiled; nothing was run, as asked.", Tone.DIM))
    found.append(_where(job, result))
    found += [line(told, Tone.DIM) for use in result.device_use if (told := devices.used(use))]
    found += diagnostics.blocks(
        result.diagnostics, main=job.spec.main_path, source=view.source, line_offset=view.line_offset
    )
    found += [line(note, Tone.WARN) for note in result.notes]
    if "output" not in view.hidden:
        found += _output(view.output, OUTPUT_CHARS)
    if view.compile_log.strip() and "compile" not in view.hidden:
        shown = Pre(_tail(view.compile_log, COMPILE_LOG_CHARS))
        is_open = job.reason in _NOT_RUN and not result.diagnostics
        found.append(Details("compiler's log", (shown,), is_open))
    if result.kernels and "kernels" not in view.hidden:
        found.append(_kernels(result.kernels))
    if "files" not in view.hidden:
        found += files.images(view.previews)
        found += files.tables(view.previews)
        found += files.listing(result.artifacts, job.number)
        if view.saved_to:
            found.append(line(f"Files saved in {view.saved_to}"))
    if view.listing and "asm" not in view.hidden:
        found += assembly.blocks(view.listing, line_offset=view.line_offset)
    return found


def _reason(job: Job) -> str:
    return f"It ended as {job.state}" + (f": {job.reason.replace('_', ' ')}." if job.reason else ".")


def _where(job: Job, result: Result) -> Line:
    facts = []
    if result.signal is not None:
        facts.append(f"signal {result.signal} ({result.signal_name or '?'})")
    elif result.exit_code is not None:
        facts.append(f"exit code {result.exit_code}")
    facts += [devices.names(result.devices)] if result.devices else []
    facts += [fact for fact in (result.executor or job.executor, result.toolchain) if fact]
    run = [step for step in result.steps if step.phase is Phase.RUN]
    if run:
        if cpu_time_s := sum(step.cpu_time_s for step in run):
            facts.append(f"CPU {show_duration(cpu_time_s)}")
        if peak := max(step.peak_memory_bytes for step in run):
            facts.append(f"peak {show_size(peak)}")
    if result.output_cut_bytes:
        facts.append(f"{show_size(result.output_cut_bytes)} of output cut")
    return line(" · ".join(clean.line(fact) for fact in facts), Tone.DIM)


def _output(output: Mapping[str, str], limit: int) -> list[Block]:
    return [
        Pre(_tail(text, limit), Tone.BAD if stream == "stderr" else Tone.PLAIN)
        for stream, text in output.items()
        if text
    ]


def _tail(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = text[-limit:]
    return f"… {show_size(len(text) - len(kept))} before this not shown\n{kept}"


def _kernels(kernels: Sequence[KernelResources]) -> Table:
    columns = ("kernel", "arch", "registers", "stack", "spills", "shared", "constant", "barriers")
    rows = tuple(
        (
            kernel.kernel,
            kernel.arch,
            str(kernel.registers),
            show_size(kernel.stack_bytes),
            show_size(kernel.spill_store_bytes + kernel.spill_load_bytes),
            show_size(kernel.shared_bytes),
            show_size(kernel.constant_bytes) if kernel.constant_bytes else "?",
            str(kernel.barriers),
        )
        for kernel in kernels[:50]
    )
    return Table(columns, rows, numeric=frozenset(range(2, 8)))
