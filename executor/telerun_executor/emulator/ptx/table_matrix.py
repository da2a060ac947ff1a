"""Matrix operations of a warp: `mma`, `wmma` and how fragments are loaded."""

from telerun_executor.emulator.ptx.forms import Form as form

_WMMA_SHAPES = "m16n16k16|m8n32k16|m32n8k16"
_LAYOUTS = "a_layout:row|col b_layout:row|col"


def _mma(shape: str, types: str, layouts: str = "row col", saturated: str = "") -> form:
    layout = " ".join(f"{name}_layout:{way}" for name, way in zip("ab", layouts.split(), strict=True))
    named = " ".join(f"{name}:{kind}" for name, kind in zip("DABC", types.split(), strict=True))
    return form(
        "mma", f"sync aligned shape:{shape} {layout} {saturated} {named}", "=d:vec a:vec b:vec c:vec", meets=True
    )


def _wmma(shape: str, types: str, saturated: str = "") -> form:
    named = " ".join(f"{name}:{kind}" for name, kind in zip("DABC", types.split(), strict=True))
    return form(
        "wmma",
        f"op:mma sync aligned {_LAYOUTS} shape:{shape} {named} {saturated}",
        "=d:vec a:vec b:vec c:vec",
        meets=True,
    )


def _load(which: str, shape: str, kind: str) -> form:
    return form(
        "wmma",
        f"op:load which:{which} sync aligned layout:row|col shape:{shape} space:global|shared|shared::cta? T:{kind}",
        "=d:vec a:mem b:u32?",
        meets=True,
    )


FORMS = (
    _mma("m8n8k4", "f16|f32 f16 f16 f16|f32", "row|col row|col"),
    _mma("m16n8k8|m16n8k16", "f16|f32 f16 f16 f16|f32"),
    _mma("m16n8k8|m16n8k16", "f32 bf16 bf16 f32"),
    _mma("m16n8k4|m16n8k8", "f32 tf32 tf32 f32"),
    _mma("m8n8k16|m16n8k16|m16n8k32", "s32 s8|u8 s8|u8 s32", saturated="satfinite?"),
    _mma("m8n8k32|m16n8k32|m16n8k64", "s32 s4|u4 s4|u4 s32", saturated="satfinite?"),
    _mma("m8n8k4|m16n8k4|m16n8k8|m16n8k16", "f64 f64 f64 f64"),
    _mma("m8n8k4|m16n8k4|m16n8k8|m16n8k16", "f64 f64 f64 f64", saturated="rnd:rn"),
    _mma("m16n8k32", "f32 e4m3|e5m2 e4m3|e5m2 f32"),
    form(
        "mma",
        "sync aligned shape:m8n8k128|m16n8k128|m16n8k256 a_layout:row b_layout:col "
        "D:s32 A:b1 B:b1 C:s32 bits:and|xor popc",
        "=d:vec a:vec b:vec c:vec",
        meets=True,
    ),
    form(
        "wmma",
        f"op:mma sync aligned {_LAYOUTS} shape:{_WMMA_SHAPES} D:f16|f32 C:f16|f32 satfinite?",
        "=d:vec a:vec b:vec c:vec",
        meets=True,
    ),
    _wmma(_WMMA_SHAPES, "f32 bf16 bf16 f32"),
    _wmma("m16n16k8", "f32 tf32 tf32 f32"),
    _wmma(_WMMA_SHAPES, "s32 s8 s8 s32", "satfinite?"),
    _wmma(_WMMA_SHAPES, "s32 u8 u8 s32", "satfinite?"),
    _wmma("m8n8k4", "f64 f64 f64 f64", "rnd:rn?"),
    _load("a|b", _WMMA_SHAPES, "f16|bf16|s8|u8"),
    _load("a|b", "m16n16k8", "tf32"),
    _load("a|b", "m8n8k4", "f64"),
    _load("c", _WMMA_SHAPES, "f16|f32|s32"),
    _load("c", "m16n16k8", "f32"),
    _load("c", "m8n8k4", "f64"),
    form(
        "wmma",
        f"op:store which:d sync aligned layout:row|col shape:{_WMMA_SHAPES}|m16n16k8|m8n8k4 "
        "space:global|shared|shared::cta? T:f16|f32|s32|f64",
        "a:mem b:vec c:u32?",
        meets=True,
    ),
    form(
        "ldmatrix", "sync aligned m8n8 count:x1|x2|x4 trans? space:shared|shared::cta? b16", "=d:vec a:mem", meets=True
    ),
    form(
        "stmatrix", "sync aligned m8n8 count:x1|x2|x4 trans? space:shared|shared::cta? b16", "a:mem b:vec", meets=True
    ),
    form("movmatrix", "sync aligned m8n8 trans b16", "=d:b32 a:b32", "emu_movmatrix(t, {a}, {site})", meets=True),
)
