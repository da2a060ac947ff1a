"""From what a person gives (text, files, folders, arrays) to a job spec and the contents it names."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telerun_magic import directives, language, option_values, spec_fields
from telerun_magic.contents import Content, Contents, Files, content_of, named_contents, named_in_directive, walk
from telerun_magic.spec_fields import listed, several
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import FileRef, JobSpec
from telerun_protocol.states import Language

Source = str | Path | Sequence[str]
GENERAL_PLATFORMS = (None, "cuda", "x86_64")  # of old clients; every other names a device


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
    args: object = (),
    stdin: str | bytes | Path | None = None,
    files: Files = (),
    inputs: Files = (),
    flags: str | Sequence[str] = (),
    std: str | None = None,
    libraries: str | Sequence[str] = (),
    archs: object = (),
    asm: bool = False,
    run: bool = True,
    env: Mapping[str, object] | None = None,
    time: float | str | None = None,
    memory: float | str | None = None,
    limits: Mapping[str, Any] | None = None,
    gpus: int | None = None,
    device: str | None = None,
    labels: str | Sequence[str] = (),
    emulate: bool | None = None,
    checks: str | Sequence[str] = (),
    network: bool = False,
    wait_for_executor: bool = False,
    name: str | None = None,
    tags: str | Sequence[str] = (),
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
    read = _read(source, language.named(str(lang)) if lang else None, collected)
    sources, notices = list(read.files), list(read.notices)
    all_flags, beside = several(flags), dict(named_contents(inputs))
    if read.text is not None and read.language is not Language.PROJECT:
        found = directives.read(read.text)
        folder = Path(folder or (source.parent if isinstance(source, Path) else "."))
        device = device or (None if found.platform in GENERAL_PLATFORMS else found.platform)
        all_flags += found.compile_flags
        sources += collected.add_all(named_in_directive(found.header_files, folder, notices))
        beside |= dict(named_in_directive(found.workspace_files, folder, notices))
    sources += collected.add_all(named_contents(files))
    if isinstance(source, Path) and source.is_dir() and (twice := beside.keys() & {file.path for file in sources}):
        raise InvalidMessage(
            f"The folder {str(source)!r} holds {min(twice)!r}, and so do the inputs.", hint="Leave out one of them."
        )
    try:
        spec = JobSpec(
            language=read.language,
            files=tuple(sources),
            main=read.main if len(sources) > 1 else None,
            inputs=tuple(collected.add_all(beside.items())),
            stdin=collected.add("stdin", content_of(stdin, "stdin")) if stdin is not None else None,
            args=(*read.args, *map(str, several(args))),
            env=spec_fields.environment(env),
            compiler=compiler,
            compile_flags=spec_fields.dashed(all_flags),
            std=std,
            libraries=several(libraries),
            archs=tuple(map(spec_fields.arch, listed(archs))),
            asm=asm,
            run=run,
            device=device,
            labels=several(labels),
            emulate=emulate,
            checks=tuple(map(spec_fields.check, listed(checks))),
            network=network,
            wait_for_executor=wait_for_executor,
            gpus=gpus,
            limits=spec_fields.limits(limits, time=time, memory=memory),
            name=name,
            tags=several(tags),
            notebook=notebook,
            cell_id=cell_id,
            line_offset=line_offset,
        )
    except ValueError as error:
        raise InvalidMessage(f"This job cannot be queued: {error}.") from None
    spec_fields.check_spec(spec)
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
    if isinstance(source, bytes) or not isinstance(source, Sequence):
        raise InvalidMessage(
            f"The source cannot be of type {type(source).__name__}.",
            hint="Give a text, a Path, or the words of a command.",
        )
    if not isinstance(source, str) or chosen is Language.COMMAND:
        if chosen not in (None, Language.COMMAND):
            raise InvalidMessage("A list of words is a command.", hint='Submit it as language "command".')
        words = option_values.split(source, comments=True) if isinstance(source, str) else source
        return _Read(language=Language.COMMAND, args=tuple(map(str, words)))
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
