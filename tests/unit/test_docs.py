"""What the documentation shows can be done: links, commands, options, cells."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests_docs import DOCS, PAGES, SCRIPTS, fences, named, spans, table_rows, text_of

from telerun_executor.cli import main as executor_cli
from telerun_magic import language, options
from telerun_magic.cli.app import cli as client_cli
from telerun_magic.magics import TelerunMagics
from telerun_server.cli import main as server_cli

GENERATED = "reference-cli.md"
PROGRAMS: dict[str, click.Group] = {
    "telerun": client_cli,
    "telerun-server": server_cli,
    "telerun-executor": executor_cli,
}
SHELL_WORDS = {"|", "||", "&&", ";", "<", ">", "&", "(", ")"}
OF_OTHERS = {"--cacert", "--mem", "--all", "--reset"}  # programs of others, and words of line magics

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
every_file = pytest.mark.parametrize("page", [*PAGES, *SCRIPTS], ids=lambda path: path.name)


# ---------------------------------------------------------------------------------------------------------- links


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives headings."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_listed() -> None:
    listed = set(re.findall(r"\]\(([\w-]+\.md)", text_of(DOCS / "index.md")))
    assert listed == {page.name for page in DOCS.glob("*.md")} - {"index.md"}


# ------------------------------------------------------------------------------------------------------- commands


def commands(page: Path) -> Iterator[list[str]]:
    """Each call of one of our programs, as words."""
    text = text_of(page)
    parts = [text] if page in SCRIPTS else [*fences(text, "bash"), *spans(text)]
    for part in parts:
        for line in part.replace("\\\n", " ").splitlines():
            words = split(line)
            for start, word in enumerate(words):
                program = word.removeprefix("ExecStart=").rpartition("/")[2]
                if program in PROGRAMS and (start == 0 or "/" in word or words[start - 1] in ("exec", "do")):
                    end = next((n for n, other in enumerate(words) if n > start and other in SHELL_WORDS), len(words))
                    yield [program, *words[start + 1 : end]]


def split(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # prose, or half of a quote
        return []


def check(words: list[str]) -> None:
    """Parses as the program would; what is left out, and files that are not there, are no mistake of a page."""
    command: click.Command = PROGRAMS[words[0]]
    name, args, context = words[0], words[1:], None
    while args:
        try:
            context = command.make_context(name, list(args), parent=context)
        except (click.exceptions.Exit, click.MissingParameter):
            return
        except click.BadParameter as error:
            if "does not exist" in error.message:
                return
            pytest.fail(f"{shlex.join(words)}: {error.message}")
        except click.UsageError as error:
            pytest.fail(f"{shlex.join(words)}: {error.message}")
        if not isinstance(command, click.Group):
            return
        try:
            found, sub, args = command.resolve_command(context, [*context._protected_args, *context.args])
        except click.UsageError as error:
            pytest.fail(f"{shlex.join(words)}: {error.message}")
        assert sub is not None, shlex.join(words)
        command, name = sub, found or ""


@every_file
def test_commands_parse(page: Path) -> None:
    if page.name != GENERATED:
        for words in commands(page):
            check(words)


def test_commands_are_found() -> None:
    assert sum(1 for page in [*PAGES, *SCRIPTS] for _ in commands(page)) > 80


@pytest.mark.parametrize("words", ["telerun submti", "telerun run --nothing x", "telerun-server run --log-format xml"])
def test_a_wrong_command_is_noticed(words: str) -> None:
    with pytest.raises((pytest.fail.Exception, AssertionError)):
        check(words.split())


def options_of(command: click.Command, context: click.Context) -> Iterator[str]:
    """The long options of a command and of those below it."""
    for param in command.params:
        yield from (flag for flag in (*param.opts, *param.secondary_opts) if flag.startswith("--"))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options_of(below, click.Context(below, parent=context))


@every_page
def test_options_in_the_text_exist(page: Path) -> None:
    known = {flag for program in PROGRAMS.values() for flag in options_of(program, click.Context(program))}
    known |= {*options.FLAGS, *OF_OTHERS, "--help", "--version"}
    told = {
        span.split()[0].partition("=")[0].rstrip(",")
        for span in spans(text_of(page))
        if span.startswith("--") and span != "--"
    }
    assert told <= known


# --------------------------------------------------------------------------------------------------------- magics


@every_page
def test_cells_parse(page: Path) -> None:
    text = text_of(page)
    lines = [line for part in [*fences(text), *spans(text)] for line in part.splitlines()]
    for line in lines:
        if line.startswith("%%telerun ") and "[" not in line:
            given = options.parse(line.removeprefix("%%telerun"))
            options.presentation(given)
            if "language" in given:
                language.named(given["language"])
        if line.startswith("%telerun_config --") and "--reset" not in line:
            options.presentation(options.parse(line.removeprefix("%telerun_config")))
        if match := re.match(r"%(telerun_\w+)", line):
            assert match[1] in TelerunMagics.magics["line"], line


def test_every_option_of_cells_is_described() -> None:
    text = text_of(DOCS / "notebook.md")
    described = {span.split()[0] for row in table_rows(text) for span in named(row[0]) if span.startswith("-")}
    assert described == set(options.FLAGS)
    magics = {span.split()[0].removeprefix("%") for row in table_rows(text) for span in named(row[0]) if span[0] == "%"}
    assert magics == set(TelerunMagics.magics["line"])


@every_page
def test_python_is_python(page: Path) -> None:
    for body in fences(text_of(page), "python"):
        if not body.startswith("%"):
            compile(
                "\n".join(line for line in body.splitlines() if not line.startswith("%")),
                page.name,
                "exec",
                flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            )
