"""Every instruction that the emulation knows, in one place.

What is not here is refused with its name; nothing is guessed. `INSTRUCTIONS` maps an opcode to its forms, `find` looks
an instruction up. How a form is written: `forms.py`. Beside it: `REFUSED`, why some are missing, and
`SPECIAL_REGISTERS`. (`call` has a syntax of its own: `codegen/calls.py`.)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from telerun_executor.emulator.ptx import (
    table_convert,
    table_float,
    table_integer,
    table_matrix,
    table_memory,
    table_texture,
    table_warp,
)
from telerun_executor.emulator.ptx.errors import UnsupportedPtx
from telerun_executor.emulator.ptx.forms import Form


def _instructions() -> Mapping[str, tuple[Form, ...]]:
    found = dict[str, list[Form]]()
    for part in (table_integer, table_float, table_convert, table_memory, table_warp, table_matrix, table_texture):
        for form in part.FORMS:
            found.setdefault(form.opcode, []).append(form)
    return MappingProxyType({opcode: tuple(forms) for opcode, forms in found.items()})


INSTRUCTIONS = _instructions()

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("tex", "tld4"),
            "textures are of one to three dimensions, without mipmaps",
        ),
        **dict.fromkeys(
            ("suld", "sust", "sured"), "surfaces are read and written by bytes, in one to three dimensions"
        ),
        **dict.fromkeys(("txq", "suq", "istypep"), "questions to textures and surfaces are not emulated"),
        **dict.fromkeys(("wgmma", "tcgen05", "setmaxnreg", "tensormap"), "it is of one GPU architecture only"),
        **dict.fromkeys(("mapa", "getctarank", "clusterlaunchcontrol", "multimem"), "clusters are not emulated"),
        **dict.fromkeys(
            [f"v{name}{many}" for name in ("add", "sub", "min", "max", "set", "avrg") for many in ("", "2", "4")],
            "video instructions are not emulated",
        ),
        **dict.fromkeys(("vmad", "vshl", "vshr", "vabsdiff"), "video instructions are not emulated"),
        "shfl": "only its .sync form exists on current GPUs",
        "vote": "only its .sync form exists on current GPUs",
    }
)
"""Why some instructions are not there."""

_AXES = {"x": 0, "y": 1, "z": 2}


def _special_registers() -> Mapping[str, tuple[str, str]]:
    found = {
        "%laneid": ("u32", "emu_lane(t)"),
        "%warpid": ("u32", "emu_warp(t)"),
        "%nwarpid": ("u32", "t->block->warps"),
        "%smid": ("u32", "t->block->smid"),
        "%nsmid": ("u32", "t->block->nsmid"),
        "%gridid": ("u64", "t->block->gridid"),
        "%lanemask_eq": ("u32", "(1u << emu_lane(t))"),
        "%lanemask_lt": ("u32", "((1u << emu_lane(t)) - 1)"),
        "%lanemask_le": ("u32", "((2u << emu_lane(t)) - 1)"),
        "%lanemask_gt": ("u32", "~((2u << emu_lane(t)) - 1)"),
        "%lanemask_ge": ("u32", "~((1u << emu_lane(t)) - 1)"),
        "%clock": ("u32", "(uint32_t)emu_clock64(t)"),
        "%clock_hi": ("u32", "(uint32_t)(emu_clock64(t) >> 32)"),
        "%clock64": ("u64", "emu_clock64(t)"),
        "%globaltimer": ("u64", "emu_globaltimer()"),
        "%globaltimer_lo": ("u32", "(uint32_t)emu_globaltimer()"),
        "%globaltimer_hi": ("u32", "(uint32_t)(emu_globaltimer() >> 32)"),
        "%dynamic_smem_size": ("u32", "t->block->shared_dynamic"),
        "%total_smem_size": ("u32", "t->shared_bytes"),
        "%aggr_smem_size": ("u32", "t->shared_bytes"),
        "WARP_SZ": ("u32", "32u"),
        "%envreg1": ("u32", "(uint32_t)(t->block->grid_workspace >> 32)"),
        "%envreg2": ("u32", "(uint32_t)t->block->grid_workspace"),
        "%cluster_ctarank": ("u32", "0u"),  # a block that was launched without clusters is a cluster of one
        "%cluster_nctarank": ("u32", "1u"),
        "%is_explicit_cluster": ("pred", "0"),
    }
    for axis, index in _AXES.items():
        found[f"%tid.{axis}"] = ("u32", f"t->tid[{index}]")
        for name in ("ntid", "ctaid", "nctaid"):
            found[f"%{name}.{axis}"] = ("u32", f"t->block->{name}[{index}]")
        found[f"%clusterid.{axis}"] = ("u32", f"t->block->ctaid[{index}]")
        found[f"%nclusterid.{axis}"] = ("u32", f"t->block->nctaid[{index}]")
        found[f"%cluster_ctaid.{axis}"] = ("u32", "0u")
        found[f"%cluster_nctaid.{axis}"] = ("u32", "1u")
    return MappingProxyType(found)


SPECIAL_REGISTERS = _special_registers()
"""Special registers: their type and what they are in C."""


@lru_cache(maxsize=4096)
def find(opcode: str, modifiers: str) -> tuple[Form, Mapping[str, str]]:
    """The form of an instruction, and the choice in each of its slots.

    Raises:
        UnsupportedPtx: no form has this opcode with these modifiers.
    """
    for form in INSTRUCTIONS.get(opcode, ()):
        found = form.match(modifiers)
        if found is not None:
            return form, MappingProxyType(found)
    raise UnsupportedPtx(opcode + modifiers, hint=REFUSED.get(opcode, ""))
