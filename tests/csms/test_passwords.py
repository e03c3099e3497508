"""Passwords: hashed for good, and a bounded number at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import argon2
import pytest
import trio

from csms.passwords import Passwords


async def test_a_password_fits_its_own_hash_and_no_other() -> None:
    passwords = Passwords()
    password_hash = await passwords.hash("correct horse")
    assert await passwords.verify(password_hash, "correct horse")
    assert not await passwords.verify(password_hash, "correct horsf")
    assert not await passwords.verify(password_hash, "")


async def test_a_hash_does_not_tell_the_password_nor_who_else_has_it() -> None:
    passwords = Passwords()
    first, second = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert first != second
    assert "horse" not in first


async def test_any_text_may_be_a_password() -> None:
    passwords = Passwords()
    for password in ("ü€𝄞", "a:b", "\x00", "x" * 4000):
        assert await passwords.verify(await passwords.hash(password), password)


@pytest.mark.parametrize("broken", ["", "plain", "$argon2id$v=19$m=7168,t=2,p=1$AAAA", "$2b$12$" + "a" * 53])
async def test_nothing_fits_what_is_no_hash(broken: str) -> None:
    assert not await Passwords().verify(broken, "plain")


async def test_no_more_are_hashed_at_once_than_may_be_and_the_loop_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(at_once=2)
    busy = 0
    busiest = 0
    counting = threading.Lock()
    two_are_busy = trio.Event()
    go_on = threading.Event()
    real_hash: Callable[..., str] = argon2.PasswordHasher.hash

    def slow_hash(hasher: argon2.PasswordHasher, password: str) -> str:
        nonlocal busy, busiest
        with counting:
            busy += 1
            busiest = max(busiest, busy)
            if busy == 2:
                trio.from_thread.run_sync(two_are_busy.set)
        assert go_on.wait(10)
        try:
            return real_hash(hasher, password)
        finally:
            with counting:
                busy -= 1

    monkeypatch.setattr(argon2.PasswordHasher, "hash", slow_hash)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(passwords.hash, str(number))
            await two_are_busy.wait()
            for _ in range(100):  # the others would come now, if they could
                await trio.lowlevel.checkpoint()
            go_on.set()
    assert busiest == 2
