"""Run GPU code on machines you do not have, from a notebook.

%load_ext telerun_magic          then %%telerun cu, cpp, py … at the top of a cell
telerun_magic.submit(source)     the same from Python: a Job to wait for, read, save, cancel
telerun_magic.map(source, rows)  one job for each row of arguments
telerun_magic.job(12), .jobs()   jobs that exist already
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from telerun_magic.api import Jobs, job, jobs, map, submit  # noqa: A004
    from telerun_magic.job_handle import Job, JobResult
    from telerun_magic.outputs import JobFile, Output
    from telerun_protocol.errors import JobCancelled, JobFailed, TelerunError

__all__ = [
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobFile",
    "JobResult",
    "Jobs",
    "Output",
    "TelerunError",
    "job",
    "jobs",
    "load_ipython_extension",
    "map",
    "submit",
]

_HOMES = {
    "telerun_magic.api": ("Jobs", "job", "jobs", "map", "submit"),
    "telerun_magic.job_handle": ("Job", "JobResult"),
    "telerun_magic.outputs": ("JobFile", "Output"),
    "telerun_protocol.errors": ("JobCancelled", "JobFailed", "TelerunError"),
}


def __getattr__(name: str) -> Any:
    """Loads what is asked for only then: the command line and the server extension import this package too."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext telerun_magic`."""
    import_module("telerun_magic.magics").load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext telerun_magic`."""
    import_module("telerun_magic.magics").unload(shell)
