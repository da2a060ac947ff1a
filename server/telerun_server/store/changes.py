"""SQLite: what the statements that change a job have in common."""

from __future__ import annotations

from telerun_protocol.codec import encode
from telerun_protocol.states import State
from telerun_server.store.base import Change
from telerun_server.store.reading import decode_needs

Held = tuple[str | None, str]  # instance, claim id


def text_of(value: object) -> str:
    return encode(value).decode()


# Of a job that changed: what a Change tells. Only who waits for a queued job asks what it needs.
CHANGED = """id, owner, state,
  CASE WHEN state = 'queued' THEN (SELECT needs FROM needs WHERE needs.id = jobs.needs) END"""


def change_of(row: tuple[str, str, str, str | None], held: Held | None = None) -> Change:
    job_id, owner, state, needs = row
    instance, claim_id = held or (None, None)
    return Change(
        job_id=job_id,
        owner=owner,
        state=State(state),
        needs=decode_needs(needs) if needs else None,
        instance=instance,
        claim_id=claim_id,
    )
