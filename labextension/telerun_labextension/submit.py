"""Jobs from files below Jupyter's root, and from texts such as a cell's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.fileio import FileManagerMixin
from jupyter_server.services.contents.manager import ContentsManager
from jupyter_server.utils import ApiPath, to_os_path
from msgspec import Struct

from telerun_magic import submission
from telerun_magic.contents import named_contents
from telerun_magic.option_values import split
from telerun_protocol.client import Client
from telerun_protocol.errors import InvalidMessage, NotFound
from telerun_protocol.messages import Job, check_path

Words = tuple[str, ...] | str  # a string is split like a command line


class SubmitOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person chose in a dialog. None and empty: the usual."""

    language: str | None = None
    name: str | None = None
    args: Words = ()
    flags: Words = ()
    stdin: str | None = None  # its text
    env: dict[str, str] = {}
    inputs: tuple[str, ...] = ()  # paths below Jupyter's root
    std: str | None = None
    libraries: tuple[str, ...] = ()
    archs: tuple[str, ...] = ()
    asm: bool = False
    run: bool = True
    time: str | float | None = None
    memory: str | int | None = None
    gpus: int | None = None
    device: str | None = None
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    compiler: str | None = None
    notebook: str | None = None
    cell_id: str | None = None


class SubmitFile(Struct, frozen=True, kw_only=True):
    path: str
    options: SubmitOptions = SubmitOptions()


class SubmitSource(Struct, frozen=True, kw_only=True):
    source: str
    options: SubmitOptions = SubmitOptions()


class Submitted(Struct, frozen=True, kw_only=True):
    """The job, and what was decided or left out on the way, a sentence each."""

    job: Job
    notices: tuple[str, ...]


async def submit(client: Client, contents: ContentsManager, asked: SubmitFile | SubmitSource) -> Submitted:
    """Exactly the job that the magic or the command line would make of it."""
    options, root = asked.options, Path(contents.root_dir)
    inputs = [await below_root(contents, path) for path in options.inputs]
    source: Path | str
    if isinstance(asked, SubmitFile):
        source = await below_root(contents, asked.path)
        folder = source.parent
    else:
        source, folder = asked.source, root
        found = await asyncio.to_thread(_on_disk, root, options.notebook) if options.notebook else None
        if found and options.notebook:
            options = msgspec.structs.replace(
                options, notebook=_os_path(root, options.notebook)
            )  # as a kernel's magics
            folder = found.parent
    built = await asyncio.to_thread(_build, source, options, inputs, folder)
    job = await client.submit_with(built.spec, built.contents)
    return Submitted(job=job, notices=built.notices)


def _build(source: Path | str, options: SubmitOptions, inputs: list[Path], folder: Path) -> submission.Submission:
    """Reads and hashes the files. Relative names start from `folder`."""
    given: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(options).items() if value is not None
    }
    language = given.pop("language", None)
    given |= {name: tuple(split(given[name])) for name in ("args", "flags") if isinstance(given[name], str)}
    given["inputs"] = dict(named_contents(inputs, folder))
    return submission.build(source, language, **given, folder=folder)


async def below_root(contents: ContentsManager, path: str) -> Path:
    """Where a path of the file browser lies on disk; what Jupyter hides or what leads out of its root is not there."""
    path = path.strip("/")
    try:
        check_path(path)
    except ValueError as error:
        raise InvalidMessage(f"{error}.", hint="Choose a file or a folder in the file browser.") from None
    if not isinstance(contents, FileManagerMixin):
        raise InvalidMessage("The files of this Jupyter server do not lie on its disk.", hint="Run a cell instead.")
    found = await asyncio.to_thread(_on_disk, Path(contents.root_dir), path)
    is_hidden: Any = contents.is_hidden
    if found is None or (not contents.allow_hidden and await ensure_async(is_hidden(path))):
        raise NotFound(f"There is no file {path!r} in the file browser.")
    return found


def _on_disk(root: Path, path: str) -> Path | None:
    try:
        found = Path(_os_path(root, path)).resolve(strict=True)
    except (OSError, ValueError):
        return None
    return found if found.is_relative_to(root.resolve()) else None


def _os_path(root: Path, path: str) -> str:
    return to_os_path(ApiPath(path), str(root))
