"""A job as blocks, and blocks as HTML and text: complete, mapped to the cell, and inert."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from telerun_magic.render import assembly, clean, diagnostics, files, job_display, png
from telerun_magic.render.blocks import Details, Line, Pair, Pre, Span, Table, line
from telerun_magic.render.html import to_html
from telerun_magic.render.job_display import JobDisplay
from telerun_magic.render.plain import to_text
from telerun_protocol.listing import AsmFunction, AsmListing, AsmRange, AsmView
from telerun_protocol.messages import (
    Artifact,
    Device,
    Diagnostic,
    FileRef,
    Job,
    JobSpec,
    KernelResources,
    PhaseTime,
    Result,
    Step,
)
from telerun_protocol.states import Language, Phase, Reason, State

SHA = "0" * 64
HOSTILE = "<script>alert(1)</script>\"'&<img onerror=x src=y>\x1b]0;t\x07\x1b[31m\u202ex\x00"


def job(**more: Any) -> Job:
    spec = JobSpec(language=Language.CPP, files=(FileRef(path="cell.cpp", sha256=SHA, size_bytes=1),))
    base: dict[str, Any] = {
        "id": "j1",
        "number": 12,
        "owner": "me",
        "state": State.QUEUED,
        "spec": spec,
        "created_at": 100.0,
    }
    return Job(**(base | more))


def shown(view: JobDisplay) -> str:
    return to_text(job_display.blocks(view))


def test_queued() -> None:
    text = shown(JobDisplay(job=job(queue_position=3, waiting_for="an executor with an H100"), now=102.0))
    assert "● queued job 12 · C++" in text
    assert text.endswith("\nwaiting for an executor with an H100"), text
    assert "position 3 in the queue" in shown(JobDisplay(job=job(queue_position=3), now=100.0))
    assert "next in the queue" in shown(JobDisplay(job=job(queue_position=1), now=100.0))


def test_running_and_out_of_touch() -> None:
    running = job(
        state=State.RUNNING,
        phase=Phase.RUN,
        claimed_at=100.5,
        attempt=2,
        phases=(PhaseTime(phase=Phase.COMPILE, started_at=100.5), PhaseTime(phase=Phase.RUN, started_at=101.5)),
    )
    text = shown(JobDisplay(job=running, now=104.0, trouble="The server does not answer."))
    assert "● running job 12 · C++ · attempt 2" in text
    assert "queued 500 ms → compile 1.00 s → run 2.50 s" in text
    assert "The server does not answer. Trying again …" in text


def failed(**more: Any) -> Job:
    result = Result(state=State.FAILED, reason=Reason.SIGNAL, message="It crashed.", hint="Look at it.", **more)
    return job(state=State.FAILED, reason=Reason.SIGNAL, result=result, finished_at=101.0, executor="gpu-1")


def test_failure_says_why_and_where() -> None:
    view = failed(
        signal=11,
        signal_name="SIGSEGV",
        devices=(Device(kind="nvidia", name="NVIDIA H200", arch="sm_90"),),
        steps=(Step(phase=Phase.RUN, argv=("./a",), wall_time_s=1, cpu_time_s=0.5, peak_memory_bytes=3_000_000),),
        notes=("2 files were left out.",),
        output_cut_bytes=5_000_000,
        kernels=(KernelResources(kernel="k(int)", symbol="_Z1ki", arch="sm_90", registers=32, spill_store_bytes=4),),
    )
    text = shown(JobDisplay(job=view, now=200.0))
    assert "● failed (signal) job 12 · C++ · 1.00 s in all · isolation: none" in text
    assert "It crashed.\nLook at it." in text
    assert "signal 11 (SIGSEGV) · NVIDIA H200 (sm_90) · gpu-1 · CPU 500 ms · peak 2.9 MiB · " in text
    assert "4.8 MiB of output cut" in text
    assert "2 files were left out." in text
    assert re.search(r"k\(int\)  sm_90 +32 +0 B +4 B +0 B +\? +0$", text, re.MULTILINE)
    html = to_html(job_display.blocks(JobDisplay(job=view, now=200.0)))
    assert re.search(r"color:#d9453d\"><b>· isolation: none", html), "no isolation stands in red"


def test_hidden_parts() -> None:
    view = msgspec.structs.replace(
        failed(kernels=(KernelResources(kernel="k", symbol="k", arch="sm_90"),)),
        phases=(PhaseTime(phase=Phase.RUN, started_at=100.25),),
    )
    everything = JobDisplay(job=view, now=200.0, output={"stdout": "printed"}, compile_log="warned")
    words = ("printed", "compiler's log", "sm_90", "queued 250 ms")
    assert all(word in shown(everything) for word in words)
    nothing = JobDisplay(
        job=view, now=200.0, output={"stdout": "printed"}, compile_log="warned", hidden=frozenset(job_display.PARTS)
    )
    assert not any(word in shown(nothing) for word in words)


def test_diagnostics_on_the_cells_lines() -> None:
    found = (
        Diagnostic(file="cell.cpp", line=2, column=9, message="unknown name"),
        Diagnostic(file="cell.cpp", line=2, column=9, message="unknown name"),
        Diagnostic(file="a.h", line=7, severity="warning", message="odd"),
        Diagnostic(file="cell.cpp", line=99, column=1, severity="note", message="beyond cell.cpp:3, not my_cell.cpp:3"),
        Diagnostic(file="cell.cpp", message="no place"),
        Diagnostic(file="", message="cannot find -lfoo"),
    )
    blocks = diagnostics.blocks(found, main="cell.cpp", source="int main() {\n\tx;\n}", line_offset=3)
    assert to_text(blocks) == (
        "cell line 5:9: error: unknown name\n"
        "    5 |         x;\n"
        "      |         ^\n"
        "a.h line 7: warning: odd\n"
        "cell line 102:1: note: beyond cell line 6, not my_cell.cpp:3\n"
        "cell: error: no place\n"
        "error: cannot find -lfoo"
    )
    many = tuple(Diagnostic(file="x", line=number, message="m") for number in range(1, 31))
    assert "… and 10 more" in to_text(diagnostics.blocks(many, main=None, source=None, line_offset=0))


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@given(st.text() | st.just(HOSTILE))
def test_whatever_a_job_says_is_inert(text: str) -> None:
    artifact = Artifact(path="a.csv", sha256=SHA, size_bytes=5, media_type=text)
    function = AsmFunction(symbol=text, name=text, text=(text,), ranges=(AsmRange(0, 0, 1),))
    asm = AsmView(kind=text, arch=text, artifact=text, functions=(function,))
    listing = AsmListing(file=text, source=(text,), views=(asm,), notes=(text,))
    view = JobDisplay(
        job=failed(
            executor=text,
            toolchain=text,
            signal=1,
            signal_name=text,
            artifacts=(artifact,),
            notes=(text,),
            diagnostics=(Diagnostic(file=text, line=1, column=1, severity=text, message=text),),
            kernels=(KernelResources(kernel=text, symbol=text, arch=text),),
        ),
        now=200.0,
        source=text,
        system=text,
        compile_log=text,
        output={"stdout": text},
        previews={"a.csv": text.encode("utf-8", "replace"), "b.svg": f"<svg>{text}".encode("utf-8", "replace")},
        listing=listing,
        saved_to=text,
    )
    blocks = job_display.blocks(view)
    found = Tags(to_html(blocks))
    allowed = "div span b pre details summary table tr td th figure figcaption img"
    assert set(found.tags) <= set(allowed.split())
    assert {name for name, _ in found.attributes} <= {"style", "open", "src", "alt"}
    assert all((value or "").startswith("data:image/") for name, value in found.attributes if name == "src")
    for document in (to_html(blocks), to_text(blocks, full=True)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", document)


def test_assembly_is_coloured_by_source_line_and_bounded() -> None:
    text = tuple(f"INSTRUCTION {number};" for number in range(1500))
    function = AsmFunction(
        symbol="_Z1kv", name="k()", text=text, ranges=(AsmRange(0, 1, 2), AsmRange(2, 2, 3), AsmRange(3, 3, 2))
    )
    outside = AsmFunction(symbol="", name="(module)", text=(".version 8.0",), ranges=())
    view = AsmView(kind="sass", arch="sm_90", artifact="a.sass", functions=(function, function, outside))
    listing = AsmListing(file="cell.cu", source=("// 1", "two", "three", "four"), views=(view,))
    blocks = assembly.blocks(listing, line_offset=1)
    assert isinstance(blocks[0], Details)
    assert blocks[0].summary == "SASS sm_90: 2 functions"
    first = blocks[0].blocks[0]
    assert isinstance(first, Details)
    pair = first.blocks[0]
    assert isinstance(pair, Pair)
    assert [stripe.text for stripe in pair.left] == ["   2  // 1\n", "   3  two\n", "   4  three\n", "   5  four\n"]
    assert [stripe.color for stripe in pair.left] == [None, 0, 1, None]
    assert [stripe.color for stripe in pair.right] == [0, 1, 0, None]
    html = to_html(blocks)
    assert "not shown; job.asm has all" in html
    assert html.count("INSTRUCTION") < assembly.MAX_LINES
    assert len(html) < assembly.MAX_BYTES * 1.5


def test_streams_keep_colours_and_lose_the_rest() -> None:
    whole = clean.StreamText()
    assert whole.feed(b"\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[Hx\r\x08\x00\xff\n") == (
        "\x1b[31mred\x1b[0m x\r\x08\ufffd\ufffd\n"
    )
    pieces = clean.StreamText()
    data = "é\x1b[31mred\x1b]0;title\x07 \u202eend\x1b".encode()
    out = "".join(pieces.feed(data[at : at + 1]) for at in range(len(data))) + pieces.feed(b"", last=True)
    assert out == "é\x1b[31mred [U+202E]end\ufffd"
    assert clean.StreamText().feed(b"\xc3", last=True) == "\ufffd"


@given(st.binary(), st.integers(min_value=1, max_value=7))
def test_streams_are_the_same_in_any_pieces(data: bytes, size: int) -> None:
    whole = clean.StreamText().feed(data, last=True)
    pieces = clean.StreamText()
    cut = [data[at : at + size] for at in range(0, len(data), size)]
    assert "".join(pieces.feed(piece) for piece in cut) + pieces.feed(b"", last=True) == whole


@pytest.mark.parametrize(
    "data",
    [
        b"P6 2 1 255\n\x00\x01\x02\x03\x04\x05",
        b"P6\n# a comment\n2 1\n255\n\x00\x01\x02\x03\x04\x05",
        b"P3 2 1 255\n0 1 2 # and more\n3 4 5\n",
        b"P5 3 2 255\n\x00\x40\x80\xc0\xff\x01",
        b"P2 3 2 255\n0 64 128 192 255 1",
    ],
)
def test_netpbm_becomes_png(data: bytes) -> None:
    made = png.from_netpbm(data)
    assert made is not None
    with Image.open(io.BytesIO(data)) as expected, Image.open(io.BytesIO(made)) as image:
        assert image.size == expected.size
        assert image.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "data",
    [b"", b"P6 2 1 255\n\x00", b"P6 0 1 255\n", b"P6 99999 99999 255\n", b"P3 1 1 255\n1 x 3", b"P6" + b" " * 5000],
)
def test_broken_pictures_are_no_pictures(data: bytes) -> None:
    assert png.from_netpbm(data) is None


def test_wide_samples() -> None:
    made = png.from_netpbm(b"P5 2 1 65535\n\xff\xff\x80\x00")
    assert made is not None
    with Image.open(io.BytesIO(made)) as image:
        assert list(image.tobytes()) == [255, 127]


def test_tables_and_lists_of_files() -> None:
    previews = {
        "a.csv": b"n;x\n" + b"".join(b"row;%d\n" % number for number in range(25)),
        "b.tsv": b"",
        "c.png": b"no",
    }
    tables = files.tables(previews)
    assert len(tables) == 1
    assert "a.csv: 25 rows, 2 columns, the first 20 shown" in to_text(tables)
    assert files.images(previews) == []
    artifacts = [Artifact(path=f"f{number}", sha256=SHA, size_bytes=1000) for number in range(150)]
    artifacts.append(Artifact(path=".telerun/asm/asm.json", sha256=SHA, size_bytes=1, kind="asm"))
    listed = to_text(files.listing(artifacts, 12), full=True)
    assert listed.startswith("150 files, 146 KiB")
    assert "… and 50 more" in listed
    assert 'telerun_magic.job(12).files["f0"]' in listed
    odd = to_text(files.listing([Artifact(path='a "b".txt', sha256=SHA, size_bytes=1)], 12), full=True)
    assert """.files['a "b".txt']""" in odd
    assert files.to_preview([Artifact(path="x.png", sha256=SHA, size_bytes=3_000_000)]) == []


def test_blocks_as_text() -> None:
    table = Table(("a", "number"), (("x", "1"), ("longer", "100")), numeric=frozenset({1}), caption="what")
    assert to_text([table]) == "what\na       number\nx            1\nlonger     100"
    hidden = Details("more", (Pre("inside\n"),))
    assert to_text([Line((Span("a"), Span("b"))), hidden, line("end")]) == "a b\nmore\nend"
    assert to_text([hidden], full=True) == "more\ninside"
