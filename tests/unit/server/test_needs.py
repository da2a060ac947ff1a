"""Which executor can do which job."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from telerun_protocol.errors import NoSuchExecutor
from telerun_protocol.messages import Device, ExecutorInfo, FileRef, JobSpec, ToolchainInfo
from telerun_protocol.states import Language
from telerun_server.needs import Needs, Offer, fits, may_claim, needs_of, refuse_hopeless, waiting_for

H100 = Device(kind="nvidia", name="NVIDIA H100 80GB HBM3", arch="sm_90")
CPU = Device(kind="cpu", name="AMD EPYC 9654")
A100 = Device(kind="nvidia", name="NVIDIA A100-SXM4-40GB", arch="sm_80", memory_bytes=42_505_273_344)
EMULATED = Device(kind="emulated", name="CPU emulation (compute_80)", id="emulated-0")
SOURCE = FileRef(path="a.cu", sha256="0" * 64, size_bytes=1)


def offer(*devices: Device, labels: tuple[str, ...] = (), languages: tuple[Language, ...] = tuple(Language)) -> Offer:
    toolchains = tuple(ToolchainInfo(language=language, version="1") for language in languages)
    info = ExecutorInfo(
        instance="0" * 32, version="1", slots=1, compile_slots=1, devices=devices, toolchains=toolchains, labels=labels
    )
    return Offer.of("box", info)


def test_a_cuda_job_needs_a_gpu_unless_it_only_compiles() -> None:
    spec = JobSpec(language=Language.CUDA, files=(SOURCE,), device="h100", labels=("b", "a", "b"))
    assert needs_of(spec) == Needs(language=Language.CUDA, labels=("a", "b"), device="h100", gpus=1)
    compiled = JobSpec(language=Language.CUDA, files=(SOURCE,), device="h100", run=False)
    assert needs_of(compiled) == Needs(language=Language.CUDA)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (Needs(language=Language.C), True),
        (Needs(language=Language.C, gpus=1), True),
        (Needs(language=Language.C, gpus=2), False),
        (Needs(language=Language.C, gpus=1, device="h100"), True),
        (Needs(language=Language.C, gpus=1, device="epyc"), False),
        (Needs(language=Language.C, device="EPYC"), True),
        (Needs(language=Language.C, device="cpu"), True),
        (Needs(language=Language.C, device="a100"), False),
        (Needs(language=Language.C, labels=("sm_90", "nvidia", "box", "mine")), True),
        (Needs(language=Language.C, labels=("sm_80",)), False),
    ],
)
def test_fits(needs: Needs, expected: bool) -> None:
    assert fits(needs, offer(H100, CPU, labels=("mine",))) is expected


def test_a_language_must_be_spoken() -> None:
    assert not fits(Needs(language=Language.CUDA), offer(H100, languages=(Language.C,)))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("gpu-memory>=40GB",), True),
        (("gpu-memory>40GiB",), False),
        (("gpu-memory<80GB", "sm_80", "a100", "cuda"), True),
        (("gpu-memory>=much",), False),
        (("A100-SXM4-40GB",), True),
        (("cores>=64",), True),
        (("cores>=65", "a100"), False),
        (("rack=b2",), True),
        (("rack=b3",), False),
        (("sm_80", "sm_90"), False),  # each on another device
        (("emulated", "sm_80"), False),
    ],
)
def test_labels_are_words_or_comparisons(labels: tuple[str, ...], expected: bool) -> None:
    machine = offer(A100, H100, EMULATED, labels=("cores=64", "rack=B2"))
    assert fits(Needs(language=Language.C, labels=labels), machine) is expected
    assert fits(Needs(language=Language.C, labels=labels, gpus=1), machine) is expected
    assert not fits(Needs(language=Language.C, labels=labels, gpus=3), machine)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, False),
        ({"emulate": True}, True),
        ({"emulate": True, "device": "h100"}, False),
        ({"device": "emulated"}, True),
        ({"labels": ("emulated",)}, True),
        ({"labels": ("sm_80",), "emulate": True}, False),
    ],
)
def test_emulation_is_never_a_surprise(wish: dict[str, Any], expected: bool) -> None:
    assert fits(Needs(language=Language.CUDA, gpus=1, **wish), offer(EMULATED)) is expected
    assert not fits(Needs(language=Language.CUDA, gpus=2, **wish), offer(EMULATED))


def test_real_gpus_come_first() -> None:
    wish = Needs(language=Language.CUDA, gpus=1, emulate=True)
    laptop, both = offer(EMULATED), offer(EMULATED, H100)
    assert may_claim(wish, laptop, [laptop], [laptop, both])
    assert not may_claim(wish, laptop, [laptop, both], [laptop, both])
    explicit = Needs(language=Language.CUDA, gpus=1, device="emulated")
    assert may_claim(explicit, laptop, [laptop, both], [laptop, both])
    assert may_claim(explicit, both, [laptop, both], [laptop, both])


def test_without_gpus_anywhere_any_compiler_takes_the_job() -> None:
    wish = Needs(language=Language.CUDA, gpus=1)
    plain, gpu, wordless = offer(), offer(H100), offer(languages=(Language.C,))
    assert may_claim(wish, plain, [plain], [plain])
    assert not may_claim(wish, plain, [plain], [plain, gpu])  # one that is away has it
    assert may_claim(wish, gpu, [plain, gpu], [plain, gpu])
    assert not may_claim(wish, wordless, [wordless], [wordless])
    for patient in (msgspec.structs.replace(wish, labels=("lab",)), msgspec.structs.replace(wish, wait=True)):
        assert not may_claim(patient, plain, [plain], [plain])


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        (Needs(language=Language.C), None),
        (Needs(language=Language.CUDA), "runs cu"),
        (Needs(language=Language.C, gpus=1), None),
        (Needs(language=Language.C, gpus=2, wait=True), "2 GPUs"),
        (Needs(language=Language.C, labels=("x", "y")), "labels x, y"),
        (Needs(language=Language.C, device="tpu"), "'tpu'"),
    ],
)
def test_waiting_for(needs: Needs, told: str | None) -> None:
    plain = [offer(CPU, languages=(Language.C,))]
    found = waiting_for(needs, plain, plain)
    assert (found is None) if told is None else (told in str(found))
    assert "none is connected" in str(waiting_for(needs, [], plain))


def test_only_what_nobody_could_ever_do_is_refused() -> None:
    wish = Needs(language=Language.CUDA, gpus=1)
    refuse_hopeless(wish, [])
    refuse_hopeless(wish, [offer(), offer(H100)])
    refuse_hopeless(msgspec.structs.replace(wish, wait=True), [offer()])
    with pytest.raises(NoSuchExecutor) as refused:
        refuse_hopeless(wish, [offer(labels=("x",)), offer(EMULATED, EMULATED), offer(EMULATED, EMULATED)])
    languages = " ".join(sorted(Language))
    assert refused.value.items == (
        f"box: {languages}; no device; labels x",
        f"box: {languages}; 2 × CPU emulation (compute_80)",
    )
    assert "--emulate" in str(refused.value)
    with pytest.raises(NoSuchExecutor) as refused:
        refuse_hopeless(Needs(language=Language.CUDA), [offer(languages=(Language.C,))])
    assert "runs cu" in refused.value.message
    assert "--compile-only" not in str(refused.value)
