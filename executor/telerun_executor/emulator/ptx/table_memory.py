"""Loads, stores, addresses, atomics and asynchronous copies."""

from telerun_executor.emulator.ptx.forms import Form as form

_SPACE = "space:global|shared|shared::cta|local|param|param::entry|param::func|const?"
_SCOPE = "scope:cta|cluster|gpu|sys"
_TYPE = "T:b8|b16|b32|b64|u8|u16|u32|u64|s8|s16|s32|s64|f32|f64|b128"
_EVICT = "evict:L1::evict_normal|L1::evict_unchanged|L1::evict_first|L1::evict_last|L1::no_allocate?"
_PREFETCH = "prefetch:L2::64B|L2::128B|L2::256B?"
_VECTOR = "vec:v2|v4|v8?"
_ADDRESSED = "space:global|shared|shared::cta?"
_ATOMIC = "sem:relaxed|acquire|release|acq_rel? scope:cta|cluster|gpu|sys?"
_ORDERS = (  # the manual's; those that stand in headers of the toolkit: an operation, then its order
    f"{_ATOMIC} {_ADDRESSED} {{}} {{}}",
    f"{_ADDRESSED} {{}} {_ATOMIC} {{}}",
    f"{_ADDRESSED} {_ATOMIC} {{}} {{}}",
)

FORMS = (
    form("ld", f"weak? {_SPACE} cop:ca|cg|cs|lu|cv? {_EVICT} {_PREFETCH} {_VECTOR} {_TYPE}", "=d:vec a:mem"),
    form("ld", f"sem:volatile {_SPACE} {_PREFETCH} {_VECTOR} {_TYPE}", "=d:vec a:mem"),
    form("ld", f"sem:relaxed|acquire {_SCOPE} {_SPACE} {_EVICT} {_PREFETCH} {_VECTOR} {_TYPE}", "=d:vec a:mem"),
    form("ld", f"sem:mmio relaxed sys {_SPACE} {_TYPE}", "=d:vec a:mem"),
    form("ld", f"space:global cop:ca|cg|cs? nc {_EVICT} {_PREFETCH} {_VECTOR} {_TYPE}", "=d:vec a:mem"),
    form("ldu", f"space:global? {_VECTOR} {_TYPE}", "=d:vec a:mem"),
    form("st", f"weak? {_SPACE} cop:wb|cg|cs|wt? {_EVICT} {_VECTOR} {_TYPE}", "a:mem b:vec"),
    form("st", f"sem:volatile {_SPACE} {_VECTOR} {_TYPE}", "a:mem b:vec"),
    form("st", f"sem:relaxed|release {_SCOPE} {_SPACE} {_EVICT} {_VECTOR} {_TYPE}", "a:mem b:vec"),
    form("st", f"sem:mmio relaxed sys {_SPACE} {_TYPE}", "a:mem b:vec"),
    form("cvta", "space:global|shared|shared::cta|local|const|param|param::entry T:u64", "=d:any a:any"),
    form("cvta", "to space:global|shared|shared::cta|local|const|param|param::entry T:u64", "=d:any a:any"),
    form("isspacep", "space:global|shared|shared::cta|local|const", "=d:pred a:u64"),
    form("prefetch", "space:global|local? level:L1|L2|L2::evict_last|L2::evict_normal", "a:mem"),
    form("prefetchu", "L1", "a:mem"),
    form("discard", "space:global? L2 size:128", "a:mem b:imm"),
    form("applypriority", "space:global? level:L2::evict_normal size:128", "a:mem b:imm"),
    *(
        form(
            opcode, order.format(operation.partition(" ")[0], operation.partition(" ")[2]), f"{returned}a:mem b:T{more}"
        )
        for order in _ORDERS
        for opcode, returned in (("atom", "=d:T "), ("red", ""))
        for operation, more in (
            ("op:add T:u32|s32|u64|f32|f64|s64", ""),
            ("op:add noftz T:f16|f16x2|bf16|bf16x2", ""),
            ("op:min|max T:u32|s32|u64|s64", ""),
            ("op:inc|dec T:u32", ""),
            ("op:and|or|xor T:b32|b64", ""),
            *((("op:exch T:b32|b64", ""), ("op:cas T:b16|b32|b64", " c:T")) if opcode == "atom" else ()),
        )
    ),
    form(
        "cp", "async cop:ca|cg space:shared|shared::cta global L2::64B|L2::128B|L2::256B?", "a:mem b:mem c:imm e:u32?"
    ),
    form("cp", "async op:commit_group", ""),
    form("cp", "async op:wait_group", "a:imm"),
    form("cp", "async op:wait_all", ""),
    form("cp", "async mbarrier arrive noinc? space:shared|shared::cta? b64", "a:mem"),
    form("membar", "level:cta|gl|sys", ""),
    form("fence", "sem:sc|acq_rel|acquire|release? scope:cta|cluster|gpu|sys", ""),
    form("fence", "proxy kind:async|alias|async.global|async.shared::cta", ""),
    form("fence", "mbarrier_init release cluster", ""),
    form("alloca", "u64", "=d:u64 a:u64 b:imm?"),
    form("stacksave", "u64", "=d:u64"),
    form("stackrestore", "u64", "a:u64"),
)
