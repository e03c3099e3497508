"""C10, C11, C12: the Authorization Cache."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
import trio

from shared.ocppj import date_time
from station.blocks.authorization.cache import AuthorizationCache
from station.device_model import (
    AUTH_CACHE_BYTES,
    AUTH_CACHE_ENABLED,
    AUTH_CACHE_LIFE_TIME,
    AUTH_CACHE_POLICY,
    AUTH_CACHE_STORAGE,
    DeviceModel,
)
from station.id_token import IdToken, IdTokenInfo
from station.state import MemoryState


class HandClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Fixture:
    def __init__(self) -> None:
        self.state, self.variables, self.clock = MemoryState(), DeviceModel(), HandClock()
        self.cache = self.boot()

    def boot(self) -> AuthorizationCache:
        return AuthorizationCache(self.state, self.variables, self.clock)

    def wait(self, seconds: float) -> None:
        self.clock.time += timedelta(seconds=seconds)


@pytest.fixture
def at() -> Fixture:
    return Fixture()


def card(number: int) -> IdToken:
    return {"idToken": f"04{number:06}", "type": "ISO14443"}


def test_c10_fr_01_it_has_the_latest_whatever_the_status(at: Fixture) -> None:
    at.cache.learn(card(1), {"status": "Accepted"})
    at.cache.learn(card(1), {"status": "Blocked"})  # C12.FR.06
    assert at.cache.look_up(card(1)) == {"status": "Blocked"}
    assert at.cache.look_up(card(2)) is None
    assert at.cache.look_up({"idToken": card(1)["idToken"], "type": "KeyCode"}) is None


def test_c10_fr_02_it_outlives_a_power_cut(at: Fixture) -> None:
    at.cache.learn(card(1), {"status": "Accepted"})
    trio.run(at.state.keep)
    at.cache.learn(card(2), {"status": "Accepted"})
    at.state.lose_power()
    after = at.boot()
    assert after.look_up(card(1)) == {"status": "Accepted"}
    assert after.look_up(card(2)) is None


def test_c10_fr_10_an_entry_expires_when_the_csms_has_not_updated_it_for_its_life_time(at: Fixture) -> None:
    at.variables[AUTH_CACHE_LIFE_TIME] = 100
    at.cache.learn(card(1), {"status": "Accepted"})
    at.wait(99)
    at.cache.learn(card(1), {"status": "Accepted"})
    at.wait(99)
    assert at.cache.look_up(card(1)) is not None  # which is no update
    at.wait(1)
    assert at.cache.look_up(card(1)) is None
    assert len(at.cache) == 0  # C10.FR.10
    assert at.variables[AUTH_CACHE_STORAGE] == 0


def test_c10_fr_13_the_csms_may_say_when_an_entry_expires(at: Fixture) -> None:
    at.variables[AUTH_CACHE_LIFE_TIME] = 1
    expiry = date_time.to_wire(at.clock.now() + timedelta(seconds=500))
    at.cache.learn(card(1), {"status": "Accepted", "cacheExpiryDateTime": expiry})
    at.wait(499)
    assert at.cache.look_up(card(1)) is not None
    at.wait(1)
    assert at.cache.look_up(card(1)) is None


def test_c10_fr_10_what_the_csms_has_said_for_a_time_that_is_over_is_not_kept(at: Fixture) -> None:
    over = {"status": "Accepted", "cacheExpiryDateTime": date_time.to_wire(at.clock.now() - timedelta(seconds=1))}
    at.cache.learn(card(1), cast(IdTokenInfo, over))
    assert len(at.cache) == 0
    at.cache.learn(card(1), {"status": "Accepted"})
    at.cache.learn(card(1), cast(IdTokenInfo, over))
    assert len(at.cache) == 0
    assert at.cache.look_up(card(1)) is None


def test_c10_fr_09_c10_fr_12_it_keeps_no_token_and_no_tariff(at: Fixture) -> None:
    at.cache.learn(card(1), {"status": "Accepted", "personalMessage": {"format": "UTF8", "content": "9 ct"}})  # type: ignore[typeddict-unknown-key]  # what a CSMS may add
    (key,) = at.state.keys("authorization-cache/")
    kept = f"{key}{at.state.get(key)}"
    assert card(1)["idToken"] not in kept
    assert "9 ct" not in kept


def test_c10_fr_11_disabled_it_neither_learns_nor_knows(at: Fixture) -> None:
    at.cache.learn(card(1), {"status": "Accepted"})
    at.variables[AUTH_CACHE_ENABLED] = False
    at.cache.learn(card(2), {"status": "Accepted"})
    assert at.cache.look_up(card(1)) is None
    at.variables[AUTH_CACHE_ENABLED] = True
    assert at.cache.look_up(card(1)) is not None
    assert at.cache.look_up(card(2)) is None


@pytest.mark.parametrize("kind", ["Central", "NoAuthorization"])
def test_c02_fr_03_c03_fr_02_what_the_csms_makes_up_is_not_kept(at: Fixture, kind: str) -> None:
    at.cache.learn({"idToken": "x", "type": kind}, {"status": "Accepted"})
    assert len(at.cache) == 0


@pytest.mark.parametrize(("policy", "gone"), [("LRU", 2), ("LFU", 3), ("FIFO", 1)])
def test_c10_fr_07_when_it_is_full_others_go_by_its_policy(at: Fixture, policy: str, gone: int) -> None:
    at.variables[AUTH_CACHE_POLICY] = policy
    for number in (1, 2, 3):
        at.cache.learn(card(number), {"status": "Accepted"})
    for number in (2, 2, 2, 1, 1, 3):
        assert at.cache.look_up(card(number)) is not None
    number = 100
    while len(at.cache) == number - 97:
        at.cache.learn(card(number), {"status": "Accepted"})
        if policy == "LFU":
            at.cache.look_up(card(number))
            at.cache.look_up(card(number))
        number += 1
    assert [number for number in (1, 2, 3) if at.cache.look_up(card(number)) is None] == [gone]
    assert at.variables[AUTH_CACHE_STORAGE] <= AUTH_CACHE_BYTES


def test_c10_fr_07_those_that_are_not_accepted_go_first(at: Fixture) -> None:
    at.cache.learn(card(1), {"status": "Accepted"})
    at.cache.learn(card(2), {"status": "Blocked"})
    number = 100
    while len(at.cache) == number - 98:
        at.cache.learn(card(number), {"status": "Accepted"})
        number += 1
    assert at.cache.look_up(card(1)) is not None
    assert at.cache.look_up(card(2)) is None


def test_c11_it_is_cleared(at: Fixture) -> None:
    at.cache.learn(card(1), {"status": "Accepted"})
    at.cache.clear()
    assert at.cache.look_up(card(1)) is None
    assert at.variables[AUTH_CACHE_STORAGE] == 0
