"""Passwords of stations: kept as argon2id hashes, checked off the Trio thread, a few at a time."""

from __future__ import annotations

import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Hashes and verifies. A hash takes about 5 ms of one core: dear for who guesses, cheap enough for ten thousand
    stations that reconnect at once, of which `at_once` are served while the others wait their turn off the loop.
    """

    def __init__(self, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
        self._turns = trio.CapacityLimiter(at_once)

    async def hash(self, password: str) -> str:
        """A salted hash of `password`, in the PHC string format."""
        return await trio.to_thread.run_sync(self._hasher.hash, password, limiter=self._turns)

    async def verify(self, password_hash: str, password: str) -> bool:
        """Whether `password` is the one that was hashed."""
        return await trio.to_thread.run_sync(self._verify, password_hash, password, limiter=self._turns)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
