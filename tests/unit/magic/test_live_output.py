"""Output on its way to a notebook: at once, in few messages, and never more than Jupyter takes."""

from __future__ import annotations

import asyncio
import os
import re
import threading

import pytest

from telerun_magic import io_thread, live
from telerun_magic.live import OutputPump
from telerun_magic.session import Bell

OUT, ERR = 1, 2


class Notebook:
    def __init__(self, *, limited: bool = True) -> None:
        self.now = 1000.0
        self.messages: list[tuple[str, str]] = []
        self.pump = OutputPump(self.write, limited=limited, where="job.stdout", clock=lambda: self.now)

    def write(self, stream: str, text: str) -> None:
        self.messages.append((stream, text))

    def text(self) -> str:
        return "".join(text for _, text in self.messages)


def test_the_first_bytes_go_at_once_then_twenty_messages_a_second() -> None:
    notebook = Notebook()
    notebook.pump.feed(OUT, b"first")
    notebook.pump.flush()
    assert notebook.messages == [("stdout", "first")]
    for number in range(1000):  # a line each millisecond
        notebook.now += 0.001
        notebook.pump.feed(OUT, b"%d\n" % number)
        notebook.pump.flush()
    notebook.pump.flush(last=True)
    assert len(notebook.messages) <= 23
    assert notebook.text() == "first" + "".join(f"{number}\n" for number in range(1000))


def test_what_waits_says_when_it_is_due() -> None:
    notebook = Notebook()
    assert notebook.pump.due_in_s is None
    notebook.pump.feed(OUT, b"a")
    assert notebook.pump.due_in_s == 0
    notebook.pump.flush()
    notebook.pump.feed(OUT, b"b")
    assert notebook.pump.due_in_s == pytest.approx(live.TICK_S)


def test_streams_that_alternate_cost_two_messages() -> None:
    notebook = Notebook()
    for number in range(100):
        notebook.pump.feed(OUT if number % 2 else ERR, b"%d\n" % number)
    notebook.pump.flush()
    assert [stream for stream, _ in notebook.messages] == ["stderr", "stdout"]


def test_a_flood_is_elided_and_its_end_is_shown() -> None:
    notebook = Notebook()
    line, written = b"x" * 99 + b"\n", 0
    for _ in range(2000):  # 20 MB in ten seconds
        notebook.now += 0.005
        notebook.pump.feed(OUT, line * 100)
        written += 100 * len(line)
        notebook.pump.flush()
    notebook.pump.feed(OUT, b"the end\n")
    written += 8
    notebook.pump.flush(last=True)
    text = notebook.text()
    assert text.endswith("the end\n")
    notes = re.findall(r"^… (\S+ [KM]iB) not shown, see job.stdout\n", text, re.MULTILINE)
    assert 5 <= len(notes) <= 12, "about one a second"
    assert len(text) < live.BURST_BYTES + 10 * live.RATE_BYTES_S
    shown = re.sub(r"^….*\n", "", text, flags=re.MULTILINE)
    assert set(shown.splitlines()) == {"x" * 99, "the end"}, "whole lines only"


def test_a_cell_that_prints_for_hours_stays_small() -> None:
    notebook = Notebook()
    for _ in range(3600):
        notebook.now += 1
        notebook.pump.feed(OUT, b"y" * 10_000 + b"\n")
        notebook.pump.flush()
    assert len(notebook.text()) < live.LONG_BYTES + 3600 * live.LONG_RATE_BYTES_S + 100_000


@pytest.mark.parametrize("limited", [True, False])
def test_a_long_output_that_comes_at_once_is_not_copied_with_each_piece(limited: bool) -> None:
    notebook = Notebook(limited=limited)
    for _ in range(48_000):  # of a job that is looked at when it has ended; copying would take minutes
        notebook.pump.feed(OUT, b"w" * 511 + b"\n")
    notebook.pump.flush(last=True)
    assert notebook.text().endswith("w" * 511 + "\n")
    assert len(notebook.messages) == 1


def test_a_terminal_keeps_the_order_of_the_streams() -> None:
    terminal = Notebook(limited=False)
    for stream, data in ((OUT, b"a"), (OUT, b"b"), (ERR, b"c"), (OUT, b"d")):
        terminal.pump.feed(stream, data)
    terminal.pump.flush()
    assert terminal.messages == [("stdout", "ab"), ("stderr", "c"), ("stdout", "d")]


def test_a_terminal_gets_everything() -> None:
    terminal = Notebook(limited=False)
    terminal.pump.feed(OUT, b"z" * 10_000_000)
    terminal.pump.flush(last=True)
    assert len(terminal.text()) == 10_000_000


def test_control_characters_count_as_what_they_cost() -> None:
    notebook = Notebook()
    for _ in range(40):
        notebook.now += 0.05
        notebook.pump.feed(OUT, b"\r" * 100_000)
        notebook.pump.flush()
    assert len(notebook.text()) < (live.BURST_BYTES + 2 * live.RATE_BYTES_S) / 2


def test_the_io_thread_survives_a_fork() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return threading.get_ident()

    ours = io_thread.call(answer())
    assert ours != threading.get_ident()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            io_thread.call(answer(), timeout=30)
            os.write(writer, b"alive")
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"alive"
    assert io_thread.call(answer()) == ours


def test_a_timeout_ends_the_waiting_and_the_work() -> None:
    ended = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        io_thread.call(forever(), timeout=0.05)
    assert ended.wait(30)


def test_nobody_who_gives_up_silences_the_bell_for_others() -> None:
    bell = Bell()
    first, second = bell.after(0), bell.after(0)
    assert not first.cancel()
    bell.ring()
    assert (first.result(0), second.result(0)) == (1, 1)
    assert bell.after(0).done()
    assert not bell.after(1).done()
