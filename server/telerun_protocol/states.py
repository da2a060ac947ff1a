"""The words for what becomes of a job. Few states; why a job ended as it did is a `Reason`, never another state."""

from enum import StrEnum


class State(StrEnum):
    """Where a job stands: QUEUED → CLAIMED → RUNNING → a final one; a lost lease leads back to QUEUED."""

    QUEUED = "queued"
    CLAIMED = "claimed"  # an executor holds it: fetching, compiling, or waiting for a device
    RUNNING = "running"  # its program has been started
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


FINAL_STATES = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
HELD_STATES = frozenset({State.CLAIMED, State.RUNNING})
UNFINISHED = ",".join(state for state in State if not state.is_final)
"""As a filter of lists of jobs."""


class Phase(StrEnum):
    """What an executor is doing with a job it holds. RUN and COLLECT belong to RUNNING, the others to CLAIMED."""

    FETCH = "fetch"
    COMPILE = "compile"
    WAIT_DEVICE = "wait_device"
    RUN = "run"
    COLLECT = "collect"


class Reason(StrEnum):
    """Why a job did not succeed."""

    COMPILE_ERROR = "compile_error"
    COMPILE_TIME_LIMIT = "compile_time_limit"
    NONZERO_EXIT = "nonzero_exit"
    SIGNAL = "signal"
    TIME_LIMIT = "time_limit"
    CPU_TIME_LIMIT = "cpu_time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    DISK_LIMIT = "disk_limit"
    PROCESS_LIMIT = "process_limit"
    CANCELLED = "cancelled"
    NO_SUCH_DEVICE = "no_such_device"
    NO_COMPILER = "no_compiler"
    BAD_SPEC = "bad_spec"
    EXECUTOR_LOST = "executor_lost"
    SANDBOX_ERROR = "sandbox_error"

    @property
    def is_ours(self) -> bool:
        """Whether Telerun failed, not the job: such an attempt is retried while attempts remain."""
        return self in (Reason.EXECUTOR_LOST, Reason.SANDBOX_ERROR)


class Language(StrEnum):
    CUDA = "cu"
    CPP = "cpp"
    C = "c"
    PYTHON = "py"
    SHELL = "sh"
    PROJECT = "project"  # a tar or a set of files with run.sh, a Makefile or CMakeLists.txt
    COMMAND = "command"  # an argv, run as it is


class Check(StrEnum):
    """What the emulation of a GPU watches for in kernels."""

    MEMORY = "memory"  # accesses out of bounds, misaligned or of freed memory
    INIT = "init"  # reading shared memory that nobody wrote
    BARRIERS = "barriers"  # barriers that not all threads reach
    RACES = "races"  # threads of a block that use a value while another writes it
    LEAKS = "leaks"  # memory that is still allocated at the end
    NONE = "none"


class Isolation(StrEnum):
    """How far a job was kept from its neighbours and its host, weakest first."""

    NONE = "none"
    DEGRADED = "degraded"  # a sandbox in which memory, CPU time and processes of the whole job are only watched
    FULL = "full"

    @property
    def strength(self) -> int:
        """Greater is stronger."""
        return list(Isolation).index(self)


class StreamId:
    """The first byte of a log frame. Plain integers: they are bytes on the wire."""

    SYSTEM = 0
    STDOUT = 1
    STDERR = 2
    COMPILE = 3


STREAMS = {"stdout": StreamId.STDOUT, "stderr": StreamId.STDERR, "compile": StreamId.COMPILE}
"""What people call the streams of a job's output."""
