"""From what a person gives (text, files, folders, arrays) to a job spec and the contents it names."""

from __future__ import annotations

import io
import os
import shlex
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from telerun_magic import directives, language
from telerun_magic.units import parse_duration, parse_size
from telerun_protocol.client import file_ref
from telerun_protocol.codec import convert, invalid
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import FileRef, JobSpec, Limits
from telerun_protocol.states import Language

Source = str | Path | Sequence[str]
Content = bytes | Path
Files = Mapping[str, Any] | Iterable[str | Path]
MAX_FOLDER_FILES = 2000
_SHAPES = {
    "archs": "An architecture looks like sm_90, or just 90.",
    "compiler": "A compiler looks like g++ or clang++-17.",
    "env": "A variable's name has letters, digits and _.",
    "labels": "A label has letters, digits and _.:/=<>- and up to 63 of them.",
    "libraries": "A library's name stands without -l, such as cublas.",
    "std": "A standard looks like c++20.",
    "tags": "A tag has letters, digits and _.:/=<>- and up to 63 of them.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job about to be queued. `notices` tell the person what was decided or left out on the way."""

    spec: JobSpec
    contents: dict[str, Content]  # by sha256
    source: str | None = None  # the text of the main file, where it is at hand
    notices: tuple[str, ...] = ()


def build(
    source: Source,
    lang: str | Language | None = None,
    *,
    args: Sequence[object] = (),
    stdin: str | bytes | Path | None = None,
    files: Files = (),
    inputs: Files = (),
    flags: Sequence[str] = (),
    std: str | None = None,
    libraries: Sequence[str] = (),
    archs: Sequence[str] = (),
    asm: bool = False,
    run: bool = True,
    env: Mapping[str, str] | None = None,
    time: float | str | None = None,
    memory: int | str | None = None,
    limits: Mapping[str, Any] | None = None,
    gpus: int | None = None,
    device: str | None = None,
    labels: Sequence[str] = (),
    name: str | None = None,
    tags: Sequence[str] = (),
    compiler: str | None = None,
    notebook: str | None = None,
    cell_id: str | None = None,
    folder: Path | None = None,
) -> Submission:
    """The job that these words describe; InvalidMessage says what is wrong with them.

    `source` is a text, or a Path of a file, of a tar or of a folder; for `command` it is the argv. `files` (headers,
    further sources) lie beside the source, `inputs` beside the running program: paths, or a mapping from name to path,
    bytes, text or array. `folder` is what relative paths in directives start from.
    """
    collected = _Contents()
    notices: list[str] = []
    text: str | None = None
    main: str | None = None
    sources: list[FileRef] = []
    chosen = language.named(lang) if isinstance(lang, str) else lang
    if isinstance(source, Path):
        folder = folder or source.parent
        chosen, main, sources, text = _from_path(source, chosen, collected)
    elif isinstance(source, str) and chosen is not Language.COMMAND:
        chosen, notice = _language_of(source, chosen)
        notices += notice
        text, main = source, f"cell.{chosen.value}" if chosen is not Language.PROJECT else "run.sh"
        sources = [collected.add(main, source.encode(), executable=chosen is Language.PROJECT)]
    else:
        chosen = chosen or Language.COMMAND
        if chosen is not Language.COMMAND:
            raise InvalidMessage("A list of words is a command.", hint='Submit it as language "command".')
        args = (*(_words(source) if isinstance(source, str) else source), *args)
    found = directives.Directives()
    if text is not None and chosen is not Language.PROJECT:
        found = directives.read(text)
        archs_of_platform = _platform(found.platform)
        device = device or archs_of_platform
        flags = (*flags, *found.compile_flags)
        beside = list(_existing(found.header_files, folder or Path(), notices))
        sources += [collected.add(name, content) for name, content in named_contents(beside, folder)]
        data = list(_existing(found.workspace_files, folder or Path(), notices))
        inputs = {**dict(named_contents(inputs)), **dict(named_contents(data, folder))}
    sources += [collected.add(name, content) for name, content in named_contents(files)]
    bounds = dict(limits or {})
    if time is not None:
        bounds["wall_time_s"] = parse_duration(time) if isinstance(time, str) else float(time)
    if memory is not None:
        bounds["memory_bytes"] = parse_size(memory) if isinstance(memory, str) else memory
    try:
        spec = JobSpec(
            language=chosen,
            files=tuple(sources),
            main=main if len(sources) > 1 and chosen is not Language.PROJECT else None,
            inputs=tuple(collected.add(name, content) for name, content in named_contents(inputs)),
            stdin=collected.add("stdin", _stdin(stdin)) if stdin is not None else None,
            args=tuple(str(arg) for arg in args),
            env=dict(env or {}),
            compiler=compiler,
            compile_flags=tuple(flag if flag.startswith("-") else f"-{flag}" for flag in flags),
            std=std,
            libraries=tuple(libraries),
            archs=tuple(_arch(arch) for arch in archs),
            asm=asm,
            run=run,
            device=device,
            labels=tuple(labels),
            gpus=gpus,
            limits=_limits(bounds),
            name=name,
            tags=tuple(tags),
            notebook=notebook,
            cell_id=cell_id,
        )
    except ValueError as error:
        raise InvalidMessage(f"This job cannot be queued: {error}.") from None
    _check(spec)
    return Submission(spec=spec, contents=collected.by_sha256, source=text, notices=tuple(notices))


def named_contents(files: Files, folder: Path | None = None) -> Iterator[tuple[str, Content]]:
    """Each file with the name under which the job will find it.

    A path below `folder` (the current one) keeps its relative name, any other only its last part. Folders are walked.
    """
    if isinstance(files, Mapping):
        for name, value in files.items():
            yield name, content_of(value, name)
        return
    if isinstance(files, str | Path):
        files = [files]
    base = (folder or Path()).resolve()
    for entry in files:
        path = Path(entry).expanduser()
        if not path.exists():
            raise InvalidMessage(f"There is no file {str(entry)!r}.", hint=f"Looked in {Path.cwd()}.")
        absolute = path.resolve()
        root = base if absolute.is_relative_to(base) else absolute.parent
        for file in _walk(absolute):
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
        f"{name!r} is a {type(value).__name__}.", hint="A file is given as a path, bytes, text or an array."
    )


class _Contents:
    """The blobs of one submission."""

    def __init__(self) -> None:
        self.by_sha256: dict[str, Content] = {}

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


def _language_of(source: str, chosen: Language | None) -> tuple[Language, list[str]]:
    if not source.strip():
        raise InvalidMessage("There is nothing to run: the source is empty.")
    if chosen:
        return chosen, []
    guess = language.of_text(source)
    if guess is None:
        raise InvalidMessage(
            "The text does not show its language.",
            hint=f"Name it: one of {', '.join(language.value for language in Language)}.",
        )
    return guess[0], [f"Taken as {language.NAMES[guess[0]]} ({guess[0].value}), because of {guess[1]}."]


def _from_path(
    path: Path, chosen: Language | None, collected: _Contents
) -> tuple[Language, str | None, list[FileRef], str | None]:
    """Language, main file, files and text of a source that lies on disk."""
    path = path.expanduser()
    if not path.exists():
        raise InvalidMessage(f"There is no file {str(path)!r}.", hint=f"Looked in {Path.cwd()}.")
    if path.is_dir():
        refs = [collected.add(file.relative_to(path).as_posix(), file) for file in _walk(path)]
        return chosen or Language.PROJECT, None, refs, None
    chosen = chosen or language.of_file(path)
    if chosen is Language.PROJECT:
        if not tarfile.is_tarfile(path):
            raise InvalidMessage(f"{path} is not a tar file.", hint="A project is a folder or a tar.")
        return chosen, None, [collected.add(path.name, path)], None
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        text = None  # a prebuilt script with odd bytes still runs; only directives need text
    return chosen, path.name, [collected.add(path.name, path)], text


def _walk(path: Path) -> list[Path]:
    """The regular files below a folder, or the file itself; links that lead out of it are left out."""
    if not path.is_dir():
        return [path]
    files = [
        file for file in sorted(path.rglob("*")) if file.is_file() and file.resolve().is_relative_to(path.resolve())
    ]
    if not files:
        raise InvalidMessage(f"The folder {path} has no files.")
    if len(files) > MAX_FOLDER_FILES:
        raise InvalidMessage(f"The folder {path} has {len(files)} files; {MAX_FOLDER_FILES} is the most.")
    return files


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command, comments=True)
    except ValueError as error:
        raise InvalidMessage(f"The command has a quote without its partner: {error}.") from None


def _existing(names: Iterable[str], folder: Path, notices: list[str]) -> Iterator[Path]:
    for name in names:
        path = folder / name
        if PurePosixPath(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
            notices.append(f"{name!r}, named in a TL directive, is outside {folder.resolve()} and was left out.")
        elif not path.is_file():
            notices.append(f"{name!r}, named in a TL directive, is not here and was left out.")
        else:
            yield path


def _platform(name: str | None) -> str | None:
    """The device that an old client's platform stands for; its two general ones follow from the language."""
    return None if name in (None, "cuda", "x86_64") else name


def _stdin(value: str | bytes | Path) -> Content:
    return content_of(value, "stdin")


def _arch(text: str) -> str:
    """`90`, `9.0`, `sm90` and `sm_90` are the same architecture."""
    plain = text.strip().lower().replace(".", "")
    return f"sm_{plain.removeprefix('sm_').removeprefix('sm')}" if not plain.startswith("compute") else plain


def _limits(bounds: Mapping[str, Any]) -> Limits:
    if unknown := set(bounds) - set(Limits.__struct_fields__):
        raise InvalidMessage(
            f"There is no limit {min(unknown)!r}.", hint=f"There are {', '.join(Limits.__struct_fields__)}."
        )
    return convert(bounds, Limits)


def _check(spec: JobSpec) -> None:
    """The contract's own bounds, checked here, where the person still sees the words they wrote."""
    try:
        msgspec.convert(msgspec.to_builtins(spec), JobSpec)
    except msgspec.ValidationError as error:
        why = str(error)
        field = next((name for name in JobSpec.__struct_fields__ if f"$.{name}" in why), None)
        if field is None:
            raise invalid(why) from None
        raise InvalidMessage(
            f"The job's {field.replace('_', ' ')} cannot be like that: {why.partition(' - at')[0]}.",
            hint=_SHAPES.get(field),
            path=f"$.{field}",
        ) from None
