"""Whether a device is what a job asks for, by its name and by labels. The server schedules by it, executors lend by it.

A label asked for is a word that stands among those offered, or a comparison with a number that is offered:
`gpu-memory>=40GB` holds where `gpu-memory=80GB` does. Case is of no account.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Set

from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import EMULATED, Device
from telerun_protocol.states import Language
from telerun_protocol.units import parse_size

NVIDIA, CPU = "nvidia", "cpu"
EMULATED_LANGUAGES = frozenset({Language.CUDA, Language.PROJECT, Language.SHELL, Language.COMMAND})
"""CUDA, and what calls nvcc itself. What others link with cannot be emulated."""
MEMORY = "gpu-memory"
_COMPARISON = re.compile(r"([^<>=]+)(>=|<=|=|<|>)([^<>=]+)")
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


def device_labels(device: Device) -> frozenset[str]:
    """What a job may ask of a device: its kind, architecture, memory, and a GPU's name, whole and in words."""
    labels = {device.kind, device.arch or device.kind}
    if device.kind == NVIDIA:
        words = re.findall(r"[a-z0-9.]+", device.name.casefold())
        labels |= {"cuda", *words, "-".join(words), "-".join(words[1:] or words)}
        labels |= {f"{MEMORY}={device.memory_bytes}"} if device.memory_bytes else set()
    return frozenset(map(str.casefold, labels))


def holds(wanted: str, offered: Set[str]) -> bool:
    """Whether a label asked for is met by those offered, which are in lower case."""
    wanted = wanted.casefold()
    if wanted in offered:
        return True
    match = _COMPARISON.fullmatch(wanted)
    if match is None or (bound := _number(match[3])) is None:
        return False
    values = (label.removeprefix(f"{match[1]}=") for label in offered if label.startswith(f"{match[1]}="))
    return any((value := _number(text)) is not None and _OPERATORS[match[2]](value, bound) for text in values)


def _number(text: str) -> float | None:
    """`9.0`, and sizes such as `40GB` in bytes."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(parse_size(text))
    except InvalidMessage:
        return None


def is_called(device: Device, name: str) -> bool:
    """By a part of its name, or by its kind."""
    return name.casefold() in device.name.casefold() or name.casefold() == device.kind.casefold()


def matching(devices: Iterable[Device], name: str | None, labels: Iterable[str]) -> tuple[Device, ...]:
    """The devices of that name that meet every one of these labels."""
    labels = tuple(labels)
    return tuple(
        device
        for device in devices
        if (name is None or is_called(device, name))
        and (not labels or all(holds(label, device_labels(device)) for label in labels))
    )


def is_gpu(device: Device) -> bool:
    return device.kind not in (CPU, EMULATED)


def wants_emulation(name: str | None, labels: Iterable[str]) -> bool:
    """Whether who asks like this asks for the emulation itself."""
    emulation = Device(kind=EMULATED, name="CPU emulation")
    return EMULATED in map(str.casefold, labels) or (name is not None and is_called(emulation, name))
