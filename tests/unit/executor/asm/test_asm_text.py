"""The readers of PTX, SASS, host assembly and ptxas' table: what the tools write, and what nobody does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telerun_executor.asm.bounds import (
    MAX_LINE_CHARACTERS,
    MAX_LISTING_BYTES,
    MAX_TEXT_BYTES,
    MAX_TEXT_LINES,
    MAX_VIEW_LINES,
    bounded,
    read_lines,
)
from telerun_executor.asm.debug_line import LineTable
from telerun_executor.asm.demangle import LONGEST_NAME, demangle
from telerun_executor.asm.host import host_view, without_fat_binary
from telerun_executor.asm.ptx import ptx_arch, ptx_functions
from telerun_executor.asm.resources import TABLE_LINE, kernel_resources
from telerun_executor.asm.sass import sass_functions
from telerun_executor.asm.source import MainSource, ranges, unquote
from telerun_executor.workspace import Workspace
from telerun_protocol.codec import encode
from telerun_protocol.listing import AsmFunction, AsmListing, AsmRange, AsmView

MAIN = MainSource(path="cell.cu", workspace=Workspace(Path("/jobs/1")))

PTX = """\
.version 9.0
.target sm_90a, debug
.extern .func  (.param .b32 func_retval0) vprintf
(
	.param .b64 vprintf_param_0
)
;
.visible .entry _Z3sumPi(
	.param .u64 _Z3sumPi_param_0
)
.maxntid 256, 1, 1
{
	.loc	1 3 0
	ld.param.u64 	%rd1, [_Z3sumPi_param_0];
	.loc	1 9 5
	.loc	2 40 2, function_name $L__info_string0, inlined_at 1 9 5
	.loc	2 41 2, function_name $L__info_string1, inlined_at 2 40 2
	{ // callseq 0, 0 }
	call.uni
	vprintf,
	(param0);
	} // callseq 0
	.loc	2 77 1
	ret;
}
.func  (.param .b32 func_retval0) _Z5twicei(
	.param .b32 _Z5twicei_param_0
)
{
	.loc	1 1 0
	ret;
}
	.file	1 "/jobs/1/src/cell.cu"
	.file	2 "/usr/include/odd\\303\\274.h"
	.section	.debug_str
	{
$L__info_string0:
.b8 95,90,78
	}
"""


def test_ptx() -> None:
    lines = PTX.splitlines()
    assert ptx_arch(lines) == "sm_90a"
    module, total, twice = ptx_functions(lines, MAIN)
    assert module.symbol == ""
    assert ".target sm_90a, debug" in module.text
    assert not any("b8 95" in line for line in module.text)
    assert any("vprintf" in line for line in module.text)
    assert (total.symbol, total.name) == ("_Z3sumPi", "sum(int*)")
    assert (twice.symbol, twice.name) == ("_Z5twicei", "twice(int)")
    assert total.text[-1] == "}"
    by_line = {total.text[i].strip(): r.source for r in total.ranges for i in range(r.first, r.last + 1)}
    assert by_line["ld.param.u64    %rd1, [_Z3sumPi_param_0];"] == 3
    assert by_line["vprintf,"] == 9  # inlined twice over from another file
    assert "ret;" not in by_line  # of another file, inlined nowhere


SASS = """\
	.target	sm_90
//--------------------- .text._Z1fPi --------------------------
	.section	.text._Z1fPi,"ax",@progbits
	.align	128
        .global         _Z1fPi
_Z1fPi:
.text._Z1fPi:
        /*0000*/                   LDC R1, c[0x0][0x28] ;                       /* 0x00000a00ff017b82 */
                                                                                /* 0x000fe20000000800 */
        /*0010*/              @!P0 BRA `(.L_x_0);                               /* 0xfffffffc00fc7947 */
                                                                                /* 0x000fc0000383ffff */
.L_x_0:
        /*0020*/                   EXIT ;                                       /* 0x000000000000794d */
                                                                                /* 0x000fea0003800000 */
.L_x_1:
        /*0030*/                   NOP;                                         /* 0x0000000000007918 */
                                                                                /* 0x000fc00000000000 */
.L_x_2:
"""


def test_sass() -> None:
    (found,) = sass_functions(SASS.splitlines(), LineTable(), MAIN)
    assert found.name == "f(int*)"
    assert found.text == (
        "_Z1fPi:",
        "        /*0000*/  LDC R1, c[0x0][0x28] ;",
        "        /*0010*/  @!P0 BRA `(.L_x_0);",
        ".L_x_0:",
        "        /*0020*/  EXIT ;",
    )
    assert found.ranges == ()


GCC = """\
	.file	"cell.cu"
	.text
	.file 0 "/jobs/1/src" "cell.cu"
	.type	_Z5twicei, @function
_Z5twicei:
.LFB1:
	.file 1 "cell.cu"
	.loc 1 3 20 is_stmt 1 view -0
	.cfi_startproc
	lea	eax, [rdi+rdi]
.LVL1:
	jmp	.L2
	.loc 1 4 1
.L2:
	call	_Z5otheri@PLT
	.file 2 "/usr/include/stdio.h"
	.loc 2 10 1
	nop
	ret
	.size	_Z5twicei, .-_Z5twicei
	.type	_Z6headerv, @function
_Z6headerv:
	.loc 2 12 1
	ret
	.size	_Z6headerv, .-_Z6headerv
	.type	_ZL37__nv_save_fatbinhandle_for_managed_rtPPv, @function
_ZL37__nv_save_fatbinhandle_for_managed_rtPPv:
	.loc 1 1 1
	ret
	.size	_ZL37__nv_save_fatbinhandle_for_managed_rtPPv, .-_ZL37__nv_save_fatbinhandle_for_managed_rtPPv
	.section	.rodata
	.string	"text"
"""

CLANG = """\
	.text
	.file	"cell.cu"
	.file	0 "/jobs/1/src" "cell.cu" md5 0x0123
	.globl	_Z5twicei                       # -- Begin function _Z5twicei
	.type	_Z5twicei,@function
_Z5twicei:                              # @_Z5twicei
.Lfunc_begin0:
	.loc	0 3 0                           # cell.cu:3:0
# %bb.0:
	lea	eax, [rdi + rdi]
	ret
.Lfunc_end0:
	.size	_Z5twicei, .Lfunc_end0-_Z5twicei
                                        # -- End function
"""


def test_host_assembly_of_gcc() -> None:
    view = host_view(GCC.splitlines(), MAIN, "cell.host.s")
    (twice,) = view.functions
    assert twice.name == "twice(int)"
    assert [line.strip() for line in twice.text] == [
        "_Z5twicei:",
        "lea     eax, [rdi+rdi]",
        "jmp     .L2",
        ".L2:",
        "call    other(int)@PLT",
        "nop",
        "ret",
    ]
    assert twice.ranges == (AsmRange(1, 2, 3), AsmRange(4, 4, 4))
    assert host_view(GCC.splitlines(), MAIN, "cell.host.s", {"_Z5twicei"}).functions == ()


def test_host_assembly_of_clang() -> None:
    (twice,) = host_view(CLANG.splitlines(), MAIN, "cell.host.s").functions
    assert [line.split("#")[0].strip() for line in twice.text] == ["_Z5twicei:", "lea     eax, [rdi + rdi]", "ret"]
    assert twice.ranges == (AsmRange(1, 2, 3),)


def test_the_fat_binary_is_left_out() -> None:
    lines = ["\tret\n", "#APP\n", '\t.section .nv_fatbin, "a"\n', ".align 8\n", "fatbinData:\n", ".quad 0x1,0x2\n"]
    after = ["\n", "#NO_APP\n", '\t.section\t.nvFatBinSegment,"aw"\n', "\t.quad\tfatbinData\n"]
    assert list(without_fat_binary([*lines, *after])) == ["\tret\n", "#APP\n", *after]


LOG = b"""\
nvcc warning : something
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z1kPf' for 'sm_80'
ptxas info    : Function properties for _Z1kPf
    656 bytes stack frame, 700 bytes spill stores, 732 bytes spill loads
ptxas info    : Used 32 registers, used 1 barriers, 656 bytes cumulative stack size, 1024 bytes smem, 376 bytes cmem[0]
ptxas info    : Compile time = 22.764 ms
ptxas info    : Function properties for _Z2sqf
    8 bytes stack frame, 9 bytes spill stores, 10 bytes spill loads
ptxas info    : Compiling entry function '_Z1kPf' for 'sm_90a'
ptxas info    : Function properties for _Z1kPf
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 0 barriers
"""


def test_the_lines_of_the_table_are_known_from_others() -> None:
    other = b"nvcc warning : something\nptxas info    : (C7510) Potential Performance Loss: wgmma is serialized\n"
    lines = (LOG + b"nvlink info    : used 24 registers, 0 stack\n" + other).splitlines()
    assert [line for line in lines if not TABLE_LINE.match(line)] == [lines[0], *other.splitlines()]


def test_resources() -> None:
    old, new = kernel_resources(LOG)
    assert (old.kernel, old.arch, old.registers, old.stack_bytes) == ("k(float*)", "sm_80", 32, 656)
    assert (old.spill_store_bytes, old.spill_load_bytes) == (700, 732)
    assert (old.barriers, old.shared_bytes, old.constant_bytes) == (1, 1024, 376)
    assert (new.arch, new.registers, new.spill_store_bytes) == ("sm_90a", 10, 0)


def test_resources_stand_in_the_same_order_whichever_thread_was_first() -> None:
    entry = "ptxas info    : Compiling entry function '{}' for '{}'\n"
    log = "".join(entry.format(symbol, arch) for arch in ("sm_90", "sm_100", "sm_80") for symbol in ("b", "a"))
    found = [(kernel.symbol, kernel.arch) for kernel in kernel_resources(log.encode())]
    assert found == [(symbol, arch) for symbol in ("b", "a") for arch in ("sm_80", "sm_90", "sm_100")]


def test_demangle() -> None:
    assert demangle("_Z5scaleIdEvPT_S0_") == "void scale<double>(double*, double)"
    for same in ("main", "", "_Z", "_Znot a name", "_Z\0", "\udcff"):
        assert demangle(same) == same
    nested = "_Z1fIi" + "S_IiE" * 500 + "Evv"
    assert len(demangle(nested)) <= max(LONGEST_NAME, len(nested))


def test_ranges() -> None:
    assert ranges([None, 3, 3, None, 3, 4, 0]) == (AsmRange(1, 2, 3), AsmRange(4, 4, 3), AsmRange(5, 5, 4))


@pytest.mark.parametrize(
    ("name", "is_main"),
    [
        ("cell.cu", True),
        ("./cell.cu", True),
        ("/jobs/1/src/cell.cu", True),
        ("/mounted/elsewhere/src/./cell.cu", True),
        ("/jobs/1/src/sub/cell.cu", False),
        ("other/cell.cu", False),
        ("/usr/include/cell.cu", False),
        ("", False),
    ],
)
def test_the_main_file_is_known_by_its_path(name: str, is_main: bool) -> None:
    assert MAIN.is_named(name) is is_main


def test_unquote() -> None:
    assert unquote(r"a\303\274b\"c\\d") == 'aüb"c\\d'


def listing(*functions: tuple[int, int]) -> AsmListing:
    """A view for each pair: number of lines, characters in a line."""
    views = tuple(
        AsmView(
            kind="sass",
            arch=f"sm_{80 + index}",
            artifact="x",
            functions=(
                AsmFunction(symbol="f", name="f", text=("x" * size,) * count, ranges=(AsmRange(0, count - 1, 1),)),
            ),
        )
        for index, (count, size) in enumerate(functions)
    )
    return AsmListing(file="cell.cu", source=("x",), views=views)


def test_a_small_listing_is_not_cut() -> None:
    small = listing((100, 20), (MAX_VIEW_LINES, 20))
    assert bounded(small) == small


def test_a_large_listing_is_cut_and_says_so() -> None:
    cut = bounded(listing((MAX_VIEW_LINES + 5, 20), (10, 20)))
    assert [len(view.functions[0].text) for view in cut.views] == [MAX_VIEW_LINES, 10]
    assert cut.views[0].functions[0].ranges == (AsmRange(0, MAX_VIEW_LINES - 1, 1),)
    assert cut.notes == (f"SASS sm_80: 20000 of {MAX_VIEW_LINES + 5} lines are listed; the raw file has all of them.",)


def test_wide_listings_share_the_space() -> None:
    cut = bounded(listing((10_000, 1_900), (10_000, 1_900), (5, 10)))
    counts = [len(view.functions[0].text) for view in cut.views]
    assert counts[0] == pytest.approx(counts[1], rel=0.6)
    assert counts[2] == 5
    assert len(cut.notes) == 2
    assert len(encode(cut)) <= MAX_LISTING_BYTES * 1.01


def test_large_files_and_lines_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.ptx"
    path.write_bytes(b"\xff" + b"x" * 5000 + b"\n" + (b"y" * 99 + b"\n") * (MAX_TEXT_BYTES // 100))
    lines, notes = read_lines(path, "PTX")
    assert lines is not None
    assert [len(line) for line in (lines[0], lines[1], lines[-1])] == [MAX_LINE_CHARACTERS, 99, 99]
    assert notes == [f"PTX: the first {len(lines)} lines were read; the raw file has all of them."]
    path.write_bytes(b"\n" * MAX_TEXT_BYTES)
    lines, notes = read_lines(path, "PTX")
    assert lines == [""] * MAX_TEXT_LINES
    assert len(notes) == 1
    path.write_bytes(b"one\ntwo\n")
    assert read_lines(path, "PTX") == (["one", "two"], [])
    assert read_lines(tmp_path / "none", "PTX") == (None, ["PTX is missing: No such file or directory."])


TOKENS = st.sampled_from(
    [*PTX.split(), *SASS.split(), *GCC.split(), "\n", "\n\n", "\t", " " * 50, "(" * 50, '"', "\\", "{", "}", "/*0010*/"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TOKENS, max_size=200))
def test_any_text_is_read(tokens: list[str]) -> None:
    lines = " ".join(tokens).split("\n")
    for found in (list(ptx_functions(lines, MAIN)), sass_functions(lines, LineTable(), MAIN)):
        assert all(r.last < len(f.text) for f in found for r in f.ranges)
    host_view(lines, MAIN, "x")
    list(without_fat_binary(lines))
    kernel_resources("\n".join(lines).encode())
    ptx_arch(lines)


@pytest.mark.parametrize(
    "unit", [" ", "\t", "(", ".func(", '"', '\\"', "/*", ".loc 1 1 1 inlined_at ", "a:", "_Z1", "{"]
)
def test_long_lines_take_no_time_to_speak_of(unit: str) -> None:
    """Expressions that try every way to match would need hours for this, and the test's time limit ends it."""
    for start in ("", '\t.file 1 "', "\t.loc\t", ".func (", "        /*0010*/ ", "\t.section .text.f,\n"):
        lines = [line[:MAX_LINE_CHARACTERS] for line in (start + unit * MAX_LINE_CHARACTERS).split("\n")] * 50
        list(ptx_functions(lines, MAIN))
        sass_functions(lines, LineTable(), MAIN)
        host_view(lines, MAIN, "x")
        kernel_resources("\n".join(lines).encode())
