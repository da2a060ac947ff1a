"""Files of a job, whatever a person gives as one: paths, folders, bytes, text, arrays."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pathspec

from telerun_protocol.client import file_ref
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import FileRef

Content = bytes | Path
Files = Mapping[str, Any] | Iterable[str | os.PathLike[str]] | str | os.PathLike[str]
MAX_FOLDER_FILES = 2000
IGNORE_FILE = ".telerunignore"
LEFT_OUT = (".git", ".hg", ".svn", ".jj", ".ipynb_checkpoints/", "__pycache__/", "telerun-out/", IGNORE_FILE)
"""No job is sent these: version control holds what was deleted long ago, the others only what was left behind."""


class Contents:
    """The blobs of one submission."""

    def __init__(self) -> None:
        self.by_sha256: dict[str, Content] = {}

    def add_all(self, named: Iterable[tuple[str, Content]]) -> list[FileRef]:
        return [self.add(name, content) for name, content in named]

    def add(self, name: str, content: Content, *, executable: bool = False) -> FileRef:
        if isinstance(content, Path):
            executable = os.access(content, os.X_OK)
        try:
            ref = file_ref(name, content, executable=executable)
        except OSError as error:
            raise InvalidMessage(f"{name} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise InvalidMessage(f"A file cannot be called {name!r}: {error}.") from None
        self.by_sha256[ref.sha256] = content
        return ref


def named_contents(files: Files, folder: Path | None = None) -> Iterator[tuple[str, Content]]:
    """Each file with the name under which the job will find it.

    A path below `folder` (the current one) keeps its relative name, any other only its last part. Folders are walked.
    """
    if isinstance(files, Mapping):
        for name, value in files.items():
            yield str(name), content_of(value, str(name))
        return
    base = (folder or Path()).resolve()
    for entry in [files] if isinstance(files, str) or not isinstance(files, Iterable) else files:
        if not isinstance(entry, str | os.PathLike):
            raise InvalidMessage(
                f"A file cannot be of type {type(entry).__name__}.",
                hint="Give paths, or a mapping from names to contents.",
            )
        path = Path(entry).expanduser()
        if not path.exists():
            raise InvalidMessage(f"There is no file {str(entry)!r}.", hint=f"Looked in {Path.cwd()}.")
        absolute = path.resolve()
        root = base if absolute.is_relative_to(base) else absolute.parent
        for file in walk(absolute):
            yield file.relative_to(root).as_posix(), file


def content_of(value: Any, name: str) -> Content:
    """Bytes or a path for a value that a person gave as a file: bytes, text, a path or an array (as .npy)."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, Path):
        if not value.is_file():
            raise InvalidMessage(f"There is no file {str(value)!r}.", hint=f"Looked in {Path.cwd()}.")
        return value
    if hasattr(value, "__array__"):
        import numpy  # noqa: PLC0415 - an optional package; whoever has an array has it

        array = io.BytesIO()
        try:
            numpy.save(array, value, allow_pickle=False)
        except ValueError:
            raise InvalidMessage(f"The array {name!r} holds Python objects; only plain numbers can be sent.") from None
        return array.getvalue()
    raise InvalidMessage(
        f"{name!r} is of type {type(value).__name__}.", hint="A file is given as a path, bytes, text or an array."
    )


def named_in_directive(names: Iterable[str], folder: Path, notices: list[str]) -> list[tuple[str, Content]]:
    """The files that a directive names, below the folder of its source; what cannot be sent is left out and told."""
    found: list[Path] = []
    for name in names:
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            notices.append(f"{name!r}, named in a TL directive, is outside {folder.resolve()} and was left out.")
        elif not path.is_file():
            notices.append(f"{name!r}, named in a TL directive, is not here and was left out.")
        else:
            found.append(path)
    return list(named_contents(found, folder))


def walk(path: Path) -> list[Path]:
    """The regular files below a folder, or the file itself.

    Links that lead out of the folder are left out, and so is what `LEFT_OUT` or the folder's own `.telerunignore`
    names. Both are read like a .gitignore, so that a line such as `!.git` brings something back.
    """
    if not path.is_dir():
        return [path]
    ignored = _ignored(path / IGNORE_FILE)
    files: list[Path] = []
    for where, folders, names in os.walk(path):
        here = Path(where)
        folders[:] = [name for name in folders if not ignored.match_file(f"{(here / name).relative_to(path)}/")]
        files += [here / name for name in names if not ignored.match_file((here / name).relative_to(path))]
        if len(files) > MAX_FOLDER_FILES:
            raise InvalidMessage(
                f"The folder {path} has more than {MAX_FOLDER_FILES} files.",
                hint=f"Name what the job does not need in a {IGNORE_FILE} there.",
            )
    files = [file for file in sorted(files) if file.is_file() and file.resolve().is_relative_to(path.resolve())]
    if not files:
        raise InvalidMessage(f"The folder {path} has no files to send.")
    return files


def _ignored(file: Path) -> pathspec.GitIgnoreSpec:
    try:
        lines = file.read_text("utf-8").splitlines() if file.is_file() else []
        return pathspec.GitIgnoreSpec.from_lines([*LEFT_OUT, *lines])
    except (OSError, ValueError) as error:
        raise InvalidMessage(f"{file} cannot be read: {error}.") from error
