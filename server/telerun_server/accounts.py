"""Who speaks: tokens, and the accounts they stand for."""

from __future__ import annotations

import hashlib
import re
import secrets
import time

from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import Principal
from telerun_server.store.base import Account, Store

CACHE_S = 1.0
CACHE_ENTRIES = 10_000
CLASS = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")


def hash_token(token: str) -> str:
    """Tokens are 256 random bits: one round of SHA-256 keeps them, and looking one up by it leaks nothing by timing."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_class(name: str) -> None:
    if not CLASS.fullmatch(name):
        raise InvalidMessage(
            f"{name!r} is not a class of users.", hint="Use up to 32 small letters, digits and hyphens."
        )


class Accounts:
    """Makes accounts, and knows principals by token. A removed or rotated token is known for at most a second more."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[float, Principal]] = {}

    def cached(self, token: str) -> Principal | None:
        """The principal, where that needs no look into the store."""
        found = self._known.get(hash_token(token))
        return found[1] if found and time.monotonic() < found[0] else None

    async def principal(self, token: str) -> Principal | None:
        hashed = hash_token(token)
        account = await self._store.account_of(hashed)
        if account is None:
            self._known.pop(hashed, None)
            return None
        principal = Principal(name=account.name, kind=account.role, user_class=account.user_class)
        if len(self._known) >= CACHE_ENTRIES:
            self._known.clear()
        self._known[hashed] = (time.monotonic() + CACHE_S, principal)
        return principal

    async def add(self, name: str, role: str, *, user_class: str = "default") -> str:
        """Makes an account and returns its token, which is not kept anywhere."""
        check_class(user_class)
        if not NAME.fullmatch(name):
            raise InvalidMessage(
                f"{name!r} is not an account name.",
                hint="Use up to 63 letters, digits and . _ @ -, a letter or digit first.",
            )
        token = secrets.token_hex(32)
        await self._store.add_account(
            Account(name=name, role=role, created_at=time.time(), user_class=user_class), hash_token(token)
        )
        return token

    async def set_class(self, name: str, user_class: str) -> None:
        check_class(user_class)
        await self._store.set_class(name, user_class)

    async def rotate(self, name: str, *, executor: bool) -> str:
        token = secrets.token_hex(32)
        await self._store.rotate_token(name, executor=executor, token_sha256=hash_token(token))
        return token

    async def remove(self, name: str, *, executor: bool) -> None:
        await self._store.remove_account(name, executor=executor)

    async def list(self, *, executor: bool) -> list[Account]:
        return [account for account in await self._store.accounts() if (account.role == "executor") == executor]
