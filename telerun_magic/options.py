"""The options of `%%telerun`: what they are called, what they mean, and from which layers they come."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from telerun_magic.contents import content_of, named_contents
from telerun_magic.language import closest
from telerun_magic.option_values import pair, read_limits, split
from telerun_magic.render.job_display import PARTS
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.states import Check

F = TypeVar("F", bound=Callable[..., Any])


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; IPython's own would keep quotes and split inside them."""

    def error(self, message: str) -> NoReturn:
        raise InvalidMessage(f"The options cannot be read: {message}.", hint="%%telerun? lists them.")


def _parser() -> _Parser:
    """A destination's name is the option's, so that a configuration file can use the same words."""
    parser = _Parser(
        prog="%%telerun", usage="%%%%telerun [LANGUAGE] [options] [-- ARGS]", add_help=False, allow_abbrev=False
    )
    option = parser.add_argument
    many: dict[str, Any] = {"action": "append"}
    flag: dict[str, Any] = {"action": "store_const", "const": True}
    option("language", nargs="?", help="cu, cpp, c, py, sh, project or command; without it the content decides")
    option("--args", metavar="'A B'", help="arguments of the program, also after -- at the end of the line")
    option("--stdin", metavar="F", help="a file, or a variable with text or bytes, as standard input")
    option("--in", metavar="F", help="a file, folder or variable beside the program; NAME=F renames it", **many)
    option("--header", metavar="F", help="a header or further source beside the cell", **many)
    option("--out", metavar="DIR", help="save the files that the program leaves in out/ here")
    option("--flags", metavar="'-A -B'", help="flags for the compiler", **many)
    option("-X", metavar="FLAG", help="one flag for the compiler; its dash may be left out", **many)
    option("-D", "--define", metavar="N=V", help="a macro; {n} on this line is replaced by the variable n", **many)
    option("--std", help="language standard, such as c++20")
    option("--lib", metavar="L", help="link this library", **many)
    option("--compiler", help="g++, clang++, gcc-12 …")
    option("--arch", metavar="SM", help="GPU architectures, such as 80,90", **many)
    option("--asm", help="show PTX, SASS or host assembly beside the source", **flag)
    option("--compile-only", help="compile and show, run nothing", **flag)
    option("--env", metavar="K=V", help="a variable in the program's environment", **many)
    option("--time", metavar="T", help="how long the program may run: 30s, 2m")
    option("--memory", metavar="SIZE", help="how much memory it may use: 512MB, 2GB")
    option("--limit", metavar="N=V", help="cpu_time, compile_time, output, disk or processes", **many)
    option("--gpus", type=int, metavar="N", help="how many GPUs")
    option("--device", metavar="NAME", help="the kind of device, such as h100 or emulated")
    option("--label", metavar="L", help="only an executor with this label, such as gpu-memory>=40GB", **many)
    option("--emulate", help="where no GPU is to be had, an emulation on the CPU will do", **flag)
    option("--no-emulate", dest="emulate", action="store_const", const=False, help="only a real GPU will do")
    option("--network", help="let it reach other machines, where your class of users may", **flag)
    option(
        "--check",
        metavar="C",
        help=f"what the emulation watches for: {', '.join(Check)}; or several: races,init",
        **many,
    )
    option("--wait-for-executor", help="queue it also where no executor known could run it", **flag)
    option("--name", help="a name for the job")
    option("--tag", metavar="T", help="a tag to find the job by", **many)
    option("--var", metavar="NAME", help="put the Job into this variable")
    option("--bg", help="do not wait; the output below the cell keeps up with the job", **flag)
    option("--no-wait", help="queue the job and leave it alone", **flag)
    option("--keep-going", help="no error when the job fails: the cells below run", **flag)
    option("--hide", metavar="PART", help=f"leave out: {', '.join(PARTS)}", **many)
    option("--show", metavar="PART", help="show these parts only, or all", **many)
    return parser


PARSER = _parser()
FLAGS = sorted(option for action in PARSER._actions for option in action.option_strings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """What to do with a job once it is queued."""

    background: bool = False
    leave: bool = False
    keep_going: bool = False
    variable: str | None = None
    out: Path | None = None
    hidden: frozenset[str] = frozenset()


def explained(function: F) -> F:
    """Appends the options to a magic's help."""
    function.__doc__ = f"{function.__doc__}\n\n{PARSER.format_help()}"
    return function


def parse(line: str) -> dict[str, Any]:
    """The options on a magic's line, those that were given."""
    found = split(line)
    found, program = (found[: found.index("--")], found[found.index("--") + 1 :]) if "--" in found else (found, [])
    namespace, unknown = PARSER.parse_known_args(_joined(found))
    if unknown and unknown[0].startswith("-"):
        guess = closest(unknown[0].split("=")[0], FLAGS)
        hint = f"Did you mean {guess}?" if guess else "%%telerun? lists them."
        if not unknown[0].startswith("--"):
            hint = f"A flag for the compiler is given by -X {unknown[0]}."
        raise InvalidMessage(f"There is no option {unknown[0]}.", hint=hint)
    if unknown:
        raise InvalidMessage(
            f"{unknown[0]!r} is one word too many.", hint="Arguments of the program come last, after --."
        )
    given = {key: value for key, value in vars(namespace).items() if value is not None}
    return given | ({"program": program} if program else {})


def _joined(words: list[str]) -> list[str]:
    """`--flags -O3` as `--flags=-O3`: a value may begin with a dash, which argparse takes for the next option."""
    valued = {option for action in PARSER._actions if action.nargs != 0 for option in action.option_strings}
    joined: list[str] = []
    rest = iter(words)
    for word in rest:
        value = next(rest, None) if word in valued else None
        if value is None:
            joined.append(word)
        else:
            joined.append(f"{word}={value}" if word.startswith("--") else word + value)
    return joined


def from_config(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a configuration file, by the options' long names, in the shape of parsed options."""
    actions = {option.lstrip("-"): action for action in PARSER._actions for option in action.option_strings}
    found: dict[str, Any] = {}
    for key, value in defaults.items():
        action = actions.get(key.replace("_", "-"))
        if action is None:
            guess = closest(key, actions)
            raise InvalidMessage(
                f"The configuration sets {key!r}, which is no option.",
                hint=f"Did you mean {guess!r}?" if guess else None,
            )
        found[action.dest] = _from_toml(key, value, action)
    return found


def _from_toml(key: str, value: object, action: argparse.Action) -> object:
    """What the option would have made of a word on the line."""
    values = value if isinstance(value, list) and isinstance(action, argparse._AppendAction) else [value]
    if action.nargs == 0:
        if isinstance(value, bool):
            return action.const if value else (False if action.const else None)
        raise InvalidMessage(f"The configuration sets {key!r} to {value!r}.", hint="It can be true or false.")
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in values):
        raise InvalidMessage(f"The configuration sets {key!r} to {value!r}.", hint="It can be a text or a number.")
    if isinstance(action, argparse._AppendAction):
        return list(map(str, values))
    return value if action.type is int else str(value)


def words(given: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the words of `submission.build`."""
    flags = [flag for text in given.get("flags", ()) for flag in split(text)]
    flags += [flag if flag.startswith("-") else f"-{flag}" for flag in given.get("X", ())]
    flags += [f"-D{macro}" for macro in given.get("define", ())]
    return {
        "lang": given.get("language"),
        "args": [*split(given.get("args", "")), *given.get("program", ())],
        "stdin": _content(given["stdin"], variables) if "stdin" in given else None,
        "files": dict(named_contents(given.get("header", ()))),
        "inputs": _inputs(given.get("in", ()), variables),
        "flags": flags,
        "std": given.get("std"),
        "libraries": given.get("lib", ()),
        "compiler": given.get("compiler"),
        "archs": given.get("arch", ()),
        "asm": given.get("asm", False),
        "run": not given.get("compile_only", False),
        "env": dict(pair("--env", text) for text in given.get("env", ())),
        "time": given.get("time"),
        "memory": given.get("memory"),
        "limits": read_limits(given.get("limit", ())),
        "gpus": given.get("gpus"),
        "device": given.get("device"),
        "labels": given.get("label", ()),
        "emulate": given.get("emulate"),
        "checks": given.get("check", ()),
        "network": given.get("network", False),
        "wait_for_executor": given.get("wait_for_executor", False),
        "name": given.get("name"),
        "tags": given.get("tag", ()),
    }


def presentation(given: Mapping[str, Any]) -> Presentation:
    variable = given.get("var")
    if variable is not None and (not variable.isidentifier() or iskeyword(variable)):
        raise InvalidMessage(f"--var {variable!r} is not a variable's name.")
    hidden = _parts("--hide", given.get("hide", ()))
    if shown := _parts("--show", given.get("show", ())):
        hidden |= frozenset(PARTS) - shown
    return Presentation(
        background=given.get("bg", False),
        leave=given.get("no_wait", False),
        keep_going=given.get("keep_going", False),
        variable=variable,
        out=Path(given["out"]).expanduser() if "out" in given else None,
        hidden=hidden,
    )


def _parts(option: str, texts: list[str]) -> frozenset[str]:
    parts = {part for text in texts for part in text.split(",") if part}
    if "all" in parts:
        return frozenset(PARTS)
    if wrong := parts - set(PARTS):
        word = min(wrong)
        raise InvalidMessage(
            f"{option} {word!r}: there is no such part.", hint=f"Choose from {', '.join(PARTS)} or all."
        )
    return frozenset(parts)


def _inputs(entries: list[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        name, sign, what = entry.partition("=")
        if not sign or Path(entry).exists():
            name, sign, what = "", "", entry
        if not what or (sign and not name):
            raise InvalidMessage(f"{entry!r} must look like FILE or NAME=FILE.")
        if Path(what).expanduser().exists():
            found |= _renamed(dict(named_contents([what])), what, name)
        elif what in variables:
            suffix = ".npy" if hasattr(variables[what], "__array__") else ""
            found[name or f"{what}{suffix}"] = content_of(variables[what], what)
        else:
            guess = closest(what, [key for key in variables if not key.startswith("_")])
            hint = f"Looked in {Path.cwd()}." + (f" Did you mean the variable {guess}?" if guess else "")
            raise InvalidMessage(f"There is no file and no variable {what!r}.", hint=hint)
    return found


def _renamed(contents: dict[str, Any], what: str, name: str) -> dict[str, Any]:
    """The contents under another name: of the file, or of the folder that holds them."""
    if not name:
        return contents
    if Path(what).expanduser().is_file():
        return {name: next(iter(contents.values()))}
    folder = Path(what).expanduser().resolve()
    return {f"{name}/{path.relative_to(folder).as_posix()}": path for path in contents.values()}


def _content(what: str, variables: Mapping[str, Any]) -> Any:
    if Path(what).expanduser().is_dir():
        raise InvalidMessage(f"The standard input cannot be the folder {what!r}.", hint="Name one file of it.")
    return next(iter(_inputs([what], variables).values()))
