"""The table of instructions, and what is said about what is not in it."""

from __future__ import annotations

import itertools

import pytest

from telerun_executor.emulator.codegen import translate
from telerun_executor.emulator.ptx.errors import PtxSyntaxError, UnsupportedPtx
from telerun_executor.emulator.ptx.forms import SPECIAL_TYPES
from telerun_executor.emulator.ptx.table import INSTRUCTIONS, REFUSED, SPECIAL_REGISTERS, find
from telerun_executor.emulator.ptx.types import TYPES

KERNEL = """.version 9.0
.target sm_90
.address_size 64
.file 1 "/usr/local/cuda/include/cuda_fp16.hpp"
.file 2 "/cells/cell.cu"
.visible .entry _Z1kv()
{{
.reg .pred %p<9>;
.reg .b32 %r<9>;
.reg .b64 %d<9>;
.loc 2 17 3
.loc 1 900 1, function_name $L__info_string0, inlined_at 2 17 3
{}
ret;
}}
"""


@pytest.mark.parametrize("opcode", sorted(INSTRUCTIONS))
def test_every_variant_is_found_and_every_operand_has_a_type(opcode: str) -> None:
    for form in INSTRUCTIONS[opcode]:
        for variant in itertools.islice(form.variants(), 500):
            found, modifiers = find(opcode, variant.removeprefix(opcode))
            for operand in found.operands:
                assert operand.type in SPECIAL_TYPES or operand.resolved(modifiers) is not None, variant


def test_no_instruction_is_both_known_and_explained_away() -> None:
    assert set(REFUSED) & set(INSTRUCTIONS) == {"shfl", "vote", "tex", "tld4", "suld", "sust"}, (
        "some of their forms are refused"
    )


def test_special_registers_have_types() -> None:
    assert {kind for kind, _ in SPECIAL_REGISTERS.values()} <= set(TYPES)


@pytest.mark.parametrize(
    ("instruction", "named"),
    [
        ("add.s32.foo %r1, %r2, %r3;", "add.s32.foo"),
        ("add.rz.s32 %r1, %r2, %r3;", "add.rz.s32"),
        ("shl.s32 %r1, %r2, 3;", "shl.s32"),
        ("cvt.rn.s32.f32 %r1, %r2;", "cvt.rn.s32.f32"),
        ("frobnicate.b32 %r1;", "frobnicate.b32"),
        ("add.s32 %r1, %r2;", "add.s32 with 2 operands"),
        ("mov.u32 %r1, %pm0;", "special register %pm0"),
        ("call launch;", "call of launch"),
    ],
)
def test_what_is_not_in_the_table_is_named_with_kernel_and_line_of_the_cell(instruction: str, named: str) -> None:
    with pytest.raises(UnsupportedPtx) as error:
        translate(KERNEL.format(instruction))
    assert str(error.value).startswith(f"unsupported PTX: {named}")
    assert str(error.value).endswith(" [kernel _Z1kv] at /cells/cell.cu:17")
    assert (error.value.kernel, error.value.source, error.value.ptx_line) == ("_Z1kv", ("/cells/cell.cu", 17), 13)


@pytest.mark.parametrize(
    ("instruction", "why"),
    [
        ("tex.cube.v4.f32.f32 {%r1,%r2,%r3,%r4}, [%d1, {%r5, %r6, %r7}];", "textures are of one to three"),
        ("vadd4.u32.u32.u32.sat %r1, %r2, %r3, %r4;", "video instructions are not emulated"),
        ("shfl.idx.b32 %r1, %r2, %r3, %r4;", "only its .sync form exists on current GPUs"),
        ("wgmma.fence.sync.aligned;", "it is of one GPU architecture only"),
        ("call cudaLaunchDeviceV2;", "kernels that launch kernels are not emulated"),
        ("mov.u64 %d1, _Z1kv;", "kernels that launch kernels are not emulated"),
    ],
)
def test_what_is_known_to_be_missing_says_why(instruction: str, why: str) -> None:
    with pytest.raises(UnsupportedPtx) as error:
        translate(KERNEL.format(instruction))
    assert why in str(error.value)


@pytest.mark.parametrize("instruction", ["bra nowhere;", "mov.u32 5, %r1;", "ld.global.v2.u32 %r1, [%d1];"])
def test_what_no_compiler_writes_is_a_fault_of_its_own(instruction: str) -> None:
    with pytest.raises(PtxSyntaxError, match=r"^PTX line 13: "):
        translate(KERNEL.format(instruction))


def test_without_line_information_the_line_of_the_ptx_is_named() -> None:
    text = ".version 9.0\n.target sm_80\n.visible .entry k() {\nfoo.b32;\n}"
    with pytest.raises(UnsupportedPtx, match=r"^unsupported PTX: foo.b32 \(line 4 of the PTX\) \[kernel k\]$"):
        translate(text)
