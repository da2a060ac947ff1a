"""Which executor can do which job."""

from __future__ import annotations

import pytest

from telerun_protocol.messages import Device, ExecutorInfo, FileRef, JobSpec, ToolchainInfo
from telerun_protocol.states import Language
from telerun_server.needs import Needs, Offer, fits, may_claim, needs_of, waiting_for

H100 = Device(kind="nvidia", name="NVIDIA H100 80GB HBM3", arch="sm_90")
CPU = Device(kind="cpu", name="AMD EPYC 9654")
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


def test_without_gpus_anywhere_any_compiler_takes_the_job() -> None:
    wish = Needs(language=Language.CUDA, gpus=1)
    plain, gpu, wordless = offer(), offer(H100), offer(languages=(Language.C,))
    assert may_claim(wish, plain, [plain])
    assert not may_claim(wish, plain, [plain, gpu])
    assert may_claim(wish, gpu, [plain, gpu])
    assert not may_claim(wish, wordless, [wordless])
    labelled = Needs(language=Language.CUDA, gpus=1, labels=("lab",))
    assert not may_claim(labelled, plain, [plain])


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        (Needs(language=Language.C), None),
        (Needs(language=Language.CUDA), "runs cu"),
        (Needs(language=Language.C, gpus=1), None),
        (Needs(language=Language.C, labels=("x", "y")), "labels x, y"),
        (Needs(language=Language.C, device="tpu"), "'tpu'"),
    ],
)
def test_waiting_for(needs: Needs, told: str | None) -> None:
    found = waiting_for(needs, [offer(CPU, languages=(Language.C,))])
    assert (found is None) if told is None else (told in str(found))
    assert "none is connected" in str(waiting_for(needs, []))
