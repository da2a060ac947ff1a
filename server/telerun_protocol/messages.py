"""What travels between Telerun's programs: frozen, keyword-only structs.

They are the contract, declarations without workings, so all of them stand in one file: what is asked, what came of it,
executors, the service.

Units are in the names: `_s` seconds, `_bytes` bytes, `_at` seconds since 1970 by the server's clock. Unknown keys are
ignored when read, so that old and new versions can talk; a field is added, never given another meaning.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated

from msgspec import Meta, Struct

from telerun_protocol.states import Check, Isolation, Language, Phase, Reason, State

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Instance = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
ShortText = Annotated[str, Meta(max_length=1000)]
Argument = Annotated[str, Meta(max_length=100_000)]
Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/=<>-]{0,62}$")]
EnvName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
MOST_AT_ONCE = 64  # reports or submits in one request
PositiveFloat = Annotated[float, Meta(gt=0)]
PositiveInt = Annotated[int, Meta(gt=0)]
Count = Annotated[int, Meta(ge=0)]
EMULATED = "emulated"
EMULATION_NOTE = "Functional emulation on the CPU: no timing here means anything."


class Message(Struct, frozen=True, kw_only=True):
    """Base of all messages."""


# ---------------------------------------------------------------------------------------------------- what is asked


def check_path(path: str) -> None:
    """Raises ValueError unless `path` is a relative POSIX path that stays inside the folder it is put in."""
    parts = path.split("/")
    if not path or len(path.encode("utf-8", "surrogatepass")) > 1024 or path.startswith("/"):
        raise ValueError(f"{path!r} is not a relative file path")
    if any(part in ("", ".", "..") for part in parts) or any(len(part.encode()) > 255 for part in parts):
        raise ValueError(f"{path!r} must not contain '..', '.' or empty parts")
    if re.search(r"[\x00-\x1f\x7f]", path):
        raise ValueError(f"{path!r} must not contain control characters")


class FileRef(Message, frozen=True, kw_only=True):
    """A file by name and content; the content travels separately, as a blob."""

    path: str
    sha256: Sha256
    size_bytes: Count
    executable: bool = False

    def __post_init__(self) -> None:
        check_path(self.path)


class Limits(Message, frozen=True, kw_only=True):
    """Bounds of one job. None means the server's default; a server never grants more than its maximum."""

    wall_time_s: PositiveFloat | None = None  # of the program, without compiling and waiting
    cpu_time_s: PositiveFloat | None = None
    memory_bytes: PositiveInt | None = None
    output_bytes: PositiveInt | None = None  # stdout and stderr together
    disk_bytes: PositiveInt | None = None  # written in the working directory
    processes: PositiveInt | None = None
    compile_time_s: PositiveFloat | None = None


class JobSpec(Message, frozen=True, kw_only=True):
    """What to run. `files` are the sources, `inputs` lie beside the running program.

    `main` names the file to compile or run; needless where `files` has one, and for `project` and `command`.
    `archs` are GPU architectures such as "sm_90"; empty: the device's own, or the server's list without one.
    """

    language: Language
    files: Annotated[tuple[FileRef, ...], Meta(max_length=2000)] = ()
    main: str | None = None
    inputs: Annotated[tuple[FileRef, ...], Meta(max_length=2000)] = ()
    stdin: FileRef | None = None
    args: Annotated[tuple[Argument, ...], Meta(max_length=10_000)] = ()
    env: Annotated[dict[EnvName, Argument], Meta(max_length=500)] = {}
    compiler: Annotated[str, Meta(pattern=r"^[a-z+]{1,20}(-[0-9]{1,3})?$")] | None = None
    compile_flags: Annotated[tuple[Argument, ...], Meta(max_length=500)] = ()
    std: Annotated[str, Meta(pattern=r"^[a-z0-9+:]{1,20}$")] | None = None
    libraries: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_+.-]{1,100}$")], ...], Meta(max_length=100)
    ] = ()
    archs: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^(sm|compute)_[0-9]{2,3}[af]?$")], ...], Meta(max_length=20)
    ] = ()
    asm: bool = False
    run: bool = True  # False: compile and show, run nothing
    device: ShortText | None = None  # a device kind or part of its name, such as "h100" or "emulated"
    labels: Annotated[tuple[Label, ...], Meta(max_length=50)] = ()  # words, or comparisons: "gpu-memory>=40GB"
    gpus: Annotated[int, Meta(ge=0, le=64)] | None = None  # None: 1 for CUDA, 0 for the rest
    emulate: bool | None = None  # whether the CPU emulation will do where no GPU is free to be had; None: as the server
    network: bool = False  # reach other machines, where the owner may
    checks: Annotated[tuple[Check, ...], Meta(max_length=10)] = ()  # of the emulation; none: memory, init, barriers
    wait_for_executor: bool = False  # be queued also where no executor known so far could ever run it
    limits: Limits = Limits()
    name: Name | None = None
    tags: Annotated[tuple[Label, ...], Meta(max_length=50)] = ()
    notebook: ShortText | None = None
    cell_id: ShortText | None = None
    line_offset: Annotated[int, Meta(ge=0, le=100_000)] = 0  # from a line of the source to the line of its cell

    def __post_init__(self) -> None:
        for group in (self.files, self.inputs):
            paths = [file.path for file in group]
            if len(set(paths)) != len(paths):
                twice = min(path for path in paths if paths.count(path) > 1)
                raise ValueError(f"two files have the same path {twice!r}")
            parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
            if both := parents.intersection(paths):
                raise ValueError(f"{min(both)!r} cannot be a file and a folder")
        if any(file.path == "out" for file in self.inputs):
            raise ValueError("no input can be called 'out', the folder of the results")
        if self.main is not None and self.main not in [file.path for file in self.files]:
            raise ValueError(f"main names {self.main!r}, which is not among the files")
        if self.language == Language.COMMAND:
            if not self.args:
                raise ValueError("a command needs args: the program and its arguments")
        elif not self.files:
            raise ValueError("a job needs at least one file")
        elif self.language != Language.PROJECT and self.main is None and len(self.files) > 1:
            raise ValueError("main must say which of the files to compile or run")
        if any("\0" in text for text in (*self.args, *self.compile_flags, *self.env.values())):
            raise ValueError("arguments must not contain NUL")

    @property
    def main_path(self) -> str | None:
        if self.main is None and len(self.files) == 1:
            return self.files[0].path
        return self.main

    @property
    def gpus_wanted(self) -> int:
        """How many GPUs the program needs when it runs."""
        if self.gpus is None:
            return 1 if self.language == Language.CUDA or self.device == EMULATED else 0
        return self.gpus

    @property
    def all_files(self) -> tuple[FileRef, ...]:
        return (*self.files, *self.inputs, *((self.stdin,) if self.stdin else ()))


class Submit(Message, frozen=True, kw_only=True):
    """A new job. The same key from the same user is the same job, so a submit may be repeated safely."""

    spec: JobSpec
    idempotency_key: Annotated[str, Meta(min_length=8, max_length=100)]


class Submits(Message, frozen=True, kw_only=True):
    """Several new jobs, each queued or refused by itself."""

    submits: Annotated[tuple[Submit, ...], Meta(max_length=MOST_AT_ONCE)]


# ------------------------------------------------------------------------------------------------- what came of it


class Step(Message, frozen=True, kw_only=True):
    """One command that was run for a job, as it was run."""

    phase: Phase
    argv: tuple[str, ...]
    wall_time_s: float
    cpu_time_s: float = 0.0
    peak_memory_bytes: int = 0
    exit_code: int | None = None
    signal: int | None = None


class Usage(Message, frozen=True, kw_only=True):
    """What a job's program uses now, or has used: all its processes together."""

    cpu_time_s: float = 0.0
    memory_bytes: Count = 0  # now; 0 in a result
    peak_memory_bytes: Count = 0
    processes: Count = 0  # with threads; now, 0 in a result
    io_read_bytes: Count = 0
    io_write_bytes: Count = 0
    disk_bytes: Count = 0  # in its own folders


class Diagnostic(Message, frozen=True, kw_only=True):
    """One message of a compiler. `file` is a path of the spec or of a header; line and column from 1, 0: unknown."""

    file: str
    line: int = 0
    column: int = 0
    severity: str = "error"  # error, warning, note
    message: str


class Artifact(Message, frozen=True, kw_only=True):
    """A file that the job left. `kind` is "output" (from out/) or "asm" (made by the compilers)."""

    path: str
    sha256: Sha256
    size_bytes: Count
    media_type: str = "application/octet-stream"
    kind: str = "output"


class KernelResources(Message, frozen=True, kw_only=True):
    """What one CUDA kernel needs, as ptxas reported it."""

    kernel: str  # demangled
    symbol: str
    arch: str
    registers: int = 0
    stack_bytes: int = 0
    spill_store_bytes: int = 0
    spill_load_bytes: int = 0
    shared_bytes: int = 0
    constant_bytes: int = 0  # 0: not known; for sm_90 and later only `asm` tells
    barriers: int = 0


class Device(Message, frozen=True, kw_only=True):
    """A device of an executor. A part of a divided GPU (MIG) is a device of its own."""

    kind: str  # "nvidia", "emulated" (CUDA on the CPU) or "cpu"
    name: str
    id: str = ""  # UUID of a GPU or of its part
    arch: str | None = None  # "sm_90"
    memory_bytes: int = 0
    driver: str | None = None
    parent: str = ""  # UUID of the GPU that it is a part of
    gpu_instance: int | None = None  # of a part
    compute_instance: int | None = None  # of a part
    pci: str = ""  # "00000000:3B:00.0"
    sm_clock_hz: float | None = None  # at most
    memory_clock_hz: float | None = None  # at most
    ecc: bool | None = None  # whether its memory corrects errors
    profiling: bool | None = None  # whether programs may read its performance counters


class DeviceReading(Message, frozen=True, kw_only=True):
    """What one device of an executor does at one moment. None: the device does not tell."""

    id: str
    at: float  # by the executor's clock
    leased: bool = False  # a job has it
    quarantined: ShortText = ""  # why no job gets it
    foreign: Count = 0  # compute processes on it that are no job's
    utilization: float | None = None  # of the time that kernels ran, 0 to 1
    memory_used_bytes: int | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    sm_clock_hz: float | None = None
    throttled: tuple[str, ...] = ()  # why its clock is held down: power, heat, hardware


class DeviceUse(Message, frozen=True, kw_only=True):
    """What a device did while a job's program ran, from samples. None: the device does not tell."""

    id: str
    samples: Count
    seconds: float  # from the first sample to the last
    utilization: float | None = None  # mean, 0 to 1
    utilization_peak: float | None = None
    memory_peak_bytes: int | None = None
    power_w: float | None = None  # mean
    power_peak_w: float | None = None
    temperature_peak_c: float | None = None
    sm_clock_hz: float | None = None  # mean
    sm_clock_least_hz: float | None = None
    throttled: tuple[str, ...] = ()  # why its clock was held down at some time


class Result(Message, frozen=True, kw_only=True):
    """How a job ended, told by the executor (or by the server, when no executor could)."""

    state: State
    reason: Reason | None = None
    message: str = ""  # one sentence, for a person
    hint: str = ""  # what to do about it
    exit_code: int | None = None
    signal: int | None = None
    signal_name: str | None = None
    steps: tuple[Step, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    kernels: tuple[KernelResources, ...] = ()
    notes: tuple[str, ...] = ()  # what was left out or cut, a sentence each
    devices: tuple[Device, ...] = ()
    device_use: tuple[DeviceUse, ...] = ()  # of those that could be watched
    isolation: Isolation = Isolation.NONE
    usage: Usage | None = None  # of the program, as far as the executor can tell
    environment: dict[str, str] = {}  # all that the program found
    executor: str = ""
    toolchain: str = ""  # compiler and version
    output_bytes: int = 0  # what the program wrote, kept or not
    output_cut_bytes: int = 0

    @property
    def emulated(self) -> bool:
        """Whether the program ran on the CPU emulation of a GPU, where no timing means anything."""
        return any(device.kind == EMULATED for device in self.devices)


class PhaseTime(Message, frozen=True, kw_only=True):
    phase: Phase
    started_at: float


class Job(Message, frozen=True, kw_only=True):
    """A job as its owner sees it."""

    id: str
    number: int  # counts from 1 on this server; an alias of the id that is easy to type
    owner: str
    state: State
    phase: Phase | None = None
    reason: Reason | None = None
    spec: JobSpec
    created_at: float
    claimed_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    phases: tuple[PhaseTime, ...] = ()  # of the latest attempt
    attempt: int = 0
    executor: str | None = None
    queue_position: int | None = None  # 1 is next; while QUEUED
    waiting_for: str | None = None  # why a queued job cannot start, where that is known
    cancel_requested: bool = False
    usage: Usage | None = None  # while its program runs, where the executor can tell
    result: Result | None = None


class Submitted(Message, frozen=True, kw_only=True):
    """A job that is queued, now or since an earlier try, or why it is not."""

    job: Job | None = None
    problem: Problem | None = None


class SubmitAnswers(Message, frozen=True, kw_only=True):
    """One for each submit, in order."""

    answers: tuple[Submitted, ...]


class JobList(Message, frozen=True, kw_only=True):
    """Newest first. `next_before` continues the list, None at its end."""

    jobs: tuple[Job, ...]
    next_before: int | None = None


class Event(Message, frozen=True, kw_only=True):
    """One change of a job. `id` grows; `job` is as it was after the change.

    What a running job uses is told again and again, under the id of the change before it.
    """

    id: int
    at: float
    kind: str  # queued, claimed, phase, usage, requeued, cancel_requested, succeeded, failed, cancelled
    job: Job


# ------------------------------------------------------------------------------------------------------- executors


class ToolchainInfo(Message, frozen=True, kw_only=True):
    language: Language
    version: str


class ExecutorInfo(Message, frozen=True, kw_only=True):
    """What an executor process tells about itself when it starts. `instance` is new for each process."""

    instance: Instance
    replaces: Instance | None = None  # its dead predecessor in the same work folder
    host: ShortText = ""  # the machine's own name
    version: str
    slots: PositiveInt
    compile_slots: PositiveInt
    devices: Annotated[tuple[Device, ...], Meta(max_length=256)] = ()
    toolchains: Annotated[tuple[ToolchainInfo, ...], Meta(max_length=50)] = ()
    labels: Annotated[tuple[Label, ...], Meta(max_length=100)] = ()
    isolation: Isolation = Isolation.NONE


class ExecutorTerms(Message, frozen=True, kw_only=True):
    """What the server expects of an executor."""

    name: str
    heartbeat_s: float
    lease_s: float
    archs: tuple[str, ...] = ()  # GPU architectures to compile for where no device decides


class Executor(Message, frozen=True, kw_only=True):
    """An executor as users see it."""

    name: str
    info: ExecutorInfo
    online: bool
    last_seen_at: float
    running: tuple[str, ...] = ()  # ids of the asker's own jobs there
    busy: int = 0  # jobs of everyone
    labels: tuple[str, ...] = ()  # all that a job may ask for there
    readings: tuple[DeviceReading, ...] = ()  # the latest, or with `history` those of the last minutes


class ExecutorList(Message, frozen=True, kw_only=True):
    executors: tuple[Executor, ...]
    queued: int = 0  # jobs of everyone that wait for one


class ClaimRequest(Message, frozen=True, kw_only=True):
    """A long poll for work. A repeated `request_id` gets the same claims again."""

    instance: str
    request_id: Annotated[str, Meta(min_length=8, max_length=64)]
    max_jobs: Annotated[int, Meta(ge=1, le=64)] = 1
    wait_s: Annotated[float, Meta(ge=0, le=60)] = 0.0


class Claim(Message, frozen=True, kw_only=True):
    """A lease on one job. Every later write about the job carries `claim_id`."""

    job_id: str
    claim_id: str
    attempt: int
    log_offset: int
    spec: JobSpec  # limits filled in
    owner: str
    owner_class: str = "default"  # what the owner may use of an executor
    network: bool = False  # the job asks for it, and its owner may have it


class ClaimList(Message, frozen=True, kw_only=True):
    claims: tuple[Claim, ...]


class HeartbeatRequest(Message, frozen=True, kw_only=True):
    """Extends the leases of `claim_ids`, then waits until there is something to tell, at most `wait_s`."""

    instance: str
    claim_ids: Annotated[tuple[str, ...], Meta(max_length=1000)] = ()
    known_cancels: Annotated[tuple[str, ...], Meta(max_length=1000)] = ()  # claim ids whose cancel was already heard
    wait_s: Annotated[float, Meta(ge=0, le=60)] = 0.0
    leaving: bool = False  # the executor ends now: its last words
    readings: Annotated[tuple[DeviceReading, ...], Meta(max_length=256)] = ()  # one of each device, taken just now


class Heartbeat(Message, frozen=True, kw_only=True):
    cancel: tuple[str, ...] = ()  # claim ids to end
    lost: tuple[str, ...] = ()  # claim ids that are no longer this executor's


class Report(Message, frozen=True, kw_only=True):
    """What has become of one job: the `phase` it enters, what it uses, the `result` it ended with, or that it is given
    back.
    """

    job_id: str
    claim_id: str
    phase: Phase | None = None
    usage: Usage | None = None  # now; not kept for long
    result: Result | None = None
    release: bool = False  # unfinished: it is queued again, and the attempt does not count
    ago_s: Annotated[float, Meta(ge=0)] = 0.0  # how long it had waited when it was sent

    def __post_init__(self) -> None:
        if (self.phase is not None) + (self.usage is not None) + (self.result is not None) + self.release != 1:
            raise ValueError("a report has either a phase, or usage, or a result, or release")


class Reports(Message, frozen=True, kw_only=True):
    """What has become of several jobs; the reports of each job in the order in which it happened."""

    reports: Annotated[tuple[Report, ...], Meta(max_length=MOST_AT_ONCE)]


class ReportAnswers(Message, frozen=True, kw_only=True):
    """A Problem or null for each report, in order: null where it is stored, now or since an earlier try."""

    problems: tuple[Problem | None, ...]


class LogSize(Message, frozen=True, kw_only=True):
    size_bytes: int


# ----------------------------------------------------------------------------------------------------- the service


class Principal(Message, frozen=True, kw_only=True):
    name: str
    kind: str  # user, admin, executor
    user_class: str = "default"  # decides what the principal's jobs may have


class Version(Message, frozen=True, kw_only=True):
    protocol: int
    version: str
    features: tuple[str, ...] = ()


class ServiceLimits(Message, frozen=True, kw_only=True):
    """What this server gives when a job asks for nothing, and what it gives at most."""

    defaults: Limits
    maxima: Limits
    request_bytes: int
    blob_bytes: int
    queued_jobs_per_user: int
    archs: tuple[str, ...]  # compiled for where no device decides
    retention_s: float
    emulation: str = "never"  # or "allow": whether GPU jobs that say nothing about it may be emulated on a CPU


class Problem(Message, frozen=True, kw_only=True):
    """Why a request was refused. `code` is for programs, the rest for people."""

    code: str
    message: str
    hint: str | None = None
    path: str | None = None
    items: tuple[str, ...] = ()
    status: int = 500
