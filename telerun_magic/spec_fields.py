"""The fields of a job's spec, from whatever a person gives for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from telerun_protocol.codec import convert, invalid
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import JobSpec, Limits
from telerun_protocol.states import Check
from telerun_protocol.units import parse_duration, parse_size

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


def several(values: Any) -> tuple[Any, ...]:
    """What may be one value or many; a text alone is one value, not its letters, and None is no value."""
    if values is None:
        return ()
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        return (values,)
    return tuple(values)


def listed(values: Any) -> tuple[str, ...]:
    """The same for words of which a text may list several, with commas."""
    return tuple(word.strip() for value in several(values) for word in str(value).split(",") if word.strip())


def dashed(flags: Sequence[object]) -> tuple[str, ...]:
    """With the dash that may be left out, except in a word that belongs to the flag before it, as in `-I include`."""
    words = [str(flag) for flag in flags]
    return tuple(
        flag if flag.startswith("-") or before in _TAKE_A_WORD else f"-{flag}"
        for before, flag in zip(("", *words), words, strict=False)
    )


def arch(word: str) -> str:
    """`90`, `9.0`, `sm90` and `sm_90` are the same architecture."""
    plain = word.lower().replace(".", "")
    return f"sm_{plain.removeprefix('sm_').removeprefix('sm')}" if not plain.startswith("compute") else plain


def check(word: str) -> Check:
    try:
        return Check(word.lower())
    except ValueError:
        raise InvalidMessage(f"There is no check {word!r}.", hint=f"Choose from {', '.join(Check)}.") from None


def environment(variables: object) -> dict[str, str]:
    return {name: str(value) for name, value in _mapping("env", variables, '{"NAME": "value"}').items()}


def limits(given: object, *, time: float | str | None, memory: float | str | None) -> Limits:
    """`time` in seconds and `memory` in bytes, or as people write them; the others by the protocol's names."""
    bounds = dict(_mapping("limits", given, '{"processes": 16}'))
    if unknown := set(bounds) - set(Limits.__struct_fields__):
        raise InvalidMessage(
            f"There is no limit {min(map(str, unknown))!r}.", hint=f"There are {', '.join(Limits.__struct_fields__)}."
        )
    if time is not None:
        bounds["wall_time_s"] = parse_duration(str(time))
    if memory is not None:
        bounds["memory_bytes"] = parse_size(str(memory))
    try:
        return convert(bounds, Limits)
    except InvalidMessage as error:
        raise InvalidMessage(f"The limit {error.message.removeprefix('$.')}", path=error.path) from None


def _mapping(word: str, value: object, example: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidMessage(f"{word} cannot be {value!r}.", hint=f"Write it like {example}.")
    return value


def check_spec(spec: JobSpec) -> None:
    """The contract's own bounds, checked here, where the person still sees the words they wrote."""
    try:
        msgspec.convert(msgspec.to_builtins(spec), JobSpec)
    except msgspec.ValidationError as error:
        why = str(error)
        field = next((name for name in JobSpec.__struct_fields__ if f"$.{name}" in why), None)
        if field is None:
            raise invalid(why) from None
        hint = _SHAPES.get(field)
        shape = "" if hint else f": {why.partition(' - at')[0]}"  # else a pattern, which tells less than the hint
        raise InvalidMessage(
            f"The job's {field.replace('_', ' ')} cannot be like that{shape}.", hint=hint, path=f"$.{field}"
        ) from None
