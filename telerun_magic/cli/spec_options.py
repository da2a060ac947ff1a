"""The options that say what a job is, for every command that submits one."""

from __future__ import annotations

import dataclasses
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from click.core import ParameterSource

from telerun_magic import config, directives, language, option_values, submission
from telerun_magic import options as cell_options
from telerun_magic.cli.terminal import clean
from telerun_magic.submission import Submission
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.states import Check, Language

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
PLATFORMS = {"x86_64": None, "cuda": Language.CUDA, "h100": Language.CUDA}
_DEFAULTS = {name: name for name in ("std", "compiler", "time", "memory", "gpus", "device", "emulate", "asm", "flags")}
_DEFAULTS |= {"X": "flags", "arch": "archs", "lib": "libraries", "label": "labels", "limit": "limits"}
"""Which options of a cell have their defaults here too, and what they are called here."""

SANITIZERS = ("memcheck", "racecheck", "synccheck", "initcheck")

_OPTIONS = (
    click.option("-s", "--asm", is_flag=True, help="Bring back the assembly: PTX and SASS, or the host's."),
    click.option("--flags", "texts", multiple=True, metavar="'-A -B'", help="Flags for the compiler."),
    click.option("-X", "flags", multiple=True, metavar="FLAG", help="A compiler flag; -X lcublas is -lcublas."),
    click.option("-D", "--define", "macros", multiple=True, metavar="N=V", help="A macro."),
    click.option("--compile-only", is_flag=True, help="Compile, bring back the assembly if asked for, run nothing."),
    click.option("--std", metavar="STANDARD", help="The language standard, such as c++20."),
    click.option("--compiler", metavar="NAME", help="g++, clang++, gcc-12 …; the executor must have it."),
    click.option(
        "--arch", "archs", multiple=True, metavar="SM", help="Compile for these GPU architectures, such as 80,90."
    ),
    click.option("-l", "--lib", "libraries", multiple=True, metavar="NAME", help="Link with this library."),
    click.option(
        "--header-file", "--header", "files", multiple=True, metavar="FILE", help="A file to lie beside the source."
    ),
    click.option("--in", "inputs", multiple=True, metavar="FILE", help="A file or folder to lie beside the program."),
    click.option("--stdin", type=FILE, help="What the program reads as its standard input; - is ours."),
    click.option("-e", "--env", multiple=True, metavar="NAME=VALUE", help="A variable of the program's environment."),
    click.option("--time", metavar="DURATION", help="How long the program may run, such as 30s or 5m."),
    click.option("--memory", metavar="SIZE", help="How much memory it may use, such as 2GB."),
    click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="NAME=VALUE",
        help="cpu_time, compile_time, output, disk or processes, such as output=500MB.",
    ),
    click.option("--gpus", type=click.IntRange(0, 64), help="How many GPUs it needs; 1 for CUDA, else 0."),
    click.option("--device", metavar="NAME", help="The GPU it needs, such as h100, or emulated."),
    click.option("--label", "labels", multiple=True, metavar="L", help="A label its executor must have."),
    click.option("--emulate/--no-emulate", default=None, help="Whether emulated GPUs will do where there are no real."),
    click.option("--network", is_flag=True, help="Let it reach other machines, where your class of users may."),
    click.option(
        "--check",
        "checks",
        type=click.Choice([check.value for check in Check]),
        multiple=True,
        help="What the emulation watches for; otherwise memory, init and barriers.",
    ),
    click.option("--wait-for-executor", is_flag=True, help="Queue it also where no executor known could run it."),
    click.option("--name", metavar="TEXT", help="What to call the job."),
    click.option("--tag", "tags", multiple=True, metavar="TAG", help="A word to find the job by."),
    click.option("--sanitizer", type=click.Choice(SANITIZERS), hidden=True),  # of older clients: refused in words
)


def spec_options(command: F) -> F:
    """Adds the options; the command passes them on to `build` as they are."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def build(
    source: Path | str | list[str], lang: str | Language | None, *, platform: str | None = None, **options: Any
) -> Submission:
    """The submission that a command's options describe, over the defaults of config.toml; tells its notices."""
    if options.pop("sanitizer"):
        raise InvalidMessage(
            "There is no --sanitizer any more.",
            hint="--device emulated and --check watch on the CPU; on a GPU, run compute-sanitizer as a command job.",
        )
    _tell_misplaced(source, options.get("args", ()))
    options["run"] = not options.pop("compile_only")
    texts, macros = options.pop("texts"), options.pop("macros")
    split = [flag for text in texts for flag in option_values.split(text)]
    options["flags"] = [*split, *options["flags"], *(f"-D{macro}" for macro in macros)]
    options["env"] = dict(option_values.pair("--env", text) for text in options["env"])
    options["limits"] = option_values.read_limits(options["limits"])
    options |= _defaults(options)
    if isinstance(source, Path):
        wanted = platform or _platform_in(source)
        lang = lang or _language_on(wanted, source)
        if wanted == "h100" and not options["device"]:
            options["device"] = wanted
        if wanted in ("cuda", "h100") and options["gpus"] is None:
            options["gpus"] = 1
    if options["stdin"] == Path("-"):
        options["stdin"] = sys.stdin.buffer.read()
    built = submission.build(source, lang, **options)
    for notice in built.notices:
        click.echo(f"telerun: {clean(notice)}", err=True)
    if platform and built.spec.device and not options["device"]:  # the option comes before what a directive names
        return dataclasses.replace(built, spec=msgspec.structs.replace(built.spec, device=None))
    return built


def _defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """What config.toml sets and the command line does not; defaults that mean something only in a cell are left."""
    source_of = click.get_current_context().get_parameter_source
    every = cell_options.from_config(config.load().defaults)
    found = {name: value for name, value in every.items() if name in _DEFAULTS}
    words = cell_options.words(found, {})
    return {
        word: words[word]
        for word in {_DEFAULTS[name] for name in found}
        if word in options and source_of(word) is ParameterSource.DEFAULT and not (word == "flags" and options[word])
    }


def _tell_misplaced(source: Path | str | list[str], args: Sequence[str]) -> None:
    """What stands behind the file is the program's, even where it looks like ours."""
    own = {option for parameter in click.get_current_context().command.params for option in parameter.opts}
    words = [word for word in args if word.partition("=")[0] in own and word.startswith("-")]
    if words and isinstance(source, Path):
        click.echo(
            f"telerun: {clean(words[0])} stands after {clean(source.name)} and goes to the program; "
            "put it before the file to use it.",
            err=True,
        )


def _platform_in(source: Path) -> str | None:
    """The platform that a directive in the source names."""
    if not source.is_file() or tarfile.is_tarfile(source):
        return None
    return directives.read(source.read_text(encoding="utf-8", errors="replace")).platform


def _language_on(platform: str | None, source: Path) -> Language | None:
    """The language of a source on a platform: cuda makes CUDA of C++, x86_64 makes C++ of CUDA."""
    if platform is None:
        return None
    if platform not in PLATFORMS:
        near = language.closest(platform, PLATFORMS)
        raise InvalidMessage(
            f"There is no platform {platform!r}.",
            hint=f"Did you mean {near}?" if near else f"Choose from {', '.join(PLATFORMS)}.",
        )
    if source.is_dir():
        return None
    by_name = language.of_file(source) if source.suffix else None
    if PLATFORMS[platform] and by_name in (None, Language.CPP, Language.C):
        return Language.CUDA
    if platform == "x86_64" and by_name in (None, Language.CUDA):
        return Language.CPP
    return by_name
