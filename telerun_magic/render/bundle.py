"""Blocks as the MIME bundle that a notebook stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telerun_magic.render.blocks import Block
from telerun_magic.render.html import to_html
from telerun_magic.render.plain import to_text
from telerun_protocol.messages import Job

MIME = "application/vnd.telerun.job.v1+json"


def bundle(blocks: Sequence[Block], job: Job | None = None) -> dict[str, Any]:
    """Always with `text/plain`; with the job's few facts for a front end that knows Telerun."""
    made: dict[str, Any] = {"text/html": to_html(blocks), "text/plain": to_text(blocks)}
    return made | ({MIME: facts(job)} if job else {})


def facts(job: Job) -> dict[str, Any]:
    """Small, and without anything that the job itself wrote."""
    known = {
        "id": job.id,
        "number": job.number,
        "language": job.spec.language.value,
        "name": job.spec.name,
        "state": job.state.value,
        "phase": job.phase and job.phase.value,
        "reason": job.reason and job.reason.value,
        "exit_code": job.result and job.result.exit_code,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "cell_id": job.spec.cell_id,
    }
    return {key: value for key, value in known.items() if value is not None}
