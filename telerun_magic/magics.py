"""`%%telerun` and its line magics."""

from __future__ import annotations

import getpass
import os
from typing import Any

from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from telerun_magic import api, completion, config, io_thread, live, options, session, show, submission
from telerun_magic.background import Background
from telerun_magic.job_handle import Job
from telerun_magic.option_values import split
from telerun_magic.options import Presentation
from telerun_protocol.client import Client
from telerun_protocol.errors import InvalidMessage, NotConfigured, TelerunError
from telerun_protocol.states import UNFINISHED, State

RECENT = 20
ALL = 1000


@magics_class
class TelerunMagics(Magics):
    """Run cells on Telerun's executors."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.background = Background()
        self._defaults: dict[str, Any] = {}
        self._last: Job | None = None
        self._cell = ""
        self._cell_id: str | None = None

    def before_cell(self, info: Any) -> None:
        """Remembers the cell as it was typed: IPython takes leading blank lines away before a magic sees it."""
        self._cell, self._cell_id = info.raw_cell or "", getattr(info, "cell_id", None)

    # --------------------------------------------------------------------------------------------------- a cell

    @options.explained
    @cell_magic
    def telerun(self, line: str, cell: str) -> None:
        """Compile and run this cell on a Telerun executor; its output appears here as it is printed.

        %%telerun cu --asm --arch 90 -- 1000    the words after -- are the program's arguments
        """
        given = self._given(line)
        how = options.presentation(given)
        try:
            self._last = job = self._queue(given, cell)
        except KeyboardInterrupt:
            raise TelerunError("Interrupted; nothing was queued.") from None
        if how.variable:
            self.shell.user_ns[how.variable] = job
        self._show(job, how, ours=True)

    def _queue(self, given: dict[str, Any], cell: str) -> Job:
        words = options.words(given, self.shell.user_ns)
        words |= {"notebook": os.environ.get("JPY_SESSION_NAME"), "cell_id": self._cell_id}
        offset = self._line_offset(cell)
        built = submission.build(cell, words.pop("lang"), **words, line_offset=offset)
        return api.send(built, _say, line_offset=offset)

    def _given(self, line: str) -> dict[str, Any]:
        """The cell's options over the kernel's over the configuration's."""
        return options.from_config(config.load().defaults) | self._defaults | options.parse(line)

    def _line_offset(self, body: str) -> int:
        """From a line of the source to the line of the cell, past its magics and the blank lines above them."""
        text = body.rstrip()
        start = self._cell.rstrip().rfind(text)
        return self._cell.count("\n", 0, start) if text and start > 0 else 1

    def _show(self, job: Job, how: Presentation, *, ours: bool = False) -> None:
        """`ours`: this cell has started it, and interrupting the cell ends it."""
        in_notebook = hasattr(self.shell, "kernel")
        if how.background or how.leave:
            screen = show.LeftBehind(self.shell, how) if in_notebook else None
            if screen:
                screen.update(job)
            else:
                _say(f"Job {job.number} is queued; %telerun_attach {job.number} shows it.")
            if how.background:
                self.background.start(job, how, screen)
            return
        live.Watch(job, show.Notebook(self.shell, how) if in_notebook else show.terminal(how)).run(cancels=ours)
        if not how.keep_going:
            job.raise_for_state()

    # --------------------------------------------------------------------------------------------------- jobs

    @line_magic
    def telerun_status(self, line: str) -> Any:
        """%telerun_status [JOB | --all]: one job, your newest jobs, or all of them."""
        word = _words(line, 1)
        if word and word[0] != "--all":
            return self._job(word[0])
        return api.jobs(limit=ALL if word else RECENT)

    @line_magic
    def telerun_attach(self, line: str) -> None:
        """%telerun_attach [JOB]: shows a job as if this cell had started it, whichever kernel did."""
        job = self._job(next(iter(_words(line, 1)), None))
        self._show(job, Presentation())

    @line_magic
    def telerun_logs(self, line: str) -> None:
        """%telerun_logs [JOB]: what the job has printed, then what it prints, to its end."""
        job = self._job(next(iter(_words(line, 1)), None))
        live.Watch(job, show.OutputOnly(limited=hasattr(self.shell, "kernel"))).run()

    @line_magic
    def telerun_cancel(self, line: str) -> None:
        """%telerun_cancel [JOB … | --all]: ends jobs; without a word, this kernel's last one."""
        words = _words(line)
        if words == ["--all"]:
            jobs: list[Job] = list(api.jobs(limit=ALL, state=UNFINISHED))
        else:
            jobs = [self._job(word) for word in words] or [self._job(None)]
        for job in jobs:
            if job.state.is_final:
                _say(f"Job {job.number} has ended before: {job.state}.")
                continue
            job.cancel()
            job.wait()
            _say(f"Job {job.number}: {job.state}.")
        if not jobs:
            _say("No job of yours is queued or running.")

    @line_magic
    def telerun_wait(self, line: str) -> None:
        """%telerun_wait [JOB …]: waits for these jobs, or for all that run in this kernel's background."""
        jobs = [self._job(word) for word in _words(line)] or self.background.jobs()
        try:
            for job in jobs:
                job.wait()
                _say(f"Job {job.number}{f' {job.name}' if job.name else ''}: {job.state}.")
        except KeyboardInterrupt:
            raise TelerunError("No longer waiting; the jobs go on.", hint="%telerun_cancel JOB ends one.") from None
        if not jobs:
            _say("No job runs in the background.")
        self.background.republish()
        for job in jobs:
            if job.state is State.FAILED:
                job.raise_for_state()

    def _job(self, word: str | None) -> Job:
        """The job that a word names: a number, an id, a variable, or `last` (nothing means it, too)."""
        if word is None or word == "last":
            if self._last:
                return self._last
            if newest := api.jobs(limit=1):
                return _in_cell(newest[0])
            raise InvalidMessage("You have no jobs yet.")
        if word.startswith("-"):
            raise InvalidMessage(f"There is no option {word} here.", hint="Name a job by its number, id or variable.")
        if isinstance(value := self.shell.user_ns.get(word), Job):
            return value
        return _in_cell(api.job(word))

    # --------------------------------------------------------------------------------------------------- settings

    @line_magic
    def telerun_login(self, line: str) -> None:
        """%telerun_login [URL]: asks for your token and keeps it; a token never stands in a cell."""
        words = _words(line, 1)
        url = words[0] if words else config.load().url
        if not url:
            raise NotConfigured(hint="Name the server: %telerun_login https://telerun.example.org")
        url = config.server_url(url)
        try:
            token = getpass.getpass(f"Token for {url}: ").strip()
        except StdinNotImplementedError:
            raise InvalidMessage(
                "This notebook runs where nobody can be asked.", hint=f"Run telerun login {url} in a terminal."
            ) from None
        if not token:
            raise InvalidMessage("No token was given; nothing has changed.")
        name = io_thread.call(_try_token(url, token))
        config.login(url, token, name)
        _say(f"Logged in to {url} as {name}.")

    @options.explained
    @line_magic
    def telerun_config(self, line: str) -> None:
        """%telerun_config [options of %%telerun | --reset]: defaults for the cells that follow in this kernel."""
        if line.split()[:1] == ["--reset"]:
            self._defaults = {}
            line = line.replace("--reset", "", 1)
        if line.strip():
            given = options.parse(line)
            options.presentation(given)
            words = options.words(given, self.shell.user_ns)
            # Nothing is queued: what is wrong is told here, not in every cell.
            submission.build("true", words.pop("lang") or "sh", **words)
            self._defaults |= given
        saved = config.load()
        _say(f"server: {os.environ.get('TELERUN_URL') or saved.url or 'your own, started when it is needed'}")
        for where, values in ((config.folder() / config.CONFIG_FILE, saved.defaults), ("this kernel", self._defaults)):
            for key, value in values.items():
                _say(f"{key} = {value!r}  ({where})")


def _in_cell(job: Job) -> Job:
    """A job found again: if a cell submitted it, its lines are counted as in the cell."""
    job.line_offset = job.spec.line_offset
    return job


async def _try_token(url: str, token: str) -> str:
    async with Client(url, token, retry_s=session.FIRST_ANSWER_S) as client:
        return (await client.me()).name


def _words(line: str, most: int | None = None) -> list[str]:
    words = split(line)
    if most is not None and len(words) > most:
        raise InvalidMessage(f"{words[most]!r} is one word too many.")
    return words


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a magic speaks by printing


def load(shell: InteractiveShell) -> None:
    """Registers the magics; loading twice is loading once."""
    unload(shell)
    magics = TelerunMagics(shell)
    shell.register_magics(magics)
    shell.events.register("pre_run_cell", magics.before_cell)
    shell.events.register("post_run_cell", magics.background.republish)
    completion.install(shell)


def unload(shell: InteractiveShell) -> None:
    old = shell.magics_manager.registry.get("TelerunMagics")
    if isinstance(old, TelerunMagics):
        shell.events.unregister("pre_run_cell", old.before_cell)
        shell.events.unregister("post_run_cell", old.background.republish)
        shell.magics_manager.registry.pop("TelerunMagics")
    completion.remove(shell)
