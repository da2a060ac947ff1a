"""From a command line, the directives in a source and config.toml to a job's spec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from telerun_magic import config
from telerun_magic.cli.spec_options import build, spec_options
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import JobSpec
from telerun_protocol.states import Check, Language

Build = Callable[..., JobSpec]


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """The spec for a command line, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELERUN_CONFIG_DIR", str(tmp_path / "config"))

    def run(*args: str, platform: str | None = None, name: str = "a.cu", text: str = "int main() {}\n") -> JobSpec:
        Path(name).write_text(text)
        built: list[Any] = []

        @click.command()
        @spec_options
        def command(**options: Any) -> None:
            built.append(build(Path(name), None, platform=platform, **options))

        done = CliRunner().invoke(command, args, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return built[0].spec

    return run


@pytest.mark.parametrize(
    ("platform", "name", "language", "device", "gpus"),
    [
        (None, "a.cu", Language.CUDA, None, None),
        (None, "a.cc", Language.CPP, None, None),
        ("x86_64", "a.cu", Language.CPP, None, None),
        ("cuda", "a.cpp", Language.CUDA, None, 1),
        ("cuda", "a.py", Language.PYTHON, None, 1),
        ("h100", "a.cu", Language.CUDA, "h100", 1),
    ],
)
def test_platforms_of_the_older_clients(
    spec: Build, platform: str | None, name: str, language: Language, device: str | None, gpus: int | None
) -> None:
    found = spec(platform=platform, name=name)
    assert (found.language, found.device, found.gpus) == (language, device, gpus)


def test_an_option_comes_before_a_directive_before_the_name(spec: Build) -> None:
    text = '// TL {"platform": "h100"}\nint main() {}\n'
    assert spec(name="a.cpp", text=text).language is Language.CUDA
    assert spec(name="a.cpp", text=text).device == "h100"
    found = spec(platform="x86_64", name="a.cpp", text=text)
    assert (found.language, found.device) == (Language.CPP, None)


def test_flags_of_options_come_before_those_of_directives(spec: Build) -> None:
    found = spec("-X", "lcublas", "-X", "-O1", text='// TL+ {"compile_flags": ["-lcuda"]}\nint main() {}\n')
    assert found.compile_flags == ("-lcublas", "-O1", "-lcuda")


def test_the_configuration_fills_what_the_command_line_leaves(spec: Build) -> None:
    config.make_private(config.folder())
    (config.folder() / "config.toml").write_text(
        '[defaults]\nstd = "c++20"\ntime = 7\narch = ["80", "90"]\nflags = "-O2 -Wall"\nX = "g"\nhide = "files"\n'
        'limit = "output=1MiB"\n'
    )
    found = spec()
    assert (found.std, found.limits.wall_time_s, found.archs) == ("c++20", 7.0, ("sm_80", "sm_90"))
    assert found.compile_flags == ("-O2", "-Wall", "-g")
    assert found.limits.output_bytes == 1 << 20
    assert spec("--compiler", "clang++-17").compiler == "clang++-17"
    given = spec("--std", "c++17", "--arch", "75", "-X", "O0", "--limit", "cpu-time=2m", "--limit", "disk=1GB")
    assert (given.limits.cpu_time_s, given.limits.disk_bytes, given.limits.output_bytes) == (120, 10**9, None)
    words = spec("--flags", "-O3 -Wall", "-X", "g", "-D", "N=1", "--define", "M", "--lib", "m")
    assert (words.compile_flags, words.libraries) == (("-O3", "-Wall", "-g", "-DN=1", "-DM"), ("m",))
    assert (given.std, given.archs, given.compile_flags) == ("c++17", ("sm_75",), ("-O0",))


def test_checks_are_called_as_in_a_cell(spec: Build) -> None:
    assert spec("--check", "races", "--check", "init").checks == (Check.RACES, Check.INIT)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stdd = 17", "Did you mean 'std'"),
        ("time = [1]", "can be a text or a number"),
        ("memory = true", "can be a text or a number"),
        ('asm = "no"', "can be true or false"),
        ("flags = '-DX=\"a'", "without its partner"),
        ("limit = 5", "must look like NAME=VALUE"),
        ('gpus = "two"', "gpus cannot be like that"),
    ],
)
def test_a_default_that_cannot_be(spec: Build, line: str, message: str) -> None:
    config.make_private(config.folder())
    (config.folder() / "config.toml").write_text(f"[defaults]\n{line}\n")
    with pytest.raises(InvalidMessage, match=message):
        spec()


def test_a_default_that_takes_something_away(spec: Build) -> None:
    config.make_private(config.folder())
    for line in ("emulate = false", "no-emulate = true"):
        (config.folder() / "config.toml").write_text(f"[defaults]\n{line}\n")
        assert spec().emulate is False
        assert spec("--emulate").emulate is True
