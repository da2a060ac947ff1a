"""Comparison, moves between registers, and conversion between types."""

from telerun_executor.emulator.ptx.forms import Form as form  # noqa: N813

_ALL_COMPARISONS = "cmp:eq|ne|lt|le|gt|ge|equ|neu|ltu|leu|gtu|geu|num|nan"
_UNSIGNED = "cmp:eq|ne|lo|ls|hi|hs|lt|le|gt|ge"
_SIGNED = "cmp:eq|ne|lt|le|gt|ge"
_INT = "u8|u16|u32|u64|s8|s16|s32|s64"
_FLOAT = "f16|bf16|f32|f64"
_RND = "rnd:rn|rz|rm|rp"

_COMPARED = (  # comparison, the types that have it
    (f"{_UNSIGNED} bool", "T:u16|u32|u64"),
    (f"{_SIGNED} bool", "T:s16|s32|s64"),
    ("cmp:eq|ne bool", "T:b16|b32|b64"),
    (f"{_ALL_COMPARISONS} bool ftz?", "T:f32"),
    (f"{_ALL_COMPARISONS} bool", "T:f64|bf16"),
    (f"{_ALL_COMPARISONS} bool ftz?", "T:f16"),
)
_COMBINED = "bool:and|or|xor?"

FORMS = (
    *(
        form("setp", f"{slots.replace('bool', _COMBINED)} {types}", "=d:pred|p a:T b:T c:!pred?")
        for slots, types in _COMPARED
    ),
    form("setp", f"{_ALL_COMPARISONS} {_COMBINED} ftz? T:f16x2", "=d:pred|p a:T b:T c:!pred?"),
    form("setp", f"{_ALL_COMPARISONS} {_COMBINED} T:bf16x2", "=d:pred|p a:T b:T c:!pred?"),
    *(
        form("set", f"{slots.replace('bool', _COMBINED)} D:u32|s32|f32 {types}", "=d:D a:T b:T c:!pred?")
        for slots, types in _COMPARED
    ),
    form("set", f"{_ALL_COMPARISONS} {_COMBINED} ftz? D:f16|u16|s16 T:f16", "=d:D a:T b:T c:!pred?"),
    form("set", f"{_ALL_COMPARISONS} {_COMBINED} D:bf16|u16|s16 T:bf16", "=d:D a:T b:T c:!pred?"),
    form("set", f"{_ALL_COMPARISONS} {_COMBINED} ftz? D:f16x2|u32|s32 T:f16x2", "=d:D a:T b:T c:!pred?"),
    form("set", f"{_ALL_COMPARISONS} {_COMBINED} D:bf16x2|u32|s32 T:bf16x2", "=d:D a:T b:T c:!pred?"),
    form("mov", "T:pred|b16|u16|s16|b32|u32|s32|b64|u64|s64|f32|f64|b128|f16|f16x2|bf16|bf16x2", "=d:any a:any"),
    form("cvt", f"sat? D:{_INT} S:{_INT}", "=d:D a:S"),
    form("cvt", f"{_RND} sat? D:f32|f64 S:{_INT}", "=d:D a:S"),
    form("cvt", f"{_RND} ftz? sat? D:f32 S:{_INT}", "=d:D a:S"),
    form("cvt", f"{_RND} sat? D:f16|bf16 S:{_INT}", "=d:D a:S"),
    form("cvt", f"rnd:rni|rzi|rmi|rpi ftz? sat? D:{_INT} S:{_FLOAT}", "=d:D a:S"),
    form("cvt", "rnd:rni|rzi|rmi|rpi? ftz? sat? D:f32 S:f32", "=d:D a:S"),
    form("cvt", "rnd:rni|rzi|rmi|rpi? sat? D:f64 S:f64", "=d:D a:S"),
    form("cvt", "rnd:rni|rzi|rmi|rpi? ftz? sat? D:f16 S:f16", "=d:D a:S"),
    form("cvt", "rnd:rni|rzi|rmi|rpi? D:bf16 S:bf16", "=d:D a:S"),
    form("cvt", "ftz? sat? D:f64 S:f32", "=d:D a:S"),
    form("cvt", "ftz? sat? D:f32 S:f16|bf16", "=d:D a:S"),
    form("cvt", "sat? D:f64 S:f16|bf16", "=d:D a:S"),
    form("cvt", f"{_RND} ftz? sat? D:f32 S:f64", "=d:D a:S"),
    form("cvt", f"{_RND} ftz? sat? D:f16 S:f32", "=d:D a:S"),
    form("cvt", f"{_RND} sat? D:f16|bf16 S:f64", "=d:D a:S"),
    form("cvt", f"{_RND} D:bf16 S:f16", "=d:D a:S"),
    form("cvt", f"{_RND} D:f16 S:bf16", "=d:D a:S"),
    form("cvt", "rnd:rn|rz relu? satfinite? D:f16|bf16 S:f32", "=d:D a:S"),
    form("cvt", "rnd:rn|rz satfinite? relu? D:f16|bf16 S:f32", "=d:D a:S"),
    form("cvt", "rnd:rn|rz relu? satfinite? D:f16x2|bf16x2 S:f32", "=d:D a:S b:S"),
    form("cvt", "rnd:rn|rz satfinite? relu? D:f16x2|bf16x2 S:f32", "=d:D a:S b:S"),
    form("cvt", "rnd:rna|rn|rz satfinite? relu? D:tf32 S:f32", "=d:b32 a:S"),
    form("cvt", "rnd:rn|rz relu? satfinite? D:tf32 S:f32", "=d:b32 a:S"),
    form("cvt", "rnd:rn satfinite relu? D:e4m3x2|e5m2x2 S:f32", "=d:D a:S b:S"),
    form("cvt", "rnd:rn satfinite relu? D:e4m3x2|e5m2x2 S:f16x2", "=d:D a:S"),
    form("cvt", "rnd:rn relu? D:f16x2 S:e4m3x2|e5m2x2", "=d:D a:S"),
    form("cvt", "pack sat D:u16|s16 s32", "=d:b32 a:s32 b:s32", "ptx_pack_{D}({a}, {b})"),
    form("cvt", "pack sat D:u8|s8 s32 b32", "=d:b32 a:s32 b:s32 c:b32", "ptx_pack_{D}({a}, {b}, {c})"),
)
