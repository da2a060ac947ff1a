"""What is more than one instruction: jumps, calls, scopes, memory, carries; each as PTX that runs."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from tests_cuda_corpus import Emulator
from tests_ptx import HEADER, PtxDevice, Shape, kernel

MODULE = (
    HEADER
    + """
.global .align 4 .u32 counter = 40;
.const .align 4 .b8 table[8] = {1, 0, 0, 0, 0, 1, 0, 0};
.global .align 8 .u64 pointers[2] = {table+4, triple};
.extern .func unused (.param .b32 a);

.func (.param .b32 out) triple(.param .b32 in)
{
  .reg .b32 %r<3>;
  ld.param.u32 %r1, [in];
  mul.lo.s32 %r2, %r1, 3;
  st.param.b32 [out], %r2;
  ret;
}
.func (.param .align 8 .b8 out[16]) pair(.param .align 4 .b8 in[8])
{
  .reg .b32 %r<3>;
  .reg .b64 %rd<3>;
  ld.param.v2.u32 {%r1, %r2}, [in];
  cvt.u64.u32 %rd1, %r1;
  cvt.u64.u32 %rd2, %r2;
  st.param.b64 [out], %rd2;
  st.param.b64 [out+8], %rd1;
  ret;
}
.func (.param .b32 out) factorial(.param .b32 in)
{
  .reg .pred %p;
  .reg .b32 %r<5>;
  ld.param.u32 %r1, [in];
  mov.u32 %r2, 1;
  setp.lt.u32 %p, %r1, 2;
  @%p bra done;
  sub.u32 %r3, %r1, 1;
  {
    .param .b32 given;
    st.param.b32 [given], %r3;
    .param .b32 got;
    call.uni (got), factorial, (given);
    ld.param.b32 %r4, [got];
  }
  mul.lo.u32 %r2, %r4, %r1;
done:
  st.param.b32 [out], %r2;
  ret;
}
"""
)

BODIES = {
    "recursion": """
  { .param .b32 a; st.param.b32 [a], %r0; .param .b32 b; call.uni (b), factorial, (a); ld.param.b32 %r9, [b]; }""",
    "through_a_pointer": """
  mov.u64 %d1, triple;
  { .param .b32 a; st.param.b32 [a], %r0; .param .b32 b;
    p: .callprototype (.param .b32 _) _ (.param .b32 _);
    call (b), %d1, (a), p; ld.param.b32 %r9, [b]; }""",
    "through_a_table_of_pointers": """
  mov.u64 %d1, pointers; ld.global.u64 %d2, [%d1+8];
  { .param .b32 a; st.param.b32 [a], %r0; .param .b32 b;
    p: .callprototype (.param .b32 _) _ (.param .b32 _);
    call (b), %d2, (a), p; ld.param.b32 %r9, [b]; }""",
    "structs": """
  { .param .align 4 .b8 a[8]; st.param.b32 [a], %r0; st.param.b32 [a+4], 7; .param .align 8 .b8 b[16];
    call.uni (b), pair, (a); ld.param.v2.b64 {%d1, %d2}, [b]; }
  cvt.u32.u64 %r1, %d1; cvt.u32.u64 %r2, %d2; mad.lo.u32 %r9, %r1, 1000, %r2;""",
    "a_table_of_labels": """
  targets: .branchtargets zero, one, two;
  brx.idx %r0, targets;
zero: mov.u32 %r9, 100; bra out;
one: mov.u32 %r9, 101; bra out;
two: mov.u32 %r9, 102;
out:""",
    "names_in_blocks": """
  mov.u32 %r9, 0;
  { .reg .b32 x; .reg .pred p; mov.u32 x, %r0;
    again: add.u32 %r9, %r9, x; sub.u32 x, x, 1; setp.ne.u32 p, x, 0; @p bra again; }
  { .reg .b32 x; .reg .pred p; mov.u32 x, 3;
    again: add.u32 %r9, %r9, x; sub.u32 x, x, 1; setp.ne.u32 p, x, 0; @p bra again; }""",
    "numbered_names": """
  .reg .b32 a1<3>, a<2>; mov.u32 a12, %r0; mov.u32 a1, 40; add.u32 %r9, a12, a1;""",
    "guards": """
  setp.eq.u32 %p1, %r0, 5; mov.u32 %r9, 1; @%p1 mov.u32 %r9, 2; @!%p1 add.u32 %r9, %r9, 10;""",
    "local_memory": """
  .local .align 8 .b8 frame[32];
  mov.u64 %d1, frame; cvta.local.u64 %d2, %d1;
  st.local.u32 [%d1+4], %r0; st.local.u8 [%d1+5], 1; ld.u32 %r9, [%d2+4];""",
    "addresses_in_initial_values": """
  mov.u64 %d1, pointers; ld.global.u64 %d2, [%d1]; ld.const.u32 %r1, [table];
  ld.u32 %r2, [%d2]; add.u32 %r9, %r1, %r2;""",
    "a_carry_over_96_bits": """
  add.cc.u32 %r1, %r0, 0xffffffff; addc.cc.u32 %r2, 0xffffffff, 0; addc.u32 %r9, 0, 0;""",
    "a_multiplication_of_64_bits_in_halves": """
  mul.lo.u32 %r1, %r0, 0x89abcdef; mad.hi.cc.u32 %r2, %r0, 0x89abcdef, 0xffffffff; madc.lo.u32 %r9, %r0, 1, 0;""",
    "packing": """
  mov.b64 %d1, {%r0, 17}; mov.b64 {%r1, %r2}, %d1; mov.b32 {%h1, %h2}, %r1;
  mov.b32 %r3, {%h2, %h1}; add.u32 %r9, %r3, %r2;""",
    "a_float_in_a_register_of_bits": """
  cvt.rn.f32.u32 %r1, %r0; add.f32 %r2, %r1, 0f3F000000; mov.b32 %r9, %r2;""",
    "narrow_loads_extend": """
  .local .align 8 .b8 bytes[8];
  mov.u64 %d1, bytes; st.local.u32 [%d1], 0x80ff;
  ld.local.s8 %r1, [%d1]; ld.local.u8 %r2, [%d1+1]; ld.local.s16 %r3, [%d1];
  add.u32 %r9, %r1, %r2; add.u32 %r9, %r9, %r3;""",
    "an_array_of_any_length": """
  cvt.u64.u32 %d1, %r0; alloca.u64 %d2, %d1, 16; cvta.local.u64 %d3, %d2;
  st.u32 [%d3], %r0; ld.local.u32 %r9, [%d2];""",
}

EXPECTED = {
    "recursion": lambda x: [1, 1, 2, 6, 24, 120][x],
    "through_a_pointer": lambda x: 3 * x,
    "through_a_table_of_pointers": lambda x: 3 * x,
    "structs": lambda x: 7000 + x,
    "a_table_of_labels": lambda x: 100 + x,
    "names_in_blocks": lambda x: x * (x + 1) // 2 + 6,
    "numbered_names": lambda x: x + 40,
    "guards": lambda x: 2 if x == 5 else 11,
    "local_memory": lambda x: (x & ~0xFF00) | 0x100,
    "addresses_in_initial_values": lambda x: 1 + 256,
    "a_carry_over_96_bits": lambda x: int(x > 0),
    "a_multiplication_of_64_bits_in_halves": lambda x: x + (x * 0x89ABCDEF >> 32 > 0),
    "packing": lambda x: (x << 16) + 17,
    "a_float_in_a_register_of_bits": lambda x: struct.unpack("<I", struct.pack("<f", x + 0.5))[0],
    "narrow_loads_extend": lambda x: (0xFFFFFFFF + 0x80 + 0xFFFF80FF) & 0xFFFFFFFF,
    "an_array_of_any_length": lambda x: x,
}


def control(name: str, body: str) -> str:
    return f"""
.visible .entry {name}(.param .u64 {name}_in, .param .u64 {name}_out)
{{
  .reg .pred %p<4>; .reg .b16 %h<4>; .reg .b32 %r<10>; .reg .b64 %d<10>;
  ld.param.u64 %d8, [{name}_in]; ld.param.u64 %d9, [{name}_out]; ld.global.u32 %r0, [%d8];
{body}
  st.global.u32 [%d9], %r9;
  ret;
}}
"""


@pytest.fixture(scope="module")
def device(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PtxDevice]:
    found = PtxDevice(emulator.runtime, tmp_path_factory.mktemp("control"))
    yield found
    found.close()


def test_it_does_what_ptx_says(device: PtxDevice) -> None:
    module = MODULE + "".join(control(name, body) for name, body in BODIES.items())
    asked = [(name, number) for name in BODIES for number in range(2, 3 if "labels" in name else 6)]
    found = device.run(module, [(name, struct.pack("<I", number), 4, 1) for name, number in asked])
    results = {
        (name, number): struct.unpack("<I", output)[0] for (name, number), output in zip(asked, found, strict=True)
    }
    assert results == {(name, number): EXPECTED[name](number) for name, number in asked}


def test_a_nan_shows_its_canonical_bits_where_they_can_be_seen_and_moves_keep_them(device: PtxDevice) -> None:
    payload = 0xFFC12345
    added = kernel("added", Shape("add.f32", ("f32",), ("f32", "f32")))
    moved = kernel("moved", Shape("selp.f32", ("f32",), ("f32", "f32", "pred")))
    given = struct.pack("<QQQ", payload, 0, 1)
    found = device.run(HEADER + added + moved, [("added", given[:16], 8, 1), ("moved", given, 8, 1)])
    assert [struct.unpack("<Q", output)[0] for output in found] == [0x7FFFFFFF, payload]


def test_shared_variables_of_a_kernel_and_of_what_it_calls_do_not_meet(device: PtxDevice) -> None:
    module = (
        HEADER
        + """
.extern .shared .align 16 .b8 dynamic[];
.shared .align 8 .b8 common[24];
.func (.param .b32 out) both(.param .b32 in)
{
  .reg .b32 %r<5>;
  ld.param.u32 %r1, [in];
  mov.u32 %r2, common;
  st.shared.u32 [%r2], %r1;
  mov.u32 %r3, dynamic;
  sub.u32 %r4, %r3, %r2;
  st.param.b32 [out], %r4;
  ret;
}
"""
        + control(
            "calls",
            """
  .shared .align 4 .b8 own[40];
  mov.u32 %r1, own; st.shared.u32 [%r1+36], 77;
  { .param .b32 a; st.param.b32 [a], 5; .param .b32 b; call.uni (b), both, (a); ld.param.b32 %r2, [b]; }
  ld.shared.u32 %r3, [%r1+36]; ld.shared.u32 %r4, [common];
  mad.lo.u32 %r9, %r3, 1000, %r2; mad.lo.u32 %r9, %r4, 1000000, %r9;""",
        )
        + control(
            "alone",
            """
  .shared .align 4 .b8 single[4];
  mov.u32 %r1, single; mov.u32 %r2, dynamic; sub.u32 %r9, %r2, %r1;""",
        )
    )
    found = device.run(module, [("calls", bytes(4), 4, 1), ("alone", bytes(4), 4, 1)])
    common_and_own = 24 + 40
    assert [struct.unpack("<I", output)[0] for output in found] == [5_077_000 + common_and_own, 16]
