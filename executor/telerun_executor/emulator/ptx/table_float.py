"""Floating-point arithmetic, of single, double and half precision.

`ftz` and `sat` are applied to what `code` takes and gives. Where a GPU's approximation is meant (`approx`, `full`) the
emulation gives the correctly rounded value: inside of what PTX allows, not the GPU's bits.
"""

from telerun_executor.emulator.ptx.forms import Form as form

_RND = "rnd:rn|rz|rm|rp"
_HALF = "T:f16|f16x2"
_BRAIN = "T:bf16|bf16x2"
_COMPARE_HALF = "T:f16|f16x2|bf16|bf16x2"

FORMS = (
    *(
        form(op, f"{_RND}? ftz? sat? T:f32", "=d:T a:T b:T", f"ptx_{op}_{{rnd}}_{{T}}({{a}}, {{b}})", rnd="rn")
        for op in ("add", "sub", "mul")
    ),
    *(
        form(op, f"{_RND}? T:f64", "=d:T a:T b:T", f"ptx_{op}_{{rnd}}_{{T}}({{a}}, {{b}})", rnd="rn")
        for op in ("add", "sub", "mul")
    ),
    *(
        form(op, f"{_RND} ftz? sat? T:f32", "=d:T a:T b:T c:T", "ptx_fma_{rnd}_{T}({a}, {b}, {c})")
        for op in ("fma", "mad")
    ),
    *(form(op, f"{_RND} T:f64", "=d:T a:T b:T c:T", "ptx_fma_{rnd}_{T}({a}, {b}, {c})") for op in ("fma", "mad")),
    form("div", "how:approx|full ftz? T:f32", "=d:T a:T b:T", "ptx_div_{how}_f32({a}, {b})"),
    form("div", f"{_RND} ftz? T:f32", "=d:T a:T b:T", "ptx_div_{rnd}_{T}({a}, {b})"),
    form("div", f"{_RND} T:f64", "=d:T a:T b:T", "ptx_div_{rnd}_{T}({a}, {b})"),
    form("rcp", "approx ftz? T:f32", "=d:T a:T", "ptx_div_rn_{T}(1, {a})"),
    form("rcp", f"{_RND} ftz? T:f32", "=d:T a:T", "ptx_div_{rnd}_{T}(1, {a})"),
    form("rcp", f"{_RND} T:f64", "=d:T a:T", "ptx_div_{rnd}_{T}(1, {a})"),
    form("rcp", "approx ftz_f64:ftz f64", "=d:f64 a:f64", "ptx_rcp_approx_f64({a})"),
    form("sqrt", "approx ftz? T:f32", "=d:T a:T", "ptx_sqrt_rn_{T}({a}, 0)"),
    form("sqrt", f"{_RND} ftz? T:f32", "=d:T a:T", "ptx_sqrt_{rnd}_{T}({a}, 0)"),
    form("sqrt", f"{_RND} T:f64", "=d:T a:T", "ptx_sqrt_{rnd}_{T}({a}, 0)"),
    form("rsqrt", "approx ftz? T:f32", "=d:T a:T", "ptx_rsqrt_f32({a})"),
    form("rsqrt", "approx f64", "=d:f64 a:f64", "ptx_rsqrt_f64({a})"),
    form("rsqrt", "approx ftz_f64:ftz f64", "=d:f64 a:f64", "ptx_rsqrt_ftz_f64({a})"),
    form("sin", "approx ftz? T:f32", "=d:T a:T", "ptx_sin_f32({a})"),
    form("cos", "approx ftz? T:f32", "=d:T a:T", "ptx_cos_f32({a})"),
    form("lg2", "approx ftz? T:f32", "=d:T a:T", "ptx_lg2_f32({a})"),
    form("ex2", "approx ftz? T:f32", "=d:T a:T", "ptx_ex2_f32({a})"),
    form("ex2", f"approx {_HALF}", "=d:T a:T", "ptx_ex2_{T}({a})"),
    form("ex2", f"approx ftz {_BRAIN}", "=d:T a:T", "ptx_ex2_{T}({a})"),
    form("tanh", "approx T:f32", "=d:T a:T", "tanhf({a})"),
    form("tanh", f"approx {_COMPARE_HALF}", "=d:T a:T", "ptx_tanh_{T}({a})"),
    form(
        "testp",
        "test:finite|infinite|number|notanumber|normal|subnormal T:f32|f64",
        "=d:pred a:T",
        "ptx_testp_{test}_{T}({a})",
    ),
    form("copysign", "T:f32|f64", "=d:T a:T b:T", "ptx_copysign_{T}({b}, {a})", raw=True),
    form("abs", "ftz? T:f32", "=d:T a:T", "__builtin_fabsf({a})", raw=True),
    form("abs", "T:f64", "=d:T a:T", "__builtin_fabs({a})", raw=True),
    form("neg", "ftz? T:f32", "=d:T a:T", "-{a}", raw=True),
    form("neg", "T:f64", "=d:T a:T", "-{a}", raw=True),
    form("min", "ftz? NaN? xorsign.abs? T:f32", "=d:T a:T b:T", "ptx_min{NaN}_f32({a}, {b})"),
    form("max", "ftz? NaN? xorsign.abs? T:f32", "=d:T a:T b:T", "ptx_max{NaN}_f32({a}, {b})"),
    form("min", "T:f64", "=d:T a:T b:T", "ptx_min_f64({a}, {b})"),
    form("max", "T:f64", "=d:T a:T b:T", "ptx_max_f64({a}, {b})"),
    *(
        form(op, f"rnd:rn? ftz? sat? {_HALF}", "=d:T a:T b:T", f"ptx_{op}_{{T}}({{a}}, {{b}})")
        for op in ("add", "sub", "mul")
    ),
    *(form(op, f"rnd:rn? {_BRAIN}", "=d:T a:T b:T", f"ptx_{op}_{{T}}({{a}}, {{b}})") for op in ("add", "sub", "mul")),
    form("fma", f"rn ftz? sat? {_HALF}", "=d:T a:T b:T c:T", "ptx_fma_{T}({a}, {b}, {c})"),
    form("fma", f"rn ftz? relu {_HALF}", "=d:T a:T b:T c:T", "ptx_fma_{T}({a}, {b}, {c})"),
    form("fma", f"rn relu? {_BRAIN}", "=d:T a:T b:T c:T", "ptx_fma_{T}({a}, {b}, {c})"),
    form("neg", f"ftz? {_HALF}", "=d:T a:T", "ptx_neg_{T}({a})"),
    form("neg", _BRAIN, "=d:T a:T", "ptx_neg_{T}({a})"),
    form("abs", f"ftz? {_HALF}", "=d:T a:T", "ptx_abs_{T}({a})"),
    form("abs", _BRAIN, "=d:T a:T", "ptx_abs_{T}({a})"),
    form("min", f"ftz? NaN? xorsign.abs? {_HALF}", "=d:T a:T b:T", "ptx_min{NaN}_{T}({a}, {b})"),
    form("max", f"ftz? NaN? xorsign.abs? {_HALF}", "=d:T a:T b:T", "ptx_max{NaN}_{T}({a}, {b})"),
    form("min", f"NaN? xorsign.abs? {_BRAIN}", "=d:T a:T b:T", "ptx_min{NaN}_{T}({a}, {b})"),
    form("max", f"NaN? xorsign.abs? {_BRAIN}", "=d:T a:T b:T", "ptx_max{NaN}_{T}({a}, {b})"),
)
