"""Barriers, operations of a warp, and where control goes."""

from telerun_executor.emulator.ptx.forms import Form as form

_SPACE = "space:shared|shared::cta?"
_VOTE = "emu_vote(t, PTX_VOTE_{mode}, {a}, {m}, {site})"
_REDUX = "emu_redux(t, PTX_REDUX_{op}_{T}, {a}, {m}, {site})"
_ORDER = "sem:release|acquire|acq_rel|relaxed? scope:cta|cluster?"

FORMS = (
    form("bar", "cta? op:sync", "a:u32 b:u32?", meets=True),
    form("bar", "cta? op:arrive", "a:u32 b:u32", meets=True),
    form("bar", "cta? op:red kind:popc T:u32", "=d:u32 a:u32 b:any c:!pred?", meets=True),
    form("bar", "cta? op:red kind:and|or T:pred", "=d:pred a:u32 b:any c:!pred?", meets=True),
    form("barrier", "cta? op:sync aligned?", "a:u32 b:u32?", meets=True),
    form("barrier", "cta? op:arrive aligned?", "a:u32 b:u32", meets=True),
    form("barrier", "cta? op:red kind:popc aligned? T:u32", "=d:u32 a:u32 b:any c:!pred?", meets=True),
    form("barrier", "cta? op:red kind:and|or aligned? T:pred", "=d:pred a:u32 b:any c:!pred?", meets=True),
    form("bar", "warp op:sync", "a:u32", meets=True),
    form(
        "shfl",
        "sync mode:up|down|bfly|idx b32",
        "=d:b32|p a:b32 b:u32 c:u32 m:u32",
        "emu_shfl(t, PTX_SHFL_{mode}, {a}, {b}, {c}, {m}, &p_, {site})",
        raw=True,
        meets=True,
    ),
    form("vote", "sync mode:all|any|uni pred", "=d:pred a:!pred m:u32", _VOTE, meets=True),
    form("vote", "sync mode:ballot b32", "=d:b32 a:!pred m:u32", _VOTE, meets=True),
    form("vote", "mode:ballot sync b32", "=d:b32 a:!pred m:u32", _VOTE, meets=True),  # as CUB writes it
    form("match", "any sync T:b32|b64", "=d:b32 a:T m:u32", "emu_match_any(t, {a}, {m}, {site})", meets=True),
    form("match", "all sync T:b32|b64", "=d:b32|p a:T m:u32", "emu_match_all(t, {a}, {m}, &p_, {site})", meets=True),
    form("activemask", "b32", "=d:b32", "emu_activemask(t, {site})", meets=True),
    form("redux", "sync op:add|min|max T:u32|s32", "=d:T a:T m:u32", _REDUX, meets=True),
    form("redux", "sync op:and|or|xor T:b32", "=d:T a:T m:u32", _REDUX, meets=True),
    form("elect", "sync", "=d:b32|p m:u32", "emu_elect(t, {m}, &p_, {site})", meets=True),
    form("mbarrier", f"op:init {_SPACE} b64", "a:mem b:u32", meets=True),
    form("mbarrier", f"op:inval {_SPACE} b64", "a:mem", meets=True),
    form("mbarrier", f"op:arrive {_ORDER} {_SPACE} b64", "=d:any a:mem b:u32?", meets=True),
    form("mbarrier", f"op:arrive_drop {_ORDER} {_SPACE} b64", "=d:any a:mem b:u32?", meets=True),
    form("mbarrier", f"op:arrive noComplete {_ORDER} {_SPACE} b64", "=d:any a:mem b:u32", meets=True),
    form("mbarrier", f"op:arrive_drop noComplete {_ORDER} {_SPACE} b64", "=d:any a:mem b:u32", meets=True),
    form("mbarrier", f"op:arrive expect_tx {_ORDER} {_SPACE} b64", "=d:any a:mem b:u32", meets=True),
    form("mbarrier", f"op:arrive_drop expect_tx {_ORDER} {_SPACE} b64", "=d:any a:mem b:u32", meets=True),
    form("mbarrier", f"op:expect_tx {_ORDER} {_SPACE} b64", "a:mem b:u32", meets=True),
    form("mbarrier", f"op:complete_tx {_ORDER} {_SPACE} b64", "a:mem b:u32", meets=True),
    form("mbarrier", f"op:test_wait|try_wait {_ORDER} {_SPACE} b64", "=d:pred a:mem b:u64 c:u32?", meets=True),
    form("mbarrier", f"op:test_wait|try_wait parity {_ORDER} {_SPACE} b64", "=d:pred a:mem b:u32 c:u32?", meets=True),
    form("mbarrier", "op:pending_count b64", "=d:u32 a:b64", "emu_mbarrier_pending({a})"),
    form("bra", "uni?", "a:target"),
    form("brx", "idx uni?", "a:u32 b:target"),
    form("ret", "uni?", ""),
    form("exit", "", ""),
    form("trap", "", ""),
    form("brkpt", "", ""),
    form("nanosleep", "u32", "a:u32", meets=True),
    form("pmevent", "mask?", "a:imm"),
    form("griddepcontrol", "op:launch_dependents|wait", ""),
)
