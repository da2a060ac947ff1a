"""Comparison, moves between registers, and conversion between types."""

from collections.abc import Iterator

from telerun_executor.emulator.ptx.forms import Form
from telerun_executor.emulator.ptx.forms import Form as form

_ALL_COMPARISONS = "cmp:eq|ne|lt|le|gt|ge|equ|neu|ltu|leu|gtu|geu|num|nan"
_UNSIGNED = "cmp:eq|ne|lo|ls|hi|hs|lt|le|gt|ge"
_SIGNED = "cmp:eq|ne|lt|le|gt|ge"
_INT = "u8|u16|u32|u64|s8|s16|s32|s64"
_RND = "rnd:rn|rz|rm|rp"
_TO_INT = "rnd:rni|rzi|rmi|rpi"

_COMPARED = (  # comparison, the types that have it, what `set` gives for them
    (_UNSIGNED, "T:u16|u32|u64", "D:u32|s32|f32"),
    (_SIGNED, "T:s16|s32|s64", "D:u32|s32|f32"),
    ("cmp:eq|ne", "T:b16|b32|b64", "D:u32|s32|f32"),
    (_ALL_COMPARISONS, "T:f64", "D:u32|s32|f32"),
    (_ALL_COMPARISONS, "ftz? T:f32", "D:u32|s32|f32"),
    (_ALL_COMPARISONS, "ftz? T:f16", "D:f16|u16|s16|u32|s32"),
    (_ALL_COMPARISONS, "T:bf16", "D:bf16|u16|s16|u32|s32"),
    (_ALL_COMPARISONS, "ftz? T:f16x2", "D:f16x2|u32|s32"),
    (_ALL_COMPARISONS, "T:bf16x2", "D:bf16x2|u32|s32"),
)
_COMBINED = "bool:and|or|xor"


def _comparisons() -> Iterator[Form]:
    for how, types, results in _COMPARED:
        ftz, kind = types.split() if " " in types else ("", types)
        result = "=d:pred" if kind in ("T:f16", "T:bf16") else "=d:pred|p"
        yield form("setp", f"{how} {types}", f"{result} a:T b:T")
        yield form("setp", f"{how} {_COMBINED} {types}", f"{result} a:T b:T c:!pred")
        yield form("set", f"{how} {ftz} {results} {kind}", "=d:D a:T b:T")
        yield form("set", f"{how} {_COMBINED} {ftz} {results} {kind}", "=d:D a:T b:T c:!pred")


FORMS = (
    *_comparisons(),
    form("mov", "T:pred|b16|u16|s16|b32|u32|s32|b64|u64|s64|f32|f64|b128", "=d:any a:any"),
    form("cvt", f"sat? D:{_INT} S:{_INT}", "=d:D a:S"),
    form("cvt", f"{_RND} ftz? sat? D:f32 S:{_INT}", "=d:D a:S"),
    form("cvt", f"{_RND} sat? D:f64|f16 S:{_INT}", "=d:D a:S"),
    form("cvt", f"{_RND} D:bf16 S:u16|u32|u64|s16|s32|s64", "=d:D a:S"),
    form("cvt", f"{_TO_INT} ftz? sat? D:{_INT} S:f32", "=d:D a:S"),
    form("cvt", f"{_TO_INT} sat? D:{_INT} S:f16|f64", "=d:D a:S"),
    form("cvt", f"{_TO_INT} D:{_INT} S:bf16", "=d:D a:S"),
    form("cvt", f"{_TO_INT}? ftz? sat? D:f32 S:f32", "=d:D a:S"),
    form("cvt", f"{_TO_INT}? sat? D:f64 S:f64", "=d:D a:S"),
    form("cvt", f"{_TO_INT}? sat? D:f16 S:f16", "=d:D a:S"),
    form("cvt", f"{_TO_INT}? D:bf16 S:bf16", "=d:D a:S"),
    form("cvt", "ftz? sat? D:f64 S:f32", "=d:D a:S"),
    form("cvt", "ftz? sat? D:f32 S:f16", "=d:D a:S"),
    form("cvt", "ftz? D:f32 S:bf16", "=d:D a:S"),
    form("cvt", "sat? D:f64 S:f16", "=d:D a:S"),
    form("cvt", "D:f64 S:bf16", "=d:D a:S"),
    form("cvt", f"{_RND} ftz? sat? D:f32 S:f64", "=d:D a:S"),
    form("cvt", f"{_RND} ftz? sat? D:f16 S:f32", "=d:D a:S"),
    form("cvt", f"{_RND} sat? D:f16 S:f64", "=d:D a:S"),
    form("cvt", f"{_RND} D:bf16 S:f64", "=d:D a:S"),
    form("cvt", f"{_RND} D:bf16 S:f16", "=d:D a:S"),
    form("cvt", f"{_RND} D:f16 S:bf16", "=d:D a:S"),
    form("cvt", "rnd:rm|rp D:bf16 S:f32", "=d:D a:S"),
    form("cvt", "rnd:rn|rz relu? satfinite? D:f16|bf16 S:f32", "=d:D a:S"),
    form("cvt", "rnd:rn|rz satfinite? relu? D:f16|bf16 S:f32", "=d:D a:S"),
    form("cvt", "rnd:rn|rz relu? satfinite? D:f16x2|bf16x2 S:f32", "=d:D a:S b:S"),
    form("cvt", "rnd:rn|rz satfinite? relu? D:f16x2|bf16x2 S:f32", "=d:D a:S b:S"),
    form("cvt", "rnd:rna satfinite? D:tf32 S:f32", "=d:b32 a:S"),
    form("cvt", "rnd:rn|rz satfinite? relu? D:tf32 S:f32", "=d:b32 a:S"),
    form("cvt", "rnd:rn|rz relu? satfinite? D:tf32 S:f32", "=d:b32 a:S"),
    form("cvt", "rnd:rn satfinite relu? D:e4m3x2|e5m2x2 S:f32", "=d:D a:S b:S"),
    form("cvt", "rnd:rn satfinite relu? D:e4m3x2|e5m2x2 S:f16x2", "=d:D a:S"),
    form("cvt", "rnd:rn relu? D:f16x2 S:e4m3x2|e5m2x2", "=d:D a:S"),
    form("cvt", "pack saturated:sat D:u16|s16 s32", "=d:b32 a:s32 b:s32", "ptx_pack_{D}({a}, {b})"),
    form("cvt", "pack saturated:sat D:u8|s8 s32 b32", "=d:b32 a:s32 b:s32 c:b32", "ptx_pack_{D}({a}, {b}, {c})"),
)
