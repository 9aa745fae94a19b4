"""Passwords of staff: argon2id, in threads of their own, so that hashing never holds up the event loop.

Two threads: each hash takes 19 MiB and about 30 ms of a core, and more at once would only starve the rest.
Who waits longer is the one who signs in, never a shopper. Parameters: argon2id as the OWASP password storage
sheet has it (m=19 MiB, t=2, p=1).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_threads: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


async def hashed(password: str) -> str:
    """The password as it is stored, in argon2's own text form with its salt."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _HASHER.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether this is the password. None stands for somebody unknown: it takes as long, and never matches."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _matches, password, password_hash)


def _matches(password: str, password_hash: str | None) -> bool:
    try:
        _HASHER.verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _HASHER.hash("the password of nobody at all")
