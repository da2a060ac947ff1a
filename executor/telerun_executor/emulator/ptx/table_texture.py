"""Textures and surfaces. `a1d` and `a2d` have layers; of several mipmap levels there is the first alone."""

from telerun_executor.emulator.ptx.forms import Form as form

_SHAPE = "shape:1d|2d|3d|a1d|a2d"
_TEXEL = "v4 D:f32|s32|u32"
_BYTES = f"b {_SHAPE} vec:v2|v4? T:b8|b16|b32|b64 outside:trap|clamp|zero"

FORMS = (
    form("tex", f"{_SHAPE} {_TEXEL} C:f32|s32", "=d:vec a:texel"),
    form("tex", f"level {_SHAPE} {_TEXEL} C:f32", "=d:vec a:texel b:any"),
    form("tex", f"grad {_SHAPE} {_TEXEL} C:f32", "=d:vec a:texel b:any c:any"),
    form("tld4", f"channel:r|g|b|a shape:2d {_TEXEL} C:f32", "=d:vec a:texel"),
    form("suld", _BYTES, "=d:vec a:texel"),
    form("sust", _BYTES, "a:texel b:vec"),
)
