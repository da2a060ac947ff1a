"""PTX text as a tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telerun_executor.emulator.ptx.errors import PtxError, PtxSyntaxError, UnsupportedPtx
from telerun_executor.emulator.ptx.nodes import (
    Address,
    Block,
    Call,
    Function,
    Guard,
    Instruction,
    Integer,
    Label,
    Negated,
    Other,
    Pair,
    Place,
    Prototype,
    Real,
    Register,
    Registers,
    Sink,
    Statement,
    Sum,
    Targets,
    TexelAddress,
    Vector,
)
from telerun_executor.emulator.ptx.parser import parse

HEAD = ".version 9.0\n.target sm_80\n.address_size 64\n"


def body(text: str) -> tuple[Statement, ...]:
    (function,) = parse(f"{HEAD}.visible .entry k()\n{{\n{text}\n}}").functions
    assert function.body is not None
    return function.body.statements


def one(text: str) -> Statement:
    (found,) = body(text)
    return found


def test_a_module_says_what_it_is_for_and_where_its_lines_come_from() -> None:
    module = parse(f'{HEAD}.file 1 "/cells/a \\"b\\".cu", 123, 45\n.file 2 "c.h"\n')
    assert (module.version, module.target, module.files) == ("9.0", "sm_80", {1: '/cells/a "b".cu', 2: "c.h"})


@pytest.mark.parametrize(
    ("text", "operands"),
    [
        ("add.s32 %r1, %r2, -1;", (Register("%r1"), Register("%r2"), Integer(-1))),
        ("add.f32 %f1, %f2, 0f3F800000;", (Register("%f1"), Register("%f2"), Real(0x3F800000, 32))),
        ("mov.f64 %fd1, -0d3FF0000000000000;", (Register("%fd1"), Real(0xBFF0000000000000, 64))),
        ("mov.u32 %r1, %tid.x;", (Register("%r1"), Register("%tid", "x"))),
        ("mov.u64 %rd1, table+16;", (Register("%rd1"), Sum("table", 16))),
        ("ld.global.u32 %r1, [%rd1+-4];", (Register("%r1"), Address("%rd1", -4))),
        ("ld.param.u32 %r1, [k_param_0];", (Register("%r1"), Address("k_param_0", 0))),
        ("ld.global.u32 %r1, [4096];", (Register("%r1"), Address(None, 4096))),
        ("mov.b64 {%r1, _}, %rd1;", (Vector((Register("%r1"), Sink())), Register("%rd1"))),
        ("setp.eq.s32 %p1|%p2, %r1, 0x10U;", (Pair(Register("%p1"), Register("%p2")), Register("%r1"), Integer(16))),
        ("and.pred %p1, %p2, !%p3;", (Register("%p1"), Register("%p2"), Negated(Register("%p3")))),
        ("ret;", ()),
        ("x [%r1, {%r2, 1}];", (TexelAddress("%r1", Vector((Register("%r2"), Integer(1)))),)),
        ("x [%r1, %r3, {%r2, 1}], (3 * 4);", (Other("%r3,{%r2,1}"), Other("3*4"))),
    ],
)
def test_operands(text: str, operands: tuple[object, ...]) -> None:
    found = one(text)
    assert isinstance(found, Instruction)
    assert found.operands == operands


def test_an_instruction_has_its_guard_modifiers_and_line() -> None:
    found = one("\n@!%p3 mul.wide.s32 %rd1, %r1, 4;")
    assert isinstance(found, Instruction)
    assert (found.opcode, found.modifiers, found.guard, found.line) == ("mul", ".wide.s32", Guard("%p3", True), 7)


def test_names_hold_in_their_block() -> None:
    block, label = body("{ .reg .pred p; .reg .b32 %r<5>, x; L: bra L; }\nL:")
    assert isinstance(block, Block)
    assert block.statements[:2] == (Registers("pred", 1, (("p", None),)), Registers("b32", 1, (("%r", 5), ("x", None))))
    assert isinstance(label, Label)


def test_places_tell_the_call_that_they_were_inlined_into() -> None:
    assert one(".loc\t2 364 5, function_name $L__info_string0, inlined_at 1 14 7") == Place(2, 364, 5, (1, 14, 7))
    assert one(".loc 1 6 0") == Place(1, 6, 0, None)


def test_calls_of_functions_and_through_pointers() -> None:
    first, prototype, second = body(
        "call.uni (retval0), f, (param0, param1);\n"
        "p: .callprototype (.param .b32 _) _ (.param .b64 _, .param .align 8 .b8 _[12]);\n"
        "@%p1 call (retval0), %rd1, (param0), p;"
    )
    assert isinstance(first, Call)
    assert (first.returned, first.target, first.arguments) == ("retval0", "f", (Register("param0"), Register("param1")))
    assert isinstance(prototype, Prototype)
    assert [variable.dimensions for variable in prototype.parameters] == [(), (12,)]
    assert isinstance(second, Call)
    assert (second.target, second.prototype, second.guard) == ("%rd1", "p", Guard("%p1", False))


def test_jump_tables() -> None:
    assert one("table: .branchtargets a, b, a;") == Targets("table", ("a", "b", "a"))


def test_variables_with_their_initial_values() -> None:
    module = parse(
        f"{HEAD}.const .align 4 .b8 c[8] = {{0, 0, 128, 63}};\n"
        ".global .align 8 .u64 p[2] = {generic(x)+8, f};\n"
        ".visible .global .attribute(.managed) .align 4 .u32 m;\n"
        ".extern .shared .align 16 .b8 dynamic[];\n"
        ".global .f32 g[2][2] = {{0f3F800000}, {0f40000000, 0f40400000}};\n"
        ".weak .global .u32 w = -1;"
    )
    found = {variable.name: variable for variable in module.variables}
    assert (found["c"].space, found["c"].dimensions, found["c"].initial[2]) == ("const", (8,), Integer(128))
    assert found["p"].initial == (Sum("x", 8, True), Sum("f", 0, False))
    assert found["m"].managed
    assert (found["dynamic"].linkage, found["dynamic"].dimensions, found["dynamic"].align) == ("extern", (0,), 16)
    assert [value for value in found["g"].initial if isinstance(value, Integer)] == [Integer(0)]
    assert found["w"].initial == (Integer(-1),)


def test_functions_with_their_parameters_and_hints() -> None:
    module = parse(
        f"{HEAD}.extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n"
        ".func (.param .align 4 .b8 r[12]) f(.param .b32 x) .noreturn { ret; }\n"
        ".weak .entry k(.param .u64 .ptr .global .align 16 p, .param .align 8 .b8 s[24])\n"
        ".maxntid 256, 1, 1\n.minnctapersm 2\n{ ret; }"
    )
    declared, function, kernel = module.functions
    assert (declared.body, declared.returned[0].type, len(declared.parameters)) == (None, "b32", 2)
    assert function.returned[0].dimensions == (12,)
    assert isinstance(kernel, Function)
    assert kernel.is_kernel
    assert kernel.attributes == {"maxntid": (256, 1, 1), "minnctapersm": (2,)}
    assert [variable.name for variable in kernel.parameters] == ["p", "s"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (".address_size 32", ".address_size 32"),
        (".global .texref t;", ".global .texref"),
        (".tex .u32 t;", ".tex"),
        (".visible .entry k() { .global .surfref s; }", ".global .surfref"),
    ],
)
def test_what_the_emulation_does_not_have_is_named(text: str, name: str) -> None:
    with pytest.raises(UnsupportedPtx) as error:
        parse(f".version 8.0\n.target sm_80\n{text}")
    assert str(error.value).startswith(f"unsupported PTX: {name}")


@pytest.mark.parametrize(
    "text",
    ["add.s32 %r1 %r2;", "mov.u32 %r1, ;", "ld.global.u32 %r1, [];", "@1 bra x;", "{", "call (a);", ".reg .b32 %r<;"],
)
def test_broken_text_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(PtxSyntaxError, match=r"^PTX line \d+: "):
        body(text)


_WORDS = """.entry .func k ( ) { } .reg .b32 %r < 4 > ; , add .s32 [ ] + - 1 @ ! : | _ .param .align = .global .pragma
.x call 0f00000000 "s" .branchtargets .callprototype .section"""


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(_WORDS.split())))
def test_no_text_breaks_the_parser(words: list[str]) -> None:
    message = ""
    try:
        parse(" ".join(words))
    except PtxError as error:
        message = str(error)
    assert "\n" not in message
