"""From what a person gives (text, files, folders, arrays) to a job spec and the contents it names."""

from __future__ import annotations

import shlex
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from telerun_magic import directives, language
from telerun_magic.contents import Content, Contents, Files, content_of, named_contents, named_in_directive, walk
from telerun_protocol.codec import convert, invalid
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import FileRef, JobSpec, Limits
from telerun_protocol.states import Check, Language
from telerun_protocol.units import parse_duration, parse_size

Source = str | Path | Sequence[str]
GENERAL_PLATFORMS = (None, "cuda", "x86_64")  # of old clients; every other names a device
_SHAPES = {
    "archs": "An architecture looks like sm_90, or just 90.",
    "compiler": "A compiler looks like g++ or clang++-17.",
    "env": "A variable's name has letters, digits and _.",
    "labels": "A label has letters, digits and _.:/=<>- and up to 63 of them.",
    "libraries": "A library's name stands without -l, such as cublas.",
    "std": "A standard looks like c++20.",
    "tags": "A tag has letters, digits and _.:/=<>- and up to 63 of them.",
}

_TAKE_A_WORD = (
    "-I", "-L", "-D", "-U", "-l", "-isystem", "-include", "-x", "--param", "-Xcompiler", "-Xptxas", "-Xlinker",
    "-Xnvlink", "-arch", "-code", "-gencode", "-maxrregcount", "-diag-suppress",
)  # fmt: skip


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
    emulate: bool | None = None,
    checks: Sequence[str] = (),
    network: bool = False,
    wait_for_executor: bool = False,
    name: str | None = None,
    tags: Sequence[str] = (),
    compiler: str | None = None,
    notebook: str | None = None,
    cell_id: str | None = None,
    line_offset: int = 0,
    folder: Path | None = None,
) -> Submission:
    """The job that these words describe; InvalidMessage says what is wrong with them.

    `source` is a text, or a Path of a file, of a tar or of a folder; for `command` it is the argv. `files` (headers,
    further sources) lie beside the source, `inputs` beside the running program: paths, or a mapping from name to path,
    bytes, text or array. `folder` is what relative paths in directives start from.
    """
    collected = Contents()
    read = _read(source, language.named(lang) if lang else None, collected)
    sources, notices = list(read.files), list(read.notices)
    flags, beside = _several(flags), dict(named_contents(inputs))
    if read.text is not None and read.language is not Language.PROJECT:
        found = directives.read(read.text)
        folder = folder or (source.parent if isinstance(source, Path) else Path())
        device = device or (None if found.platform in GENERAL_PLATFORMS else found.platform)
        flags += found.compile_flags
        sources += collected.add_all(named_in_directive(found.header_files, folder, notices))
        beside |= dict(named_in_directive(found.workspace_files, folder, notices))
    sources += collected.add_all(named_contents(files))
    if isinstance(source, Path) and source.is_dir() and (twice := beside.keys() & {file.path for file in sources}):
        raise InvalidMessage(
            f"The folder {str(source)!r} holds {min(twice)!r}, and so do the inputs.", hint="Leave out one of them."
        )
    bounds = dict(limits or {})
    if time is not None:
        bounds["wall_time_s"] = parse_duration(time) if isinstance(time, str) else float(time)
    if memory is not None:
        bounds["memory_bytes"] = parse_size(memory) if isinstance(memory, str) else memory
    try:
        spec = JobSpec(
            language=read.language,
            files=tuple(sources),
            main=read.main if len(sources) > 1 else None,
            inputs=tuple(collected.add_all(beside.items())),
            stdin=collected.add("stdin", content_of(stdin, "stdin")) if stdin is not None else None,
            args=(*read.args, *(str(arg) for arg in _several(args))),
            env=dict(env or {}),
            compiler=compiler,
            compile_flags=_dashed(flags),
            std=std,
            libraries=_several(libraries),
            archs=tuple(_arch(arch) for arch in _several(archs)),
            asm=asm,
            run=run,
            device=device,
            labels=_several(labels),
            emulate=emulate,
            checks=tuple(map(_check_named, _several(checks))),
            network=network,
            wait_for_executor=wait_for_executor,
            gpus=gpus,
            limits=_limits(bounds),
            name=name,
            tags=_several(tags),
            notebook=notebook,
            cell_id=cell_id,
            line_offset=line_offset,
        )
    except ValueError as error:
        raise InvalidMessage(f"This job cannot be queued: {error}.") from None
    _check(spec)
    return Submission(spec=spec, contents=collected.by_sha256, source=read.text, notices=tuple(notices))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A source as it was found."""

    language: Language
    files: tuple[FileRef, ...] = ()
    main: str | None = None
    text: str | None = None
    args: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def _read(source: Source, chosen: Language | None, collected: Contents) -> _Read:
    if isinstance(source, Path):
        return _from_path(source.expanduser(), chosen, collected)
    if not isinstance(source, str) or chosen is Language.COMMAND:
        if chosen not in (None, Language.COMMAND):
            raise InvalidMessage("A list of words is a command.", hint='Submit it as language "command".')
        return _Read(language=Language.COMMAND, args=tuple(_words(source) if isinstance(source, str) else source))
    if not source.strip():
        raise InvalidMessage("There is nothing to run: the source is empty.")
    notices = []
    if chosen is None:
        guess = language.of_text(source)
        if guess is None:
            raise InvalidMessage(
                "The text does not show its language.",
                hint=f"Name it: one of {', '.join(language.value for language in Language)}.",
            )
        chosen = guess[0]
        notices.append(f"Taken as {language.NAMES[chosen]} ({chosen.value}), because of {guess[1]}.")
    project = chosen is Language.PROJECT
    main = "run.sh" if project else f"cell.{chosen.value}"
    ref = collected.add(main, source.encode("utf-8", "replace"), executable=project)
    return _Read(language=chosen, files=(ref,), main=None if project else main, text=source, notices=tuple(notices))


def _from_path(path: Path, chosen: Language | None, collected: Contents) -> _Read:
    if not path.exists():
        raise InvalidMessage(f"There is no file {str(path)!r}.", hint=f"Looked in {Path.cwd()}.")
    if path.is_dir():
        refs = collected.add_all((file.relative_to(path).as_posix(), file) for file in walk(path))
        return _Read(language=chosen or Language.PROJECT, files=tuple(refs))
    chosen = chosen or language.of_file(path)
    ref = collected.add(path.name, path)
    if chosen is Language.PROJECT:
        if not tarfile.is_tarfile(path):
            raise InvalidMessage(f"{path} is not a tar file.", hint="A project is a folder or a tar.")
        return _Read(language=chosen, files=(ref,))
    text = path.read_text("utf-8", "replace")
    return _Read(language=chosen, files=(ref,), main=path.name, text=text)


def _several(values: str | Iterable[Any]) -> tuple[Any, ...]:
    """A text alone is one value, not its letters."""
    return (values,) if isinstance(values, str) else tuple(values)


def _dashed(flags: Sequence[str]) -> tuple[str, ...]:
    """With the dash that may be left out, except in a word that belongs to the flag before it, as in `-I include`."""
    return tuple(
        flag if flag.startswith("-") or before in _TAKE_A_WORD else f"-{flag}"
        for before, flag in zip(("", *flags), flags, strict=False)
    )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command, comments=True)
    except ValueError as error:
        raise InvalidMessage(f"The command has a quote without its partner: {error}.") from None


def _check_named(text: str) -> Check:
    try:
        return Check(text.strip().lower())
    except ValueError:
        raise InvalidMessage(f"There is no check {text!r}.", hint=f"Choose from {', '.join(Check)}.") from None


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
