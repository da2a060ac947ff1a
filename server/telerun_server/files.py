"""Blobs and who may have them."""

from __future__ import annotations

import asyncio
import time

from telerun_protocol.errors import NotFound
from telerun_server.blobs import Blobs, BlobWriter
from telerun_server.store.base import Store

PURGED_AT_ONCE = 200


class Files:
    """A user has what they uploaded and what belongs to their jobs; an executor has what belongs to a job it holds."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self.blobs = blobs
        self._naming = asyncio.Lock()  # between a row and its file nobody else adds or removes the same blob

    async def keep(self, writer: BlobWriter, sha256: str, *, owner: str | None, job_id: str | None) -> None:
        """Ends an upload: afterwards the blob is durable and is theirs."""
        size = await writer.seal()
        async with self._naming:
            await writer.commit()
            await self._store.add_blob(sha256, size, owner=owner, job_id=job_id, now=time.time())

    async def size(self, sha256: str, *, owner: str | None, job_id: str | None) -> int:
        """Raises NotFound for what they may not have, as for what is not there."""
        size = await self._store.blob_size(sha256, owner=owner, job_id=job_id)
        if size is None:
            raise NotFound("There is no such file here, or it is not yours.")
        return size

    async def purge(self, uploaded_before: float) -> int:
        """Removes blobs that no job names; returns how many."""
        async with self._naming:
            purged = await self._store.purge_blobs(uploaded_before, PURGED_AT_ONCE)
            for sha256 in purged:
                await self.blobs.remove(sha256)
        return len(purged)
